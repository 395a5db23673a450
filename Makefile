# `make run` starts the gateway with two sample services; `make test` runs everything that is tested.
# Nothing but make and Python >= 3.11 has to be there, and everything made stays in this folder.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: $(VENV)/run.stamp ## the gateway and two sample services on http://127.0.0.1:8080
	@exec $(PY) -m gateway demo $(ARGS)

test: $(VENV)/test.stamp ## the whole test suite; ARGS="tests/policy -x" runs a part of it
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: $(VENV)/test.stamp ## lint, formatting and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: $(VENV)/test.stamp ## speed and size beside HAProxy, nginx, Caddy and others; ARGS=--quick takes a minute
	$(PY) -m benchmarks $(ARGS)

soak: $(VENV)/test.stamp ## five minutes of mixed traffic: memory, descriptors and connections must stay where they were
	SOAK_SECONDS=$${SOAK_SECONDS:-300} $(PY) -m pytest -q tests/soak $(ARGS)

lock: ## renew constraints.txt with the newest versions that pyproject.toml allows
	$(MAKE) VENV=.venv-lock .venv-lock/bin/python
	.venv-lock/bin/python -m pip install --editable '.[test]'
	{ sed '/==/d' constraints.txt; .venv-lock/bin/python -m pip freeze --exclude-editable; } > .venv-lock/new
	mv .venv-lock/new constraints.txt
	rm -rf .venv-lock

clean: ## removes what make made; ./data (accounts, sessions, secrets) stays
	rm -rf $(VENV) .venv-lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf benchmarks/.venv benchmarks/results benchmarks/peers/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/run.stamp: $(PY) pyproject.toml constraints.txt
	$(PY) -m pip install --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test.stamp: $(PY) pyproject.toml constraints.txt
	$(PY) -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/run.stamp

# PYTHON=... names another interpreter.
$(PY):
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "That Python has no working venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed; python3 here is: $$(python3 --version 2>&1)." >&2; \
	echo "Install one, or name one: make PYTHON=/path/to/python3.13 run" >&2; \
	exit 1

.PHONY: help run test check bench soak lock clean
