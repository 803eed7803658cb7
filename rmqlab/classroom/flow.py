"""Who sends and who consumes in traffic: plain coroutines, on the running loop's time.

Each tells what happens to it through `record(kind, **facts)`, in the words of a trace
(`rmqlab.classroom.trace`): client, send, told, consumed.

Not here: where they run and who waits for them (`traffic`, `simulated.traffic`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Protocol

from rmqlab.client.admin import Admin
from rmqlab.client.listener import Consumed, Outcome
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.place import Place
from rmqlab.client.producer import Producer
from rmqlab.client.push import PushConsumer
from rmqlab.errors import RmqError
from rmqlab.protocol.message import Message, StoredMessage
from rmqlab.settings import ClientConfig

ATTENTIVE = ClientConfig(
    poll_name_server_interval=500,
    heartbeat_broker_interval=5000,
    persist_consumer_offset_interval=1000,
    rebalance_interval=1000,
)
"""A client that looks for changes twice a second instead of twice a minute."""

QUEUES = 4
"""Of traffic's topic, on each master."""


class Record(Protocol):
    """Told what happened: an event of a trace."""

    def __call__(self, kind: str, /, **facts: object) -> object:
        """Take one event."""


async def prepare(topic: str, name_servers: str, place: Place | None = None) -> None:
    """Create the topic on every master where it is not there.

    Raises:
        RmqError: nobody answers, or somebody refuses.
    """
    async with Admin(name_servers, place=place) as admin:
        if await admin.route(topic) is None:
            await admin.create_topic(topic, queues=QUEUES)


class Sender:
    """A producer that sends at a steady pace, whatever becomes of its last message.

    The keys are given, and a message's body is its key.
    """

    def __init__(
        self,
        client: str,
        topic: str,
        producer: Producer,
        keys: Iterator[str],
        record: Record,
        *,
        per_second: float,
        timeout_s: float | None,
    ) -> None:
        self.client, self.topic, self.producer = client, topic, producer
        self._keys, self._record = keys, record
        self._pause_s, self._timeout_s = 1 / per_second, timeout_s
        self._sending: set[asyncio.Task[None]] = set()
        self._pacer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send; return when it has begun."""
        self._record("client", client=self.client, what="started")
        await self.producer.__aenter__()
        self._pacer = asyncio.create_task(self._pace())

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for key in self._keys:
            task = asyncio.create_task(self._send(key))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            due += self._pause_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        who = {"client": self.client, "key": key}
        self._record("send", **who, topic=self.topic)
        message = Message(self.topic, key.encode(), keys=key)
        told: dict[str, object]
        try:
            result = await self.producer.send(message, timeout_s=self._timeout_s)
        except RmqError as error:
            is_definite = getattr(error, "is_definite", False)
            told = {"outcome": "refused" if is_definite else "unanswered"}
        else:
            told = {
                "outcome": result.status.name,
                "broker": result.queue.broker_name,
                "queue": result.queue.queue_id,
                "offset": result.queue_offset,
            }
        self._record("told", **who, took_s=loop.time() - began_s, **told)

    async def stop(self) -> None:
        """Send nothing more; return when everything sent was told what became of it."""
        if self._pacer is not None:
            self._pacer.cancel()
            self._pacer = None
        if self._sending:
            await asyncio.wait(self._sending)

    async def close(self) -> None:
        """Stop, and say goodbye."""
        await self.stop()
        await self.producer.close()
        self._record("client", client=self.client, what="closed")


class Reader:
    """A member of a consumer group that tells what it is given."""

    def __init__(
        self,
        client: str,
        group: str,
        topic: str,
        name_servers: str,
        record: Record,
        config: ClientConfig | None = None,
        place: Place | None = None,
        *,
        is_orderly: bool = False,
    ) -> None:
        self.client, self.group, self.topic = client, group, topic
        self._record = record
        first = ConsumeFrom.FIRST_OFFSET
        self.consumer = PushConsumer(
            group,
            name_servers,
            self._consume,
            config,
            start=first,
            orderly=is_orderly,
            place=place,
        )

    def _consume(self, message: StoredMessage) -> Outcome | Awaitable[Outcome]:
        self._record("consumed", **self._facts(message))
        return Consumed.SUCCESS

    def _facts(self, message: StoredMessage) -> dict[str, object]:
        return {
            "client": self.client,
            "group": self.group,
            "key": message.keys or message.msg_id,
            "topic": message.topic,
            "broker": message.broker_name,
            "queue": message.queue_id,
            "offset": message.queue_offset,
        }

    async def start(self) -> None:
        """Join the group and begin to consume.

        Raises:
            RmqError: nobody answers; it is no member then, and may try again.
        """
        self._record("client", client=self.client, what="started")
        await self.consumer.__aenter__()
        try:
            await self.consumer.subscribe(self.topic)
        except RmqError:
            await self.consumer.close()
            raise

    async def close(self) -> None:
        """Save the offsets and leave the group."""
        await self.consumer.close()
        self._record("client", client=self.client, what="closed")
