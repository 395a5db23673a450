"""Host headers: one spelling each, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal
from gateway.policy.host import read_host
from gateway.reasons import Reason

READ = {
    b"gw.test": "gw.test",
    b"GW.Test": "gw.test",
    b"gw.test.": "gw.test",
    b"gw.test:8080": "gw.test",
    b"GW.test.:1": "gw.test",
    b"localhost": "localhost",
    b"my_service-1": "my_service-1",
    b"127.0.0.1:65535": "127.0.0.1",
    b"[::1]": "[::1]",
    b"[::1]:8080": "[::1]",
    b"[2001:DB8:0:0::1]": "[2001:db8::1]",
    b"xn--bcher-kva.example": "xn--bcher-kva.example",
}

REFUSED = {
    "empty": b"",
    "userinfo": b"u@h",
    "path": b"h/p",
    "path and query (CVE-2026-48710)": b"h/public?",
    "query": b"h?x",
    "fragment": b"h#x",
    "backslash": b"h\\p",
    "list": b"a, b",
    "comma": b"a,b",
    "leading space": b" h",
    "trailing space": b"h ",
    "inner space": b"a b",
    "tab": b"h\t",
    "line feed": b"h\n",
    "NUL": b"h\x00",
    "non-ASCII": "bücher.example".encode(),
    "escape": b"h%2e",
    "two dots": b"a..b",
    "two trailing dots": b"h..",
    "dot alone": b".",
    "leading dot": b".h",
    "port alone": b":80",
    "empty port": b"h:",
    "port zero": b"h:0",
    "port too large": b"h:65536",
    "port too long": b"h:000080",
    "port with a sign": b"h:+80",
    "port in words": b"h:http",
    "two ports": b"h:80:80",
    "non-ASCII digit in port": "h:٨".encode(),
    "bare IPv6": b"::1",
    "unclosed IPv6": b"[::1",
    "not IPv6": b"[1.2.3.4]",
    "IPv6 with a zone": b"[fe80::1%eth0]",
    "text after IPv6": b"[::1]x",
    "wildcard": b"*.example",
    "too long": b"a." * 127 + b"a",
}


@pytest.mark.parametrize(("value", "host"), READ.items(), ids=[value.decode() for value in READ])
def test_hosts_are_read_in_one_spelling(value: bytes, host: str) -> None:
    assert read_host(value) == host


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_refused(value: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_host(value)
    assert refused.value.reason is Reason.HEADER_AMBIGUOUS


@given(st.from_regex(r"[A-Za-z0-9-]{1,8}(\.[A-Za-z0-9-]{1,8}){0,3}", fullmatch=True), st.integers(1, 65535))
def test_case_port_and_trailing_dot_make_no_difference(name: str, port: int) -> None:
    spellings = {name, name.upper(), name.lower(), f"{name}.", f"{name}:{port}", f"{name.swapcase()}.:{port}"}
    assert {read_host(spelling.encode()) for spelling in spellings} == {name.lower()}


@given(st.binary(max_size=30))
def test_anything_is_read_or_refused(value: bytes) -> None:
    try:
        host = read_host(value)
    except Refusal:
        return
    assert read_host(host.encode()) == host
