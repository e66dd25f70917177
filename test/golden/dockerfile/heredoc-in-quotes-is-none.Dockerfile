FROM busybox
RUN echo "<<EOF" && echo 'a <<b'
ENV X=<<EOF
