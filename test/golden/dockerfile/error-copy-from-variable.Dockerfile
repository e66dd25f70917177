FROM a
COPY --from=$x a b
