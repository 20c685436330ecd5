# The server in a container: its database, key and lock in /data, no tokens but those that you create.
#   docker build -t countersign .
#   docker run --rm -v countersign:/data countersign token create --name ada --role approver
#   docker run -d -v countersign:/data -p 127.0.0.1:7711:7711 countersign serve --allowed-host localhost
FROM rust:1.92-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY src src
COPY migrations migrations
COPY templates templates
# Tests and benchmarks are named by the manifest and not built here.
RUN mkdir -p tests/it tests/proofs benches/load \
    && touch tests/it/main.rs tests/proofs/main.rs benches/load/main.rs benches/hostile.rs \
    && cargo build --locked --release

FROM debian:bookworm-slim
RUN useradd --system --uid 7711 --home-dir /data --create-home --shell /usr/sbin/nologin countersign && chmod 700 /data
COPY --from=build /build/target/release/countersign /usr/local/bin/countersign
USER countersign
WORKDIR /data
VOLUME /data
EXPOSE 7711
ENV COUNTERSIGN_DB=/data/countersign.db \
    COUNTERSIGN_LISTEN=0.0.0.0:7711 \
    COUNTERSIGN_NO_FIRST_TOKENS=1 \
    COUNTERSIGN_CREDENTIALS_FILE=none
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7711 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && grep -q alive <&3"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
