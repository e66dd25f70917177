FROM --platform=$BUILDPLATFORM golang AS build
ARG TARGETOS TARGETARCH
RUN go build
FROM --platform=linux/arm64 busybox
COPY --from=build /x /x
