FROM a
RUN cat << EOF > /x
one
EOF
RUN echo $((1 << 2)) << none
COPY <<- 'two' << three four /y/
	x
	two
y
three
