FROM a
RUN --mount=type=secret z
