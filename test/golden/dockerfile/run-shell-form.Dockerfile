FROM busybox
RUN echo hello && echo world
