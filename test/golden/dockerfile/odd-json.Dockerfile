FROM a
CMD ['a', 'b']
ENTRYPOINT ["a",]
RUN [ -f x ] && y
CMD [ ]
SHELL ["/bin/sh","-c"]
VOLUME ["/a b", "/c"]
