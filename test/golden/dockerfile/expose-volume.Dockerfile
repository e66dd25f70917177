FROM busybox
EXPOSE 80 443/tcp 53/udp 7000-7002
VOLUME /data /logs
VOLUME ["/a b", "/c"]
