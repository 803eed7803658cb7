#!/bin/sh
# Makes a bare Debian machine able to run `rmqlab up … --runtime docker` without any
# image registry.  May be run again at any time: what is there already is kept.
#
#   eval "$(.ci/docker-base.sh)"     # sets RMQLAB_BASE_IMAGE
#
# Packages, a running dockerd, a base image made by debootstrap, `docker compose`.
# Only the export line goes to stdout.
set -eu

IMAGE=rmqlab-base:bookworm-slim
COMPOSE=github.com/docker/compose/v2/cmd@v2.32.4
PLUGINS="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
DAEMON_LOG=/tmp/dockerd.log
DAEMON_WAIT_S=60

say() { echo "docker-base: $*" >&2; }

install_packages() {
    missing=
    for package in docker.io iproute2 iptables debootstrap; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    [ -z "$missing" ] && return
    say "installing$missing"
    # A mirror may stand still, and its lists be older than they say they may get.
    apt-get -oAcquire::Check-Valid-Until=false update -qq >&2
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >&2
}

start_daemon() {
    docker version >/dev/null 2>&1 && return
    say "starting dockerd, log in $DAEMON_LOG"
    nohup dockerd >"$DAEMON_LOG" 2>&1 </dev/null &
    waited=0
    until docker version >/dev/null 2>&1; do
        if [ "$waited" -ge "$DAEMON_WAIT_S" ]; then
            say "dockerd does not answer after $DAEMON_WAIT_S s; its log ends with:"
            tail -n 5 "$DAEMON_LOG" >&2
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

make_base_image() {
    docker image inspect "$IMAGE" >/dev/null 2>&1 && return
    say "making $IMAGE"
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    # The mirror that apt uses here, whichever that is.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Codename: bookworm' 'Created-By: Packages' | head -n 1)
    debootstrap --variant=minbase --include=python3,python3-venv \
        bookworm "$root" ${mirror:+"$mirror"} >&2
    # What Debian's own slim images lack, too: nobody reads in a container.
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
        "$root"/usr/share/doc "$root"/usr/share/info \
        "$root"/usr/share/locale "$root"/usr/share/man
    tar -C "$root" -c . | docker import - "$IMAGE" >&2
}

install_compose() {
    docker compose version >/dev/null 2>&1 && return
    if ! command -v go >/dev/null; then
        say "no docker compose: it is built by go, which is not installed"
        return
    fi
    say "installing $COMPOSE"
    folder=$(mktemp -d)
    GOBIN="$folder" go install "$COMPOSE" >&2
    mkdir -p "$PLUGINS"
    mv "$folder/cmd" "$PLUGINS/docker-compose"
    rmdir "$folder"
}

install_packages
start_daemon
make_base_image
install_compose
echo "export RMQLAB_BASE_IMAGE=$IMAGE"
