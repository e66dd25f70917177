FROM busybox
hello world
