# top

#another
FROM busybox
# between
RUN echo a # the shell sees this
