FROM busybox
ONBUILD RUN echo child
ONBUILD COPY . /app
ONBUILD  ENV  A=b
