# about x
ARG x

# far

ARG y
FROM a
