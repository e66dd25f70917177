FROM busybox
RUN <<EOF
echo one
# kept
echo "two" \
  three
EOF
RUN echo after
