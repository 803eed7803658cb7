"""What the scenarios share: the clients of this process, topics, and how one waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rmqlab.client import Admin, Producer, PullConsumer, PushConsumer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.positions import committed
from rmqlab.client.push import Listener
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig
from tests import support
from tests.interop.real import BROKER_NAME

BOUND_S = 90.0
SEND_MS = 20_000
SOON_MS = 300
"""A share of queues may be waited for, twenty seconds may not."""


until = partial(support.until, within_s=BOUND_S)


@dataclass
class Stage:
    """A producer, a puller and an admin that have begun."""

    servers: str
    folder: Path
    """For what clients keep on disk."""
    producer: Producer
    puller: PullConsumer
    admin: Admin

    async def topic(self, name: str, queues: int) -> str:
        """Make a topic; return its name once producers would find all its queues."""
        await self.admin.create_topic(name, queues)
        await until(lambda: self._has(name, queues))
        return name

    async def _has(self, name: str, queues: int) -> bool:
        return await self.queues_of(name) == queues

    async def queues_of(self, topic: str) -> int:
        """Return how many queues a route names, 0 where there is none yet."""
        route = await self.admin.route(topic)
        return route.queues[0].read_queue_nums if route else 0

    async def stored(self, queue: MessageQueue, count: int) -> list[StoredMessage]:
        """Return what lies in a queue once there are `count` messages."""
        await until(lambda: self._reaches(queue, count))
        found: list[StoredMessage] = []
        offset = 0
        while offset < count:
            result = await self.puller.pull(queue, offset)
            found += result.messages
            offset = result.next_offset
        return found

    async def _reaches(self, queue: MessageQueue, count: int) -> bool:
        return await self.puller.end(queue) >= count

    async def has_committed(self, group: str, lane: MessageQueue, offset: int) -> None:
        """Return once a broker has heard that a group is so far."""

        async def is_so_far() -> bool:
            return await committed(self.puller.instance, group, lane) == offset

        await until(is_so_far)

    def consumer(self, group: str, listener: Listener, **options: Any) -> PushConsumer:
        """Make a consumer that reads from the beginning."""
        start = options.pop("start", ConsumeFrom.FIRST_OFFSET)
        config = quick(**options.pop("settings", {}))
        return PushConsumer(
            group, self.servers, listener, config, start=start, **options
        )


@asynccontextmanager
async def on_stage(servers: str, folder: Path) -> AsyncIterator[Stage]:
    """Yield a stage whose clients have begun."""
    async with (
        Producer("senders", servers, quick()) as producer,
        PullConsumer("pullers", servers, quick()) as puller,
        Admin(servers) as admin,
    ):
        yield Stage(servers, folder, producer, puller, admin)


def quick(**settings: Any) -> ClientConfig:
    """Return the settings of a client that need not be waited for."""
    return ClientConfig(
        **{
            "send_msg_timeout": SEND_MS,
            "poll_name_server_interval": SOON_MS,
            "heartbeat_broker_interval": SOON_MS,
            "rebalance_interval": SOON_MS,
            "persist_consumer_offset_interval": SOON_MS,
        }
        | settings
    )


def queue(topic: str, number: int) -> MessageQueue:
    return MessageQueue(topic, BROKER_NAME, number)


def message(topic: str, body: str, tags: str | None = None, **more: Any) -> Message:
    return Message(topic, body.encode(), tags, **more)


def bodies(messages: Iterable[StoredMessage]) -> list[str]:
    return [one.body.decode() for one in messages]


@dataclass
class Heard:
    """What a consumer was given, in that order; itself a content listener."""

    messages: list[StoredMessage] = field(default_factory=list)

    def __call__(self, one: StoredMessage) -> None:
        self.messages.append(one)

    async def reaches(self, count: int) -> list[str]:
        """Return the bodies, sorted, once there are so many."""
        await until(lambda: len(self.messages) >= count)
        return sorted(bodies(self.messages))

    def times(self, body: str) -> int:
        """Return how often a message was given."""
        return Counter(bodies(self.messages))[body]
