"""How far a group has consumed, as one member knows it, kept at the brokers.

Source: RemoteBrokerOffsetStore.java, RebalancePushImpl.computePullFromWhere, 4.9.7.
"""

from __future__ import annotations

import logging
from enum import Enum, auto

from rmqlab.client import positions
from rmqlab.client.instance import ClientInstance
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue
from rmqlab.protocol.messaging import UpdateConsumerOffset
from rmqlab.service import Service
from rmqlab.settings import ClientConfig

log = logging.getLogger(__name__)


class ConsumeFrom(Enum):
    """Where a group starts that no broker remembers."""

    LAST_OFFSET = auto()
    FIRST_OFFSET = auto()

    @property
    def text(self) -> str:
        """RocketMQ's own name."""
        return f"CONSUME_FROM_{self.name}"


class GroupOffsets:
    """The offsets of the queues that this member consumes."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
    ) -> None:
        self._instance, self._group, self._start = instance, group, start
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
        """
        offset = await positions.committed(self._instance, self._group, queue)
        if offset is not None:
            return offset
        is_retry = queue.topic.startswith(RETRY_PREFIX)
        if self._start is ConsumeFrom.FIRST_OFFSET or is_retry:
            return 0
        return await positions.end(self._instance, queue)

    async def save(self, queue: MessageQueue) -> None:
        """Tell the broker; one that is away is told next time.

        Also what it was told before: it may have died since, without having saved it.
        """
        offset = self._offsets.get(queue)
        if offset is None:
            return
        header = UpdateConsumerOffset(self._group, queue.topic, queue.queue_id, offset)
        try:
            await self._instance.route(queue.topic)
            address = self._instance.address_of(queue.broker_name)
            await self._instance.remoting.tell(address, header)
        except Unavailable as error:
            log.info("offset not saved queue=%s: %s", queue, error)

    async def save_all(self) -> None:
        """Save the offsets of all queues."""
        for queue in list(self._offsets):
            await self.save(queue)

    def forget(self, queue: MessageQueue) -> None:
        """Another member has the queue now."""
        self._offsets.pop(queue, None)


class OffsetSaver(Service):
    """Tells the brokers the offsets, every five seconds."""

    first_s = 10.0

    def __init__(self, offsets: GroupOffsets, config: ClientConfig) -> None:
        super().__init__()
        self._offsets = offsets
        self.interval_s = config.persist_consumer_offset_interval / 1000
        self.first_s = min(self.first_s, 2 * self.interval_s)

    async def step(self) -> None:
        """Tell them once."""
        await self._offsets.save_all()
