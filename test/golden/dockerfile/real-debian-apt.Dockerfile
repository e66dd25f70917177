FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="tool" \
      org.opencontainers.image.version="1.2"
RUN set -eux; \
    apt-get update; \
    # needed for TLS
    apt-get install -y --no-install-recommends \
        ca-certificates \
        curl \
    ; \
    rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["curl"]
CMD ["--help"]
