FROM busybox
ENV KEY
