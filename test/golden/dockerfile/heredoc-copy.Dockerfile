FROM busybox
ARG v=1
COPY <<one.txt <<"two.txt" plain.txt /dir/
value $v
one.txt
value $v
two.txt
COPY <<-EOF /x
	tabbed
EOF
