"""A slave under load: how many bytes it lacks, and when it has a message."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path

from rmqlab.classroom.bench.cluster import TOPIC, Cluster, until
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.replication.sending import TIMEOUT_S, send, send_from
from rmqlab.protocol.messaging import GetMaxOffset, OffsetReply
from rmqlab.remoting import RemotingClient

SENDERS = 16
LOOK_S = 0.010
WATCHED = 1
"""The queue of the messages whose arrival is timed; the load goes to another."""


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Send to a master, and look at both ends of the link meanwhile."""
    return asyncio.run(_measure(folder / "lag", sizes))


async def _measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    async with Cluster(folder) as cluster:
        await cluster.start_pair("master")
        load = asyncio.create_task(
            send_from(SENDERS, cluster.address("master"), sizes["load"])
        )
        behind, late = await asyncio.gather(
            _behind_kb(load, cluster), _late_ms(load, cluster)
        )
        rate = await load
    lag, until_there = "slave behind under load", "answered until readable at the slave"
    return {
        "sent, a slave following": rate,
        f"{lag}, median": statistics.median(behind),
        f"{lag}, 99 of 100": late_one(behind),
        f"{until_there}, median": statistics.median(late),
        f"{until_there}, 99 of 100": late_one(late),
    }


async def _behind_kb(load: asyncio.Task[float], cluster: Cluster) -> list[float]:
    """Return what the slave lacked, in kB, seen from the master again and again."""
    found: list[float] = []
    while not found or not load.done():
        seen = await cluster.progress("master")
        found.append((seen["end"] - seen["acked"]) / 1000)
        await asyncio.sleep(LOOK_S)
    return found


async def _late_ms(load: asyncio.Task[float], cluster: Cluster) -> list[float]:
    """Send messages of one's own beside the load; return when the slave had each."""
    found: list[float] = []
    client, slave = RemotingClient(), cluster.address("slave-of-master")

    async def is_there() -> bool:
        asked = GetMaxOffset(TOPIC, WATCHED)
        answer = await client.ask(slave, asked, timeout_s=TIMEOUT_S)
        return OffsetReply.parse(answer.fields).offset > len(found)

    try:
        while not found or not load.done():
            await send(client, cluster.address("master"), queue_id=WATCHED)
            found.append(1000 * await until(is_there, "message at the slave"))
    finally:
        await client.close()
    return found


def late_one(values: Sequence[float]) -> float:
    """Return the value that 99 of 100 do not exceed; of few values, the greatest."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]
