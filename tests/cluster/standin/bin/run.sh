#!/bin/sh
# No `exec`, and a heap for a server, as in RocketMQ's own runbroker.sh: whoever uses
# the image has to see to both.  The modules are for Javas that RocketMQ did not know.
open=
for package in sun.nio.ch java.nio jdk.internal.ref java.lang; do
    open="$open --add-opens=java.base/$package=ALL-UNNAMED"
done
# shellcheck disable=SC2086
"$JAVA_HOME/bin/java" -Xms1g -Xmx1g -Xmn512m -XX:+AlwaysPreTouch $open $JAVA_OPT_EXT \
    -cp "$ROCKETMQ_HOME/conf:$ROCKETMQ_HOME/lib/*" "$@"
