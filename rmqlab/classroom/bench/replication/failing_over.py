"""One producer, two masters, and one of them goes: when has the other taken a send?

    send, send, send …   to the queues of `a`, then to those of `b`, in turn
           ▲ `a` goes as soon as its first queue has had a message: the next is its, too

A master that is killed is missed at once, for its connections end.  One that stands
still, as a host that has lost its power, is waited for: send_msg_timeout is for all
attempts together, so that each send to one of its queues fails after 3 seconds, until
it is `b`'s turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from rmqlab.classroom.bench.cluster import TOPIC, Cluster
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.replication.sending import BODY
from rmqlab.client.producer import Producer
from rmqlab.client.sent import SendError
from rmqlab.protocol.message import Message

GOES, STAYS = "a", "b"


class Outage(NamedTuple):
    """What a producer saw of it."""

    until_sent_ms: float
    failed: int


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Let a master stand still and go on; then kill it."""
    return asyncio.run(_measure(folder / "failing-over", sizes["queues"]))


async def _measure(folder: Path, queues: int) -> dict[str, float]:
    async with Cluster(folder, queues) as cluster:
        for name in (GOES, STAYS):
            await cluster.start_master(name)
        await cluster.until_routed(2)
        async with Producer("bench", cluster.name_server) as producer:
            frozen = await outage(producer, lambda: _freeze(cluster))
            cluster.resume(GOES)
            killed = await outage(producer, lambda: cluster.kill(GOES))
    return {
        "master killed, until the other took a send": killed.until_sent_ms,
        "master killed, sends that failed": killed.failed,
        "master frozen, until the other took a send": frozen.until_sent_ms,
        "master frozen, sends that failed": frozen.failed,
    }


async def outage(producer: Producer, strike: Callable[[], Awaitable[None]]) -> Outage:
    """Send until the first queue of the one has a message; strike; send on.

    Raises:
        SendError: nobody took a message, though both masters are there.
    """
    while not await _is_first_queue(producer):
        pass
    began = time.perf_counter()
    await strike()
    failed = 0
    while True:
        try:
            await producer.send(Message(TOPIC, BODY))
        except SendError:
            failed += 1
        else:
            return Outage((time.perf_counter() - began) * 1000, failed)


async def _is_first_queue(producer: Producer) -> bool:
    queue = (await producer.send(Message(TOPIC, BODY))).queue
    return (queue.broker_name, queue.queue_id) == (GOES, 0)


async def _freeze(cluster: Cluster) -> None:
    cluster.suspend(GOES)
