FROM busybox
RUN echo a \
  b
ENV X=1
