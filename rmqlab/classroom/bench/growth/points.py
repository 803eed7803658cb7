"""One point of each curve: a broker's cost where there are so many of something.

Each gives the broker's processor time a message in µs, its memory in MB, and what
`ALSO` names for its dimension.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from rmqlab.classroom.bench import node
from rmqlab.classroom.bench.broker.connections import connected
from rmqlab.classroom.bench.broker.nodes import Nodes, running
from rmqlab.classroom.bench.broker.topics import until_routed
from rmqlab.classroom.bench.cluster import TOPIC, Cluster, until
from rmqlab.classroom.bench.growth import Numbers
from rmqlab.classroom.bench.part import Sizes
from rmqlab.client.admin import Admin
from rmqlab.protocol import batch
from rmqlab.protocol.codes import PullSysFlag
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    OffsetReply,
    PullMessage,
    SendBatch,
    SendMessageV2,
)
from rmqlab.remoting import RemotingClient

QUEUES = 8
BODY = bytes(128)
SENDERS, TIMEOUT_S = 16, 120.0
AT_ONCE, PULLED = 1000, 32
"""Messages of a batch that fills a backlog, and of a pull."""

OWN_FILTER = int(PullSysFlag.SUBSCRIPTION)
"""The pull says itself what it wants: no group has to be known."""

Target = tuple[str, int]
"""A topic, and the number of a queue of it."""


async def topics(folder: Path, count: int, sizes: Sizes) -> Numbers:
    """Send to one of so many topics; then create another one."""
    names = [TOPIC, *(f"topic-{number:05}" for number in range(1, count))]
    async with (
        running(folder, names) as nodes,
        Admin(nodes.name_server) as admin,
    ):
        await until_routed(admin, names[-1])
        cost = await _cost(nodes, [(TOPIC, 0)], sizes["sends"])
        began = time.perf_counter()
        await admin.create_topic("one-more")
        await until_routed(admin, "one-more")
        created_ms = (time.perf_counter() - began) * 1000
        return cost, nodes.memory("broker"), created_ms


async def queues(folder: Path, count: int, sizes: Sizes) -> Numbers:
    """Send to so many queues in turn, and start the broker again."""
    names = [f"topic-{number:05}" for number in range(count // QUEUES)]
    targets = [(name, queue) for name in names for queue in range(QUEUES)]
    async with running(folder, names) as nodes:
        await _sent(nodes.broker, targets, count)  # each queue's file is there now
        cost = await _cost(nodes, targets, max(count, sizes["sends"]))
        memory = nodes.memory("broker")
        return cost, memory, await _started_anew(folder, nodes)


async def connections(folder: Path, count: int, sizes: Sizes) -> Numbers:
    """Send over so many connections at the same time."""
    share, took_ms = max(1, sizes["sends"] // count), list[float]()

    async def send(client: RemotingClient, queue: int) -> None:
        for _ in range(share):
            began = time.perf_counter()
            await _send_one(client, nodes.broker, (TOPIC, queue))
            took_ms.append((time.perf_counter() - began) * 1000)

    async with running(folder, [TOPIC]) as nodes, connected(nodes, count) as clients:
        before = nodes.processor_s("broker")
        turns = zip(clients, cycle(range(QUEUES)), strict=False)
        await asyncio.gather(*(send(*one) for one in turns))
        cost = (nodes.processor_s("broker") - before) / len(took_ms) * 1e6
        return cost, nodes.memory("broker"), statistics.median(took_ms)


async def backlog(folder: Path, count: int, sizes: Sizes) -> Numbers:
    """Pull from all over a queue with so many messages; start the broker again."""
    async with running(folder, [TOPIC]) as nodes, connected(nodes, 1) as (client,):
        await _fill(client, nodes.broker, count)
        last = max(1, count - PULLED)
        places = [number * 7919 * PULLED % last for number in range(sizes["pulls"])]
        before = nodes.processor_s("broker")
        for place in places:
            asked = PullMessage(
                "bench", TOPIC, 0, place, PULLED, OWN_FILTER, 0, 0, 0, "*"
            )
            await client.ask(nodes.broker, asked, timeout_s=TIMEOUT_S)
        used = nodes.processor_s("broker") - before
        cost = used / (len(places) * PULLED) * 1e6
        memory = nodes.memory("broker")
        return cost, memory, await _started_anew(folder, nodes)


async def slaves(folder: Path, count: int, sizes: Sizes) -> Numbers:
    """Send to a master that so many slaves follow."""
    async with Cluster(folder) as cluster:
        await cluster.start_master("master")
        names = [f"slave-{number}" for number in range(1, count + 1)]
        for number, name in enumerate(names, start=1):
            await cluster.start_slave(name, "master", number)
            await cluster.until_followed("master", number)
        address, sends = cluster.address("master"), sizes["sends"]
        targets = [(TOPIC, queue) for queue in range(QUEUES)]
        await _sent(address, targets, SENDERS)  # connected, the files are there
        before = [cluster.processor_s(one) for one in ("master", *names)]
        await _sent(address, targets, sends)
        after = [cluster.processor_s(one) for one in ("master", *names)]
        used = [new - old for new, old in zip(after, before, strict=True)]
        own, theirs = used[0] / sends * 1e6, sum(used[1:]) / sends * 1e6
        return own, cluster.memory("master"), theirs


async def _cost(nodes: Nodes, targets: Sequence[Target], sends: int) -> float:
    """Return the broker's processor time for a send, in µs."""
    await _sent(nodes.broker, targets, SENDERS)
    before = nodes.processor_s("broker")
    await _sent(nodes.broker, targets, sends)
    return (nodes.processor_s("broker") - before) / sends * 1e6


async def _sent(address: str, targets: Sequence[Target], sends: int) -> None:
    """Send to the targets in turn, over a few connections."""
    turns = islice(cycle(targets), sends)  # shared: who is free takes the next one

    async def send(client: RemotingClient) -> None:
        for target in turns:
            await _send_one(client, address, target)

    clients = [RemotingClient() for _ in range(SENDERS)]
    try:
        await asyncio.gather(*map(send, clients))
    finally:
        await asyncio.gather(*(one.close() for one in clients))


async def _send_one(client: RemotingClient, address: str, target: Target) -> None:
    topic, queue = target
    header = SendMessageV2("bench", topic, "TBW102", QUEUES, queue, 0, 0, 0)
    await client.ask(address, header, BODY, TIMEOUT_S)


async def _fill(client: RemotingClient, address: str, count: int) -> None:
    """Put so many messages into queue 0; return when all of them are readable."""
    header = SendBatch("bench", TOPIC, "TBW102", QUEUES, 0, 0, 0, 0, batch=True)
    parts = [batch.Part(BODY, b"", 0)] * AT_ONCE
    for there in range(0, count, AT_ONCE):
        body = batch.encode(parts[: count - there])
        await client.ask(address, header, body, TIMEOUT_S)

    async def is_readable() -> bool:
        asked = GetMaxOffset(TOPIC, 0)
        answer = await client.ask(address, asked, timeout_s=TIMEOUT_S)
        return OffsetReply.parse(answer.fields).offset == count

    await until(is_readable, f"{count} messages to be readable")


async def _started_anew(folder: Path, nodes: Nodes) -> float:
    """Return how many seconds the broker takes from its start to being up."""
    await node.end(nodes.processes["broker"])
    began = time.perf_counter()
    started = await node.start("broker", folder / "broker.properties")
    nodes.processes["broker"] = started  # who started the other one ends this one
    return time.perf_counter() - began
