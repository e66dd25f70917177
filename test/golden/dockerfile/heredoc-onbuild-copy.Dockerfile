FROM a
ONBUILD COPY <<one <<-'two' /x/
$a
one
	b
	two
