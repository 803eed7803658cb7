"""What a cluster's containers are made of: our image here, the real one in `official`.

A kind says what differs; hosts, addresses, folders and faults are the same for all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import docker
from docker.models.containers import Container
from docker.models.images import Image

from rmqlab import health
from rmqlab.boot import LOG_DIR_VARIABLE
from rmqlab.classroom import confinement, image
from rmqlab.classroom.confinement import Limits
from rmqlab.classroom.topology import ROOTS_HOME, Node, Topology

CONF = "/usr/local/rocketmq/conf"
"""Where a node's file is in its container: beside the article's store."""
LOGS_BELOW_HOME = "logs/rocketmqlogs"
LOGS = f"{ROOTS_HOME}/{LOGS_BELOW_HOME}"
BIN = "/usr/local/rocketmq/bin"
HEALTH = {"interval": "2s", "start_period": "60s", "retries": 5}
"""A master may wait for its slave at first; later 10 s without one are worth a word."""
SLOW_HEALTH = HEALTH | {"interval": "5s", "start_period": "300s", "retries": 3}
"""Of JVMs: many at once, on a busy machine, are slow to start."""


class Peer(NamedTuple):
    """A running broker of a name, as its own container."""

    node: Node
    container: Container


class Kind(Protocol):
    """What a node's container is made of, from the SDK and from a Compose file."""

    name: str
    """Added to the names of Compose files and projects; empty for ours."""
    limits: Limits
    user: tuple[int, int]
    """User and group of a node from the SDK."""
    environment: tuple[str, ...]
    """What a node is told beside its file, as NAME=VALUE."""
    scripts: Path | None
    """The folder of ours that its containers have as `BIN`."""
    before_compose: tuple[str, ...]
    """What is to be typed before `docker compose`."""
    start_s: float
    """How long a node may take to say that it has booted."""
    answer_s: float
    """How long after that it may be too busy to answer, or be unknown."""
    follow_s: float
    """How long a pair's connection may take before we say so."""

    def image_name(self) -> str:
        """Return which image nodes and hosts have."""

    def find(self, client: docker.DockerClient) -> Image:
        """Return the image, made or fetched now if it is not there.

        Raises:
            ClusterError: it cannot be had; the text says what to do.
            DockerException: the daemon refused.
        """

    def command(self, node: Node) -> list[str]:
        """Return what a node's container runs."""

    def unpaired(self, target: health.Target, peers: Sequence[Peer]) -> str:
        """Return what the running brokers of a name lack to be pairs; or nothing."""

    def image_for_compose(self) -> dict[str, Any]:
        """Return where a Compose file has the image from."""

    def nodes_for_compose(self) -> dict[str, Any]:
        """Return what it says of all nodes, beside the image."""

    def node_for_compose(self, node: Node, topology: Topology) -> dict[str, Any]:
        """Return what it says of a node beside its command and its files."""

    def volumes(self, node: Node) -> dict[str, str]:
        """Return a node's own volumes there, beside its host's, by their place."""


def base_for_compose() -> str:
    """Return the base image of what Compose builds: the variable's, if it is set."""
    return f"${{{image.BASE_VARIABLE}:-{image.default_base()}}}"


def typed(node: Node) -> list[str]:
    """Return the command that starts a node, as one would type it on its host."""
    program = "mqnamesrv" if node.is_namesrv else "mqbroker"
    if node.text is None:
        return [program]
    return [program, "-c", f"{CONF}/{node.name}.properties"]


class Ours(Kind):
    """Our image; it has a health check, which asks the node."""

    name = ""
    limits = confinement.NODE
    user = (os.getuid(), os.getgid()) if os.getuid() else image.USER
    """This machine's user, but nobody is root in a container."""
    environment = ()
    scripts = None
    before_compose = ("make image",)
    start_s, answer_s, follow_s = 20.0, 0.0, 10.0

    def image_name(self) -> str:
        """See `Kind.image_name`."""
        return image.NAME

    def find(self, client: docker.DockerClient) -> Image:
        """See `Kind.find`."""
        return image.find_or_build(client)

    def command(self, node: Node) -> list[str]:
        """See `Kind.command`."""
        return typed(node)

    def unpaired(self, target: health.Target, _: Sequence[Peer]) -> str:
        """See `Kind.unpaired`: a broker of ours tells."""
        return health.unpaired(target)

    def image_for_compose(self) -> dict[str, Any]:
        """See `Kind.image_for_compose`."""
        return {
            "image": image.NAME,
            "build": {
                "context": "../../dist",
                "dockerfile": "../compose/Dockerfile",
                "args": {"BASE_IMAGE": base_for_compose()},
            },
        }

    def nodes_for_compose(self) -> dict[str, Any]:
        """See `Kind.nodes_for_compose`."""
        return {"healthcheck": HEALTH}

    def node_for_compose(self, node: Node, _: Topology) -> dict[str, Any]:
        """See `Kind.node_for_compose`: a host's nodes share its home."""
        return {"environment": {LOG_DIR_VARIABLE: f"{LOGS_BELOW_HOME}/{node.name}"}}

    def volumes(self, _: Node) -> dict[str, str]:
        """See `Kind.volumes`."""
        return {}
