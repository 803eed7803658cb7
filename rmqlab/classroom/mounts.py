"""What a node of runtime docker has of this machine's files, and whose they are.

in a node's container            on this machine
/usr/local/rocketmq/conf     →   CLUSTER/HOST/conf, to be read only
~                            →   CLUSTER/HOST/root
~/logs/rocketmqlogs          →   CLUSTER/HOST/logs/rocketmqlogs/NODE
its store's absolute path    →   CLUSTER/HOST and that path
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from docker.types import Mount

from rmqlab.classroom import image
from rmqlab.classroom.compose import CONF, LOGS, stores_of
from rmqlab.classroom.topology import ROOTS_HOME, Node

USER, GROUP = (os.getuid(), os.getgid()) if os.getuid() else image.USER
"""Whose nodes and files are: this user's, but nobody is root in a container."""


def mounts_of(node: Node, home: Path, log_dir: Path) -> Iterator[Mount]:
    """Yield a node's mounts, each made for its user; `home` stands for its host's /."""
    yield Mount(CONF, str(home / "conf"), type="bind", read_only=True)
    own = {path: Path(f"{home}{path}") for path in (ROOTS_HOME, *stores_of(node))}
    own[LOGS] = log_dir
    # Where one is mounted in another, too: made by the daemon, it would be root's.
    Path(f"{home}{LOGS}").mkdir(parents=True, exist_ok=True)
    for inside, outside in own.items():
        outside.mkdir(parents=True, exist_ok=True)
        if os.getuid() != USER:
            os.chown(outside, USER, GROUP)
        yield Mount(inside, str(outside), type="bind")
