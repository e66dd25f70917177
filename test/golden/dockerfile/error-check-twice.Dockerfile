# check=skip=A
# check=skip=B
FROM a
