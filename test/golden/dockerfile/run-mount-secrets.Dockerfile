FROM a
RUN --mount=type=secret,id=one --mount=type=secret,source=two,env=TWO --mount=type=secret,dst=/d/three --mount=type=secret,id=four,env=FOUR,target=/four,mode=0440,uid=1,gid=2,required=true --mount=type=ssh --mount=type=ssh,id=k,required --mount=type=ssh,target=/agent,mode=0600 x
