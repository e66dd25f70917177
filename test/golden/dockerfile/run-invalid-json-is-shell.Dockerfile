FROM busybox
RUN ['echo', 'x']
CMD ["unclosed
