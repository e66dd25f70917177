FROM busybox AS 1base
