FROM busybox
RUN ["/bin/echo", "hello world", "\u00e9"]
