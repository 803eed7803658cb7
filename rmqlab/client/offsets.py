"""How far a group has consumed, as one member knows it, and where that is kept.

A group's are kept at the brokers; who broadcasts has its own (`local_offsets`).

Source: RemoteBrokerOffsetStore.java, RebalancePushImpl.computePullFromWhere, 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol

from rmqlab.client import positions
from rmqlab.client.instance import ClientInstance
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue
from rmqlab.protocol.messaging import UpdateConsumerOffset
from rmqlab.service import Service
from rmqlab.settings import ClientConfig

log = logging.getLogger(__name__)


RECENT_MS = 30 * 60_000


class ConsumeFrom(Enum):
    """Where a group starts that no broker remembers."""

    LAST_OFFSET = auto()
    FIRST_OFFSET = auto()
    TIMESTAMP = auto()
    """With what was stored since some time, half an hour ago unless it is said."""

    @property
    def text(self) -> str:
        """RocketMQ's own name."""
        return f"CONSUME_FROM_{self.name}"


class Kept(Protocol):
    """Where offsets outlive the member that consumes."""

    async def read(self, queue: MessageQueue) -> int | None:
        """Return a queue's offset, None where nobody knows of one.

        Raises:
            RmqError: it cannot be found out.
        """
        ...

    async def write(self, offsets: Mapping[MessageQueue, int]) -> None:
        """Keep offsets; what fails is logged, and comes again."""
        ...


class BrokerOffsets:
    """Kept by the brokers, for whoever of the group has a queue next."""

    def __init__(self, instance: ClientInstance, group: str) -> None:
        self._instance, self._group = instance, group

    async def read(self, queue: MessageQueue) -> int | None:
        """See `positions.committed`."""
        return await positions.committed(self._instance, self._group, queue)

    async def write(self, offsets: Mapping[MessageQueue, int]) -> None:
        """Tell each queue's broker.

        Also what it was told before: it may have died since, without having saved it.
        """
        for queue, offset in offsets.items():
            where = self._group, queue.topic, queue.queue_id
            try:
                await self._instance.route(queue.topic)
                address = self._instance.address_of(queue.broker_name)
                header = UpdateConsumerOffset(*where, offset)
                await self._instance.remoting.tell(address, header)
            except Unavailable as error:
                log.info("offset not saved queue=%s: %s", queue, error)


class GroupOffsets:
    """The offsets of the queues that this member consumes."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        *,
        since_ms: int | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._instance, self._start = instance, start
        self._since_ms = instance.clock.now_ms() - RECENT_MS
        if since_ms is not None:
            self._since_ms = since_ms
        self._kept = kept or BrokerOffsets(instance, group)
        self._offsets: dict[MessageQueue, int] = {}

    def update(self, queue: MessageQueue, offset: int) -> None:
        """Everything before `offset` is consumed."""
        self._offsets[queue] = offset

    def get(self, queue: MessageQueue) -> int | None:
        """Return the offset before which everything is consumed, None if unknown."""
        return self._offsets.get(queue)

    async def start_of(self, queue: MessageQueue) -> int:
        """Return where to begin with a queue.

        Raises:
            NotConnected, NoAnswer: its broker is away.
            RemoteError: it answered something else.
            StoreError: the file of offsets cannot be read.
        """
        offset = await self._kept.read(queue)
        return await self._first(queue) if offset is None else offset

    async def _first(self, queue: MessageQueue) -> int:
        """Return where to begin with a queue of which nobody knows an offset."""
        is_retry = queue.topic.startswith(RETRY_PREFIX)
        if self._start is ConsumeFrom.TIMESTAMP and not is_retry:
            return await positions.at_time(self._instance, queue, self._since_ms)
        if self._start is ConsumeFrom.FIRST_OFFSET:
            return 0
        if self._start is ConsumeFrom.LAST_OFFSET and is_retry:
            return 0  # what failed comes again, also to who begins at the end
        return await positions.end(self._instance, queue)

    async def save(self, queue: MessageQueue) -> None:
        """Keep the offset of one queue."""
        if (offset := self._offsets.get(queue)) is not None:
            await self._kept.write({queue: offset})

    async def save_all(self) -> None:
        """Keep the offsets of all queues."""
        await self._kept.write(dict(self._offsets))

    def forget(self, queue: MessageQueue) -> None:
        """Another member has the queue now."""
        self._offsets.pop(queue, None)


class OffsetSaver(Service):
    """Keeps the offsets, every five seconds."""

    first_s = 10.0

    def __init__(self, offsets: GroupOffsets, config: ClientConfig) -> None:
        super().__init__()
        self._offsets = offsets
        self.interval_s = config.persist_consumer_offset_interval / 1000
        self.first_s = min(self.first_s, 2 * self.interval_s)

    async def step(self) -> None:
        """Keep them once."""
        await self._offsets.save_all()
