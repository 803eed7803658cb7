"""One producer that several tasks share."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rmqlab.classroom.bench.client.pairs import pairs
from rmqlab.classroom.bench.cluster import TOPIC
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.watch import Memory, Watch
from rmqlab.client.producer import Producer
from rmqlab.protocol.message import Message

BODY = bytes(128)


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Send from all tasks at once, each as fast as it is answered."""
    return asyncio.run(_measure(folder, sizes["messages"], sizes["tasks"]))


async def _measure(folder: Path, count: int, tasks: int) -> dict[str, float]:
    watch = Watch()
    async with pairs(folder) as name_server, Producer("bench", name_server) as producer:

        async def send(count: int) -> None:
            for _ in range(count):
                await producer.send(Message(TOPIC, BODY))

        await send(tasks)  # connected now, to both masters
        used = time.process_time()
        with watch.running():
            await asyncio.gather(*(send(count // tasks) for _ in range(tasks)))
        used = time.process_time() - used
        memory = Memory()
    return {
        "sent by one producer": watch.rate(count),
        "processor time of the producer a send": used / count * 1e6,
        "memory of the producer": memory.most,
    }
