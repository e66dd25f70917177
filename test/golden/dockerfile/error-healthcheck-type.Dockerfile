FROM busybox
HEALTHCHECK CDM curl x
