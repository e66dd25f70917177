FROM busybox
COPY --exclude=*.md --exclude=docs . /app
