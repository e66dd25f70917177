FROM busybox
ADD rootfs.tar.gz /
ADD --checksum=sha256:0000000000000000000000000000000000000000000000000000000000000000 https://example.com/x.tgz /x
ADD --chown=app --keep-git-dir=true src /src
