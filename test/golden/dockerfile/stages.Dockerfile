FROM golang AS build
RUN make
FROM scratch AS tools
COPY --from=build /a /a
FROM busybox AS unused
RUN echo never
FROM tools AS final
COPY --from=0 /b /b
COPY --from=busybox:1 /bin/sh /sh
