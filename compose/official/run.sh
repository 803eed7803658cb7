#!/bin/sh
# Runs a program of RocketMQ's image so that it can be told to end: the image's own
# scripts start Java as a grandchild, and pass no signal on.
#
#   run.sh mqbroker -c FILE      in the folder of the programs, where the image begins
umask 0  # files are root's, and to be removed by whoever has started the cluster
sh "$@" &
trap 'kill $(grep -lx java /proc/[0-9]*/comm | cut -d/ -f3)' TERM
wait $!
code=$?  # or that a signal came: then Java is still ending
wait
exit $code
