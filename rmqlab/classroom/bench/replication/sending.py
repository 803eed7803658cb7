"""Senders that send as fast as they are answered."""

from __future__ import annotations

import asyncio

from rmqlab.classroom.bench.cluster import TOPIC
from rmqlab.classroom.bench.watch import Watch
from rmqlab.protocol.messaging import SendMessageV2
from rmqlab.remoting import RemotingClient

BODY = bytes(1000)
TIMEOUT_S = 60.0


async def send(
    client: RemotingClient, address: str, count: int = 1, queue_id: int = 0
) -> None:
    """Send so many, one after the other.

    Raises:
        RemoteError: one was refused, or is not where it has to be.
        Unavailable: the broker is gone.
    """
    header = SendMessageV2("bench", TOPIC, "TBW102", 1, queue_id, 0, 0, 0)
    for _ in range(count):
        await client.ask(address, header, BODY, TIMEOUT_S)


async def send_from(senders: int, address: str, count: int) -> float:
    """Share `count` sends among so many connections; return messages a second."""
    clients, watch = [RemotingClient() for _ in range(senders)], Watch()
    share = max(1, count // senders)
    try:
        await asyncio.gather(*(send(one, address) for one in clients))  # connected now
        with watch.running():
            await asyncio.gather(*(send(one, address, share) for one in clients))
    finally:
        await asyncio.gather(*(one.close() for one in clients))
    return watch.rate(share * senders)
