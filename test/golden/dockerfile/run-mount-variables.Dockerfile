FROM a
RUN --mount=type=cache,id=$ID,target=${T:-/c},uid=$U,sharing=$S --mount=type=$TYPE,target=/x --mount=from=b,target=/$y x
