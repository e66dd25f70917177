FROM busybox
ONBUILD RUN <<EOF
echo x
EOF
CMD sh
