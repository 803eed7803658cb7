"""What a node of runtime docker has of this machine's files, and whose they are.

in a node's container            on this machine
/usr/local/rocketmq/conf     →   CLUSTER/HOST/conf, to be read only
/usr/local/rocketmq/bin      →   compose/official, of the real RocketMQ, likewise
~                            →   CLUSTER/HOST/root
~/logs/rocketmqlogs          →   CLUSTER/HOST/logs/rocketmqlogs/NODE
its store's absolute path    →   CLUSTER/HOST and that path
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from docker.types import Mount

from rmqlab.classroom.compose import stores_of
from rmqlab.classroom.kinds import BIN, CONF, LOGS, Kind
from rmqlab.classroom.topology import ROOTS_HOME, Node


def mounts_of(kind: Kind, node: Node, home: Path, log_dir: Path) -> Iterator[Mount]:
    """Yield a node's mounts, each made for its user; `home` stands for its host's /."""
    yield Mount(CONF, str(home / "conf"), type="bind", read_only=True)
    if kind.scripts is not None:
        yield Mount(BIN, str(kind.scripts), type="bind", read_only=True)
    own = {path: Path(f"{home}{path}") for path in (ROOTS_HOME, *stores_of(node))}
    own[LOGS] = log_dir
    # Where one is mounted in another, too: made by the daemon, it would be root's.
    Path(f"{home}{LOGS}").mkdir(parents=True, exist_ok=True)
    for inside, outside in own.items():
        outside.mkdir(parents=True, exist_ok=True)
        if not os.getuid():
            os.chown(outside, *kind.user)
        yield Mount(inside, str(outside), type="bind")
