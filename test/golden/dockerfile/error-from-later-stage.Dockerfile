FROM busybox AS a
COPY --from=1 /x /y
FROM busybox AS b
