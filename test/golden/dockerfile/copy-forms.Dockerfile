FROM busybox
COPY a b c /dest/
COPY --chown=1:2 --chmod=755 x y
COPY ["a b", "c d/"]
COPY --from=nginx:alpine --link /etc/nginx /etc/nginx
COPY *.go d?r/ /src/
