FROM busybox
USER app:staff
WORKDIR /a b/c
WORKDIR sub
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN echo $0
STOPSIGNAL SIGQUIT
