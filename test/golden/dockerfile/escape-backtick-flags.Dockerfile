# escape=`
FROM a
COPY --chown=a`:b C:\x D:\y\
RUN dir `
  C:\
