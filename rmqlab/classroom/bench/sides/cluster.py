"""A cluster of two masters with a slave each, on whichever runtime."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.bench.cluster import until
from rmqlab.classroom.bench.part import BenchError, NotHere
from rmqlab.classroom.bench.sides.cells import Mode
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.admin import Admin

NAME, TOPIC, QUEUES = "bench", "bench", 4
MASTERS = 2
JAVA_OPTIONS = "_JAVA_OPTIONS"
"""What a JVM reads after its command line, and prefers to that."""
FAIR = "-XX:TieredStopAtLevel=4 -Xms256m -Xmx512m"
"""A lab wants JVMs that start soon; here they are to compile as well as they can."""
AS_SHIPPED = f"{FAIR} -Dtls.server.mode=permissive"
"""Each server makes a key as it starts; labs do without."""


@asynccontextmanager
async def started(
    runtime: str, mode: Mode, folder: Path, java: str = FAIR
) -> AsyncIterator[AsyncCluster]:
    """Run a cluster of this mode; its files are gone with the block.

    Where its nodes are JVMs, `java` are options for them.

    Raises:
        NotHere: this machine lacks what the runtime needs.
        BenchError: a node is not usable.
    """
    with (
        tempfile.TemporaryDirectory(prefix="home-", dir=folder) as home,
        environment({"RMQLAB_HOME": home, JAVA_OPTIONS: java}),
    ):
        async with await _up(runtime, mode) as cluster:
            status = await cluster.status()
            if not status.is_usable:
                raise BenchError("; ".join(map(repr, status.nodes)))
            yield cluster


async def _up(runtime: str, mode: Mode) -> AsyncCluster:
    changed = dict(mode.settings)
    try:
        return await AsyncCluster.up(
            mode.topology, runtime=runtime, name=NAME, settings=changed
        )
    except ClusterError as error:
        raise NotHere(str(error)) from error


@contextmanager
def environment(changed: Mapping[str, str]) -> Iterator[None]:
    """Let what is started in the block have these variables."""
    before = dict(os.environ)
    os.environ.update(changed)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def make_topic(name_servers: str) -> None:
    """Make the topic on both masters, and wait until every name server has it."""
    for name_server in name_servers.split(";"):
        async with Admin(name_server) as admin:
            await admin.create_topic(TOPIC, QUEUES)

            async def is_routed(admin: Admin = admin) -> bool:
                route = await admin.route(TOPIC)
                return route is not None and len(route.queues) == MASTERS

            await until(is_routed, f"route to {MASTERS} masters")
