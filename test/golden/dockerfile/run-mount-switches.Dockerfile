FROM a
RUN --mount=target=/a,rw --mount=target=/b,readwrite=false --mount=type=cache,target=/c,ro --mount=type=cache,target=/d,readonly=0 --mount=type=tmpfs,target=/e --mount='"target=/with,comma"' x
