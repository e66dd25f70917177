FROM a AS one
FROM one AS two
FROM b AS three
RUN --mount=from=two,target=/two ls
