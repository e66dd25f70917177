FROM busybox
ENV a=1 b="two words" c=three\ words d='$raw' "e"=f
ENV old style with spaces
ENV path=$PATH:/x
