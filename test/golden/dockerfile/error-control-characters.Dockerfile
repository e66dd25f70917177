FROM busybox
RU[31mN x
