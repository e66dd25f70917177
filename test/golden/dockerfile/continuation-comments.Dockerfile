FROM busybox
RUN echo a && \
# a comment
    # an indented one
    echo b
