FROM busybox
RUN --mount=type=cache,target=/root/.cache,id=pip,sharing=locked,mode=0700,uid=1000 --mount=type=bind,source=src,target=/src pip install
RUN --mount=type=tmpfs,dst=/tmp,size=64m --mount=type=secret,id=token,required --mount=target=/ctx --network=none make
