"""What sending costs: so many senders, each with one message on its way, for a while.

A sender sends its next message as soon as the last one is answered (a closed loop), so
the rate follows from the latency.  Senders and brokers share this machine: compare
figures of one machine and one run, and nothing else.
"""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass

from rmqlab.client.admin import Admin
from rmqlab.client.blocking import run
from rmqlab.client.producer import Producer, SendStatus
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import Message

BODY = b"x" * 128
WARM_UP_S = 0.3


@dataclass(frozen=True)
class Cost:
    """What `senders` reached together; latencies in milliseconds."""

    senders: int
    per_second: float
    median_ms: float
    p99_ms: float
    statuses: dict[SendStatus, int]


def cost_of_sending(
    name_servers: str, topic: str, senders: int, seconds: float = 2.0
) -> Cost:
    """Send with so many senders for so long, after a short warm-up, and count.

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
        sent = await _load(producer, topic, senders, seconds)
    if not sent:
        raise Unavailable(f"nothing was sent to {topic} within {seconds} s")
    took_ms = [took_s * 1000 for took_s, _ in sent]
    outcomes = [status for _, status in sent]
    return Cost(
        senders,
        len(sent) / seconds,
        statistics.median(took_ms),
        sorted(took_ms)[len(took_ms) * 99 // 100],
        {status: outcomes.count(status) for status in set(outcomes)},
    )


async def _load(
    producer: Producer, topic: str, senders: int, seconds: float
) -> list[tuple[float, SendStatus]]:
    """Return what each send took in seconds, and how it ended."""
    loop = asyncio.get_running_loop()
    end, sent = loop.time() + seconds, list[tuple[float, SendStatus]]()

    async def sender() -> None:
        while (began := loop.time()) < end:
            result = await producer.send(Message(topic, BODY))
            sent.append((loop.time() - began, result.status))

    await asyncio.gather(*(sender() for _ in range(senders)))
    return sent
