FROM busybox sa base
