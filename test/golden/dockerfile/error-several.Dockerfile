FROM a
RUNN x
COPY --form=b c d
ENV A
EXPOSE
RUN --mount=type=cach,target=/x y
