FROM busybox
LABEL a=b "com.example.vendor"="ACME Inc" multi="x \
  y"
LABEL old one value
