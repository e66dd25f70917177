FROM busybox
ENTRYPOINT ["/entry"]
CMD ["a", "b"]
ENTRYPOINT exec top
CMD
ENTRYPOINT []
