FROM busybox AS base
COPY --from=base /a /b
