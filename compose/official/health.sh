#!/bin/sh
# Is a node of the real RocketMQ usable?  Asking it by its own mqadmin would start a JVM
# each time, so its connections and its log are looked at.
#
#   health.sh PORT                   it listens there
#   health.sh PORT slave HA_PORT     … and is connected to its master
#   health.sh PORT master HA_PORT    … and a slave has told it how far it is
#
# Before that report, 5 s after it connects, a SYNC_MASTER waits for its slave in vain.
# Exit code 0 and `usable`, or 1 and what is missing.
port=$1 role=$2 ha_port=$3
LOG=~/logs/rocketmqlogs/store.log
LISTENS=0A ESTABLISHED=01

lack() {
    echo "$1"
    exit 1
}

# Lines of ADDRESS:PORT ADDRESS:PORT, local first, of what is in a state; all in hex.
sockets() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r _ local remote state _; do
            [ "$state" != "$1" ] || echo "$local $remote"
        done
}

hex() { printf '%04X' "$1"; }

# The ports of whoever is connected to one of ours.
peers_at() {
    sockets $ESTABLISHED | sed -n "s/^[^ ]*:$(hex "$1") .*://p" |
        while read -r peer; do echo $((0x$peer)); done
}

has_reported() { grep -q ":$1] request offset " "$LOG" 2>/dev/null; }

sockets $LISTENS | grep -q "^[^ ]*:$(hex "$port") " || lack "nothing listens on $port"
case $role in
slave)
    sockets $ESTABLISHED | grep -q ":$(hex "$ha_port")\$" ||
        lack "no connection to its master yet"
    ;;
master)
    for peer in $(peers_at "$ha_port"); do
        ! has_reported "$peer" || paired=yes
    done
    [ -n "$paired" ] || lack "no slave has told yet how far it is"
    ;;
esac
echo usable
