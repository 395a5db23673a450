FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/gateway
# Dependencies first: they change less often than the code and are then found in the build cache.
COPY pyproject.toml constraints.txt docker/dependencies ./
RUN python dependencies pyproject.toml postgres >requirements.txt \
 && /opt/gateway/bin/pip install -c constraints.txt -r requirements.txt
COPY LICENSE README.md ./
COPY gateway gateway
RUN /opt/gateway/bin/pip install --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway \
 && install -d -o gateway -g gateway -m 0700 /data /secrets /secrets/gateway /secrets/database \
 && install -d /app && ln -s /data /app/data
COPY --from=build /opt/gateway /opt/gateway
COPY docker/gateway docker/ready docker/secrets /opt/commands/
WORKDIR /app
COPY config.yaml ./
COPY examples/services examples/services
ENV PATH=/opt/commands:/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_LISTEN=0.0.0.0:8080
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["ready"]
CMD ["gateway", "serve"]
