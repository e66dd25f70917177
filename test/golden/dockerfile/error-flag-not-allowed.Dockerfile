FROM busybox
CMD --x=y sh
