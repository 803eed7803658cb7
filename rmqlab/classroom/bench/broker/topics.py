"""Many topics: what a broker and a name server need for them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rmqlab.classroom.bench.broker.nodes import Nodes, running
from rmqlab.classroom.bench.part import BenchError, Sizes
from rmqlab.classroom.bench.watch import Watch
from rmqlab.client.admin import Admin
from rmqlab.protocol.routing import GetRoute
from rmqlab.remoting import RemotingClient

AT_ONCE = 16
TIMEOUT_S = 60.0
LATE_S = 60.0
NEW = "late-comer"


def name_of(number: int) -> str:
    """Return the name of one of the topics."""
    return f"topic-{number:05}"


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Start both nodes with all topics, and ask the name server for them."""
    return asyncio.run(_measure(folder / "topics", sizes))


async def _measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    names = [name_of(number) for number in range(sizes["topics"])]
    started, routing, listing, creating = Watch(), Watch(), Watch(), Watch()
    began = time.perf_counter()
    async with (
        running(folder, names) as nodes,
        Admin(nodes.name_server) as admin,
    ):
        await until_routed(admin, names[-1])
        started.seconds = time.perf_counter() - began
        with routing.running():
            await _ask_routes(nodes, names, sizes["routes"])
        with listing.running():
            await admin.topics()
        with creating.running():
            await admin.create_topic(NEW)
            await until_routed(admin, NEW)
        return {
            "start until routable, all topics": started.seconds,
            "a new topic among them, created to routable": creating.seconds * 1000,
            "routes answered": routing.rate(sizes["routes"]),
            "the list of all topics": listing.seconds * 1000,
            "memory of the broker, all topics": nodes.memory("broker"),
            "memory of the name server, all topics": nodes.memory("namesrv"),
        }


async def until_routed(admin: Admin, topic: str) -> None:
    """Wait until the name server knows the topic.

    Raises:
        BenchError: it does not come to.
    """
    try:
        async with asyncio.timeout(LATE_S):
            while await admin.route(topic) is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise BenchError(f"no route of {topic} within {LATE_S:g} s") from None


async def _ask_routes(nodes: Nodes, names: list[str], count: int) -> None:
    client = RemotingClient()

    async def ask(first: int) -> None:
        for number in range(first, count, AT_ONCE):
            topic = names[number * 7919 % len(names)]
            await client.ask(nodes.name_server, GetRoute(topic), timeout_s=TIMEOUT_S)

    try:
        await asyncio.gather(*(ask(first) for first in range(AT_ONCE)))
    finally:
        await client.close()
