#!/usr/bin/env -S docker build -f
#   SYNTAX = docker.io/docker/dockerfile-upstream:master@sha256:00
#check = skip=A ; error=true  
FROM a
# escape=`
