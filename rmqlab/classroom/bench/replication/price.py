"""The wait for a slave: sends to an ASYNC_MASTER and to a SYNC_MASTER in turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rmqlab.classroom.bench.cluster import Cluster
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.replication import SENDERS
from rmqlab.classroom.bench.replication.sending import send_from

ROLES = ("ASYNC_MASTER", "SYNC_MASTER")


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Run both masters, each with a slave, and send to one at a time."""
    return asyncio.run(_measure(folder / "price", sizes))


async def _measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    found: dict[str, float] = {}
    async with Cluster(folder) as cluster:
        for role in ROLES:
            await cluster.start_pair(role, role)
        for count in SENDERS:
            rates = [
                await send_from(count, cluster.address(role), sizes["priced"])
                for role in ROLES
            ]
            of = f"senders: {count}"
            found |= {
                f"{role}, {of}": rate for role, rate in zip(ROLES, rates, strict=True)
            }
            found[f"price of SYNC_MASTER, {of}"] = price(*rates)
    return found


def price(without: float, with_wait: float) -> float:
    """Return by how many percent the rate is lower; below 0 where it is higher."""
    return (1 - with_wait / without) * 100
