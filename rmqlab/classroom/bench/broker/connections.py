"""Many connections: some that send without a pause, many that only stand."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rmqlab.classroom.bench.broker.nodes import Nodes, running
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.watch import Watch
from rmqlab.protocol.messaging import GetMaxOffset, SendMessageV2
from rmqlab.remoting import RemotingClient

TOPIC, QUEUES = "busy", 8
BODY = bytes(128)
TIMEOUT_S = 60.0


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Send over the busy connections, first alone, then beside the idle ones."""
    return asyncio.run(_measure(folder / "connections", sizes))


async def _measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    async with (
        running(folder, [TOPIC]) as nodes,
        connected(nodes, sizes["busy"]) as busy,
    ):
        alone = await _send(nodes, busy, sizes["sends"])
        before = nodes.memory("broker")
        async with connected(nodes, sizes["idle"]):
            grown = max(0.0, nodes.memory("broker") - before)
            beside = await _send(nodes, busy, sizes["sends"])
            loaded = nodes.memory("broker")
    rate, median, late = "sent over all busy connections", "median", "99 of 100"
    return {
        rate: alone["rate"],
        f"a send, {median}": alone["median"],
        f"a send, {late}": alone["late"],
        "processor time of the broker a send": alone["processor"],
        "the same beside the idle ones": beside["rate"],
        f"a send beside them, {median}": beside["median"],
        f"a send beside them, {late}": beside["late"],
        "memory of the broker, loaded": loaded,
        "memory an idle connection": grown * 1000 / sizes["idle"],
    }


@asynccontextmanager
async def connected(nodes: Nodes, count: int) -> AsyncIterator[list[RemotingClient]]:
    """Open so many connections, each used once, so that it is known to stand."""
    clients = [RemotingClient() for _ in range(count)]
    try:
        for one in clients:
            await one.ask(nodes.broker, GetMaxOffset(TOPIC, 0), timeout_s=TIMEOUT_S)
        yield clients
    finally:
        await asyncio.gather(*(one.close() for one in clients))


async def _send(
    nodes: Nodes, clients: list[RemotingClient], count: int
) -> Mapping[str, float]:
    whole, times = Watch(), []

    async def send(client: RemotingClient, queue_id: int) -> None:
        header = SendMessageV2("bench", TOPIC, "TBW102", QUEUES, queue_id, 0, 0, 0)
        for _ in range(count):
            began = time.perf_counter()
            await client.ask(nodes.broker, header, BODY, TIMEOUT_S)
            times.append((time.perf_counter() - began) * 1000)

    before = nodes.processor_s("broker")
    with whole.running():
        await asyncio.gather(
            *(send(one, number % QUEUES) for number, one in enumerate(clients))
        )
    late = statistics.quantiles(times, n=100)[98]
    return {
        "rate": whole.rate(len(times)),
        "median": statistics.median(times),
        "late": late,
        "processor": (nodes.processor_s("broker") - before) / len(times) * 1e6,
    }
