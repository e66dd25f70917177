ARG REG=localhost:5000
ARG NAME=${REG}/app
FROM ${NAME:-none}:${VERSION:-latest} AS app
FROM app
