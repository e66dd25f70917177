FROM busybox
RUN cat <<A <<-"B" > /out && echo $((1 << 2))
first $x
A
	second
	B
