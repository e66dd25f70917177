#!/bin/sh
# Counts its starts in the volume, then serves the page.
count=$(($(cat /data/starts 2>/dev/null || echo 0) + 1))
echo "$count" > /data/starts
echo "start number $count, serving /www on port $PORT"
trap 'exit 0' TERM
httpd -f -v -p "$PORT" -h /www &
wait
