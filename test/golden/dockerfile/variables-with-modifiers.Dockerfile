FROM busybox
ENV A=${B:-x} C=${D:+y} E=${F#p} G=${H%%s*} I=${J//a/b}
