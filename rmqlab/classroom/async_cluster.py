"""A running cluster, to be used from code that must not block.

    async with await AsyncCluster.up("2m-2s-sync") as cluster:
        await cluster.kill("broker-a")
        print(await cluster.promote("broker-a-s"))

Each verb is `Cluster`'s, done by a thread.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Self

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.host_verbs import AsyncHostVerbs
from rmqlab.classroom.promotion import Promotion, Tell
from rmqlab.classroom.runtime import NodeState, Status


class AsyncCluster(AsyncHostVerbs):
    """`Cluster` for code that must not block: the same verbs, to be awaited."""

    cluster: Cluster

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @classmethod
    async def up(cls, wanted: str | Path, **options: Any) -> Self:
        """See `Cluster.up`."""
        return cls(await asyncio.to_thread(lambda: Cluster.up(wanted, **options)))

    @property
    def name_servers(self) -> str:
        """See `Cluster.name_servers`."""
        return self.cluster.name_servers

    async def status(self) -> Status:
        """See `Cluster.status`."""
        return await asyncio.to_thread(self.cluster.status)

    async def kill(self, node: str) -> NodeState:
        """See `Cluster.kill`."""
        return await asyncio.to_thread(self.cluster.kill, node)

    async def stop(self, node: str) -> NodeState:
        """See `Cluster.stop`."""
        return await asyncio.to_thread(self.cluster.stop, node)

    async def pause(self, node: str) -> NodeState:
        """See `Cluster.pause`."""
        return await asyncio.to_thread(self.cluster.pause, node)

    async def resume(self, node: str) -> NodeState:
        """See `Cluster.resume`."""
        return await asyncio.to_thread(self.cluster.resume, node)

    async def restart(self, node: str) -> NodeState:
        """See `Cluster.restart`."""
        return await asyncio.to_thread(self.cluster.restart, node)

    async def configure(self, node: str, text: str) -> NodeState:
        """See `Cluster.configure`."""
        return await asyncio.to_thread(self.cluster.configure, node, text)

    async def promote(
        self, node: str, *, force: bool = False, tell: Tell = lambda step: None
    ) -> Promotion:
        """See `Cluster.promote`; `tell` is called in another thread."""
        work = partial(self.cluster.promote, node, force=force, tell=tell)
        return await asyncio.to_thread(work)

    async def down(self) -> None:
        """See `Cluster.down`."""
        await asyncio.to_thread(self.cluster.down)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self.cluster.__exit__)
