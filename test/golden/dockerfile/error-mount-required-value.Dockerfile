FROM a
RUN --mount=type=secret,id=x,required=maybe z
