#!/bin/sh
# Writes the page; runs while the image is built.
cat <<HTML
<!doctype html>
<title>$1</title>
<h1>$1</h1>
<p>Built in one stage, served from another, lifted into its own namespaces.</p>
HTML
