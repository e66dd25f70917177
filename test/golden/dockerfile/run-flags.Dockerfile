FROM a
RUN --network=none --security=sandbox --mount=type=tmpfs,target=/x -- --not-a-flag
RUN --security=insecure x
