# escape=`
FROM busybox
RUN echo a `
  b
COPY a.txt C:\data\
