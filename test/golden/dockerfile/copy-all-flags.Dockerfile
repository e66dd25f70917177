FROM a
COPY --parents --link=false --exclude=*.md --exclude=b --chmod=u=rwX,go=rX --chown=1:$G "x y" z /to/
ADD --link --exclude=*.md --unpack=true --keep-git-dir=false --checksum=sha256:$SUM https://h/x /to
COPY ["a b", "$c", "/d e/"]
