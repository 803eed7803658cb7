"""Our own client as a load: words of an order a line, JSON an answer a line.

    send TOPIC SENDERS BYTES MILLIS   so many, as fast as each is answered, so long
        {"sent": [[began, ended], …],                  in ms since the order
         "failed": 1, "why": "…"}                      what the first one said
    fill TOPIC COUNT                  put messages there, in batches
        {}
    consume TOPIC COUNT               a new group gets what is there
        {"seconds": 6.1}              from the first message to the last
    arrive TOPIC COUNT                messages one by one, from the send to a listener
        {"took_ms": […]}

`Load.java` does the same with RocketMQ's client; what the times mean is `load`'s.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from rmqlab.classroom.bench.cluster import PATIENT_MS
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.producer import Producer
from rmqlab.client.push import Listener, PushConsumer
from rmqlab.client.sent import SendError
from rmqlab.protocol.message import Message, StoredMessage
from rmqlab.settings import ClientConfig

BATCH, SETTLING, BYTES = 100, 64, 128
"""`SETTLING` messages are not timed: until then queues are shared out and connected."""


class Load:
    """Obeys orders with one producer."""

    def __init__(self, name_servers: str) -> None:
        self._name_servers = name_servers
        patient = ClientConfig(send_msg_timeout=PATIENT_MS)
        self._producer = Producer("load", name_servers, patient)

    async def run(self) -> None:
        """Obey until no more orders come."""
        async with self._producer:
            while line := await asyncio.to_thread(sys.stdin.readline):
                order, topic, *numbers = line.split()
                answer = await getattr(self, order)(topic, *map(int, numbers))
                print(json.dumps(answer), flush=True)

    async def send(
        self, topic: str, senders: int, body_bytes: int, millis: int
    ) -> dict[str, Any]:
        """See the module."""
        sent, failed, message = [], list[SendError](), bytes(body_bytes)
        start = time.perf_counter()
        end = start + millis / 1000

        async def send_one() -> None:
            began = time.perf_counter()
            try:
                await self._producer.send(Message(topic, message))
            except SendError as error:
                failed.append(error)
            else:
                sent.append((_ms(start, began), _ms(start)))

        async def sender() -> None:
            await send_one()
            while time.perf_counter() < end:
                await send_one()

        await asyncio.gather(*(sender() for _ in range(senders)))
        return {"sent": sent, "failed": len(failed), "why": str(*failed[:1])}

    async def fill(self, topic: str, count: int) -> dict[str, Any]:
        """See the module."""
        for there in range(0, count, BATCH):
            size = min(BATCH, count - there)
            batch = [Message(topic, bytes(BYTES)) for _ in range(size)]
            await self._producer.send_batch(batch)
        return {}

    async def consume(self, topic: str, count: int) -> dict[str, Any]:
        """See the module."""
        first, left, all_there = 0.0, count, asyncio.Event()

        def heard(message: StoredMessage) -> None:
            nonlocal first, left
            first = first or time.perf_counter()
            left -= 1
            if not left:
                all_there.set()

        async with self._consumer(topic, heard) as consumer:
            await consumer.subscribe(topic)
            await all_there.wait()
            return {"seconds": time.perf_counter() - first}

    async def arrive(self, topic: str, count: int) -> dict[str, Any]:
        """See the module."""
        arrived: asyncio.Queue[float] = asyncio.Queue()

        def heard(message: StoredMessage) -> None:
            arrived.put_nowait(time.perf_counter())

        async def took_ms() -> float:
            began = time.perf_counter()
            await self._producer.send(Message(topic, bytes(BYTES)))
            return _ms(began, await arrived.get())

        async with self._consumer(topic, heard) as consumer:
            await consumer.subscribe(topic)
            took = [await took_ms() for _ in range(SETTLING + count)]
        return {"took_ms": took[SETTLING:]}

    def _consumer(self, topic: str, heard: Listener) -> PushConsumer:
        return PushConsumer(
            f"load-of-{topic}",
            self._name_servers,
            heard,
            start=ConsumeFrom.FIRST_OFFSET,
        )


def _ms(start: float, end: float | None = None) -> float:
    """Return the ms between two moments, the second one now if it is not given."""
    return 1000 * ((time.perf_counter() if end is None else end) - start)


if __name__ == "__main__":
    asyncio.run(Load(sys.argv[1]).run())
