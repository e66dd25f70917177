FROM busybox
ENV a=b broken c=d
