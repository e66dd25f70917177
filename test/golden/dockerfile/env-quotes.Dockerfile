FROM a
ENV a="x y" b='x $y' c=x\ y d=\"q\" e="a'b" f='a"b' g="$h i"
LABEL "a b"=c d="e\
  f"
