FROM busybox
RUN true
RUNN echo hi
