FROM a
RUN --mount=type=bind,target=/y,size=1 z
