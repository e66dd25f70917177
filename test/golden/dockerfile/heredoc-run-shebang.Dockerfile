FROM busybox
RUN <<'PY'
#!/usr/bin/env python3
print("$HOME")
PY
