"""Two masters with a slave each; what was sent to them stays for the next probe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rmqlab.classroom.bench.cluster import Cluster

MASTERS = ("a", "b")


@asynccontextmanager
async def pairs(folder: Path) -> AsyncIterator[str]:
    """Run 2m-2s-async below a part's folder; give its name server's address."""
    async with Cluster(folder / "pairs") as cluster:
        for name in MASTERS:
            await cluster.start_pair(name)
        await cluster.until_routed(len(MASTERS))
        yield cluster.name_server
