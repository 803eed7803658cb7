"""What sending costs: so many senders, each with one message on its way, for a while.

A sender sends its next message as soon as the last one is answered (a closed loop), so
the rate follows from the latency.  Senders and brokers share this machine: compare
figures of one machine and one run, and nothing else.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from rmqlab.client.admin import Admin
from rmqlab.client.blocking import run
from rmqlab.client.producer import Producer
from rmqlab.client.sent import SendStatus
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import Message

BODY = b"x" * 128
WARM_UP_S = 0.3
ROUNDS = 4


@dataclass(frozen=True)
class Cost:
    """What `senders` reached together; latencies in milliseconds."""

    senders: int
    per_second: float
    median_ms: float
    p99_ms: float
    statuses: dict[SendStatus, int]


def cost_of_sending(
    name_servers: str, topic: str, senders: int, seconds: float = 3.0
) -> Cost:
    """Send with so many senders for so long, after a short warm-up, and count.

    The time is cut into rounds and the best one counts: a machine does other things,
    too, and they only ever make it slower.

    Raises:
        RmqError: a send failed; there is no figure then.
    """
    return run(_measure(name_servers, topic, senders, seconds))


async def _measure(name_servers: str, topic: str, senders: int, seconds: float) -> Cost:
    async with Admin(name_servers) as admin:
        if await admin.route(topic) is None:
            await admin.create_topic(topic)
    async with Producer(f"load-{topic}", name_servers) as producer:
        await _load(producer, topic, senders, WARM_UP_S)
        rounds = [
            await _load(producer, topic, senders, seconds / ROUNDS)
            for _ in range(ROUNDS)
        ]
    best = max(rounds, key=lambda one: one.per_second)
    if not best.sent:
        raise Unavailable(f"nothing was sent to {topic} within {seconds} s")
    took_ms = sorted(took_s * 1000 for took_s, _ in best.sent)
    return Cost(
        senders,
        best.per_second,
        statistics.median(took_ms),
        took_ms[len(took_ms) * 99 // 100],
        dict(Counter(status for one in rounds for _, status in one.sent)),
    )


class Round(NamedTuple):
    """What each send took in seconds and how it ended; how long all took together."""

    sent: list[tuple[float, SendStatus]]
    took_s: float

    @property
    def per_second(self) -> float:
        """How many sends a second, the last ones' answers waited for."""
        return len(self.sent) / self.took_s if self.sent else 0.0


async def _load(producer: Producer, topic: str, senders: int, seconds: float) -> Round:
    """Send for so long; what is on its way at the end is waited for."""
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), list[tuple[float, SendStatus]]()
    end = start + seconds

    async def sender() -> None:
        while (began := loop.time()) < end:
            result = await producer.send(Message(topic, BODY))
            sent.append((loop.time() - began, result.status))

    await asyncio.gather(*(sender() for _ in range(senders)))
    return Round(sent, loop.time() - start)
