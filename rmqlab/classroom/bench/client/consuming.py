"""A group that has everything still before it: what the probe before this one sent."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rmqlab.classroom.bench.client.pairs import pairs
from rmqlab.classroom.bench.cluster import TOPIC
from rmqlab.classroom.bench.part import BenchError, Sizes
from rmqlab.classroom.bench.watch import Memory
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.push import PushConsumer
from rmqlab.protocol.message import StoredMessage

LATE_S = 600.0


class Count:
    """A listener that counts, and has a watch: from the first message to the last."""

    def __init__(self, wanted: int) -> None:
        self._left = self._wanted = wanted
        self._began = self._used = (0.0, 0.0)
        self.all_there = asyncio.Event()

    def __call__(self, message: StoredMessage) -> None:
        """Take one message."""
        if self._left == self._wanted:
            self._began = _now()
        self._left -= 1
        if not self._left:
            self._used = _now()
            self.all_there.set()

    @property
    def seconds(self) -> tuple[float, float]:
        """How long it took, and how long this process had a processor meanwhile."""
        return self._used[0] - self._began[0], self._used[1] - self._began[1]


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Consume all that is there."""
    return asyncio.run(_measure(folder, sizes["messages"]))


async def _measure(folder: Path, count: int) -> dict[str, float]:
    counted = Count(count)
    async with (
        pairs(folder) as name_server,
        PushConsumer(
            "bench", name_server, counted, start=ConsumeFrom.FIRST_OFFSET
        ) as consumer,
    ):
        await consumer.subscribe(TOPIC)
        try:
            await asyncio.wait_for(counted.all_there.wait(), LATE_S)
        except TimeoutError:
            raise BenchError(f"no {count} messages within {LATE_S:g} s") from None
        memory = Memory()
    took_s, used_s = counted.seconds
    return {
        "consumed from a backlog": count / took_s,
        "processor time of the consumer a message": used_s / count * 1e6,
        "memory of the consumer": memory.most,
    }
