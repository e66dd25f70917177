FROM a
RUN <<EOF
# escape=`
FROM b
\
  EOF
EOF
RUN x
