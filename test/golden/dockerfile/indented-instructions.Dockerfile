  FROM busybox
	RUN echo tab
   # indented comment
   CMD sh
