"""A consumer that is given messages when it asks: `poll`, or `async for`.

    async with LitePullConsumer("audit", "127.0.0.1:9876") as consumer:
        await consumer.subscribe("orders")
        async for message in consumer:
            print(message.body)

    pull loops ──▶ laid by ──▶ poll ──▶ positions ── commit ──▶ offsets ──▶ brokers

It pulls ahead as a push consumer does.  Its queues are its share of what it subscribes
to, or those it is assigned.  What was polled counts as consumed with the next poll that
comes five seconds after the last commit, or when `commit` is called; all else comes
again.  There are no retries: whoever polls decides what becomes of a message.

Source: DefaultLitePullConsumerImpl.java, AssignedMessageQueue.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection
from typing import Self

from rmqlab.client.allocate import Allocate, averagely
from rmqlab.client.instance import ClientInstance
from rmqlab.client.member import Member
from rmqlab.client.offsets import ConsumeFrom, GroupOffsets, OffsetSaver
from rmqlab.client.place import Place
from rmqlab.client.positions import Places
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.puller import Puller
from rmqlab.client.rebalance import Rebalancer
from rmqlab.errors import RmqError
from rmqlab.protocol.membership import ConsumerData, Subscription
from rmqlab.protocol.message import MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig

POLL_S = 5.0
COMMIT_MS = 5000


class Misused(RmqError):
    """The consumer cannot do now what is asked of it."""


class LitePullConsumer(Places):
    """One member of a group that asks for its messages; an async context manager."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        *,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        allocate: Allocate = averagely,
        auto_commit: bool = True,
        place: Place | None = None,
    ) -> None:
        self.group, self._auto_commit = group, auto_commit
        instance = self.instance = ClientInstance(name_servers, config, place)
        data = ConsumerData(
            group,
            consume_type="CONSUME_ACTIVELY",
            consume_from_where=start.text,
        )
        self._member = Member(instance, data)
        self._offsets = GroupOffsets(instance, group, start)
        self._saver = OffsetSaver(self._offsets, instance.config)
        self._filters: dict[str, Subscription] = {}
        """What is pulled of each topic, subscribed to or assigned."""
        self._puller = Puller(
            instance, group, self._offsets, self._filters, self._take, self._move
        )
        self._rebalancer = Rebalancer(
            instance, group, self._topics, self._share, allocate=allocate
        )
        self._windows: dict[MessageQueue, ProcessQueue] = {}
        self._laid_by: deque[tuple[ProcessQueue, StoredMessage]] = deque()
        self._arrived = asyncio.Event()
        self._positions: dict[MessageQueue, int] = {}
        """Where each queue's next message that was not polled yet is."""
        self._commit_at_ms = 0

    async def __aenter__(self) -> Self:
        await self.instance.start()
        self._rebalancer.start()
        self._saver.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # Which queues

    async def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """Take this member's share of a topic's queues; see `Member.subscribe`.

        Raises:
            Misused: queues are assigned.
        """
        self._refuse_mixture(is_assigned=False)
        await self._member.subscribe(topic, text, kind)
        self._filters[topic] = self._member.subscriptions[topic]
        self._rebalancer.wake()

    async def unsubscribe(self, topic: str) -> None:
        """Have a topic's queues no more."""
        self._filters.pop(topic, None)
        await self._member.unsubscribe(topic)
        await self._share(topic, set())

    async def assign(self, queues: Collection[MessageQueue]) -> None:
        """Have these queues and no others, whoever else has them, too.

        Raises:
            Misused: topics are subscribed to.
        """
        self._refuse_mixture(is_assigned=True)
        topics = {queue.topic for queue in queues}
        for topic in sorted(topics | self._filters.keys()):
            self._filters[topic] = Subscription(topic)
            await self.instance.route(topic)
            await self._share(topic, {one for one in queues if one.topic == topic})

    @property
    def assignment(self) -> list[MessageQueue]:
        """The queues that this consumer has now, sorted."""
        return sorted(self._windows)

    @property
    def waiting(self) -> int:
        """How many messages were pulled and are not polled yet."""
        return len(self._laid_by)

    def _refuse_mixture(self, *, is_assigned: bool) -> None:
        subscribed = bool(self._member.subscriptions)
        if self._filters and subscribed is is_assigned:
            raise Misused("Subscribe and assign are mutually exclusive.")

    def _topics(self) -> list[str]:
        return list(self._member.subscriptions)

    async def _share(self, topic: str, share: set[MessageQueue]) -> None:
        mine = {queue for queue in self._windows if queue.topic == topic}
        for queue in sorted(mine - share):
            self._drop(queue)
            self._positions.pop(queue, None)
            await self._offsets.save(queue)
            self._offsets.forget(queue)
        for queue in sorted(share - mine):
            self._begin(queue)

    def _begin(self, queue: MessageQueue, offset: int | None = None) -> None:
        window = ProcessQueue(queue, self.instance.clock.now_ms())
        self._windows[queue] = window
        self._puller.begin(window, offset)

    def _drop(self, queue: MessageQueue) -> None:
        self._puller.end(queue)
        window = self._windows.pop(queue)
        self._laid_by = deque(one for one in self._laid_by if one[0] is not window)

    # What they have

    async def poll(self, timeout_s: float = POLL_S) -> list[StoredMessage]:
        """Return some next messages of one queue, up to pullBatchSize.

        Nothing where nothing came in `timeout_s`.
        """
        return await self._next(self.instance.config.pull_batch_size, timeout_s)

    async def __aiter__(self) -> AsyncIterator[StoredMessage]:
        """Yield messages as they come, for ever."""
        while True:
            for message in await self._next(1, None):
                yield message

    async def _next(self, most: int, timeout_s: float | None) -> list[StoredMessage]:
        self._commit_if_due()
        try:
            async with asyncio.timeout(timeout_s):
                while not self._laid_by:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return []
        window = self._laid_by[0][0]
        found: list[StoredMessage] = []
        while self._laid_by and self._laid_by[0][0] is window and len(found) < most:
            _, message = self._laid_by.popleft()
            now_ms = self.instance.clock.now_ms()
            self._positions[window.queue] = window.done(message, now_ms)
            found.append(message)
        return found

    def _take(self, messages: Collection[StoredMessage], window: ProcessQueue) -> None:
        self._laid_by += ((window, message) for message in messages)
        self._arrived.set()

    def pause(self, queues: Collection[MessageQueue]) -> None:
        """Pull no more of these queues; what was pulled of them may still be polled."""
        self._puller.paused |= set(queues)

    def resume(self, queues: Collection[MessageQueue]) -> None:
        """Pull these queues again."""
        self._puller.paused -= set(queues)

    # Where they are

    async def seek(self, queue: MessageQueue, offset: int) -> None:
        """Go on at an offset of a queue; what was pulled of it is forgotten.

        Raises:
            Misused: it is none of ours, or has no such offset.
            NotConnected, NoAnswer, RemoteError: its broker is away, or refused.
        """
        least, most = await self.begin(queue), await self.end(queue)
        if queue not in self._windows:
            raise Misused(
                "The message queue is not in assigned list, may be rebalancing, "
                f"message queue: {queue}"
            )
        if not least <= offset <= most:
            raise Misused(
                f"Seek offset illegal, seek offset = {offset}, min offset = {least}, "
                f"max offset = {most}"
            )
        self._move(queue, offset)

    def _move(self, queue: MessageQueue, offset: int) -> None:
        self._drop(queue)
        self._positions[queue] = offset
        self._begin(queue, offset)

    async def committed(self, queue: MessageQueue) -> int | None:
        """Return the offset that was committed last, None if none is known."""
        offset = self._offsets.get(queue)
        return await super().committed(queue) if offset is None else offset

    async def commit(self) -> None:
        """All that was polled is consumed; tell the brokers."""
        self._commit()
        await self._offsets.save_all()

    def _commit(self) -> None:
        for queue, offset in self._positions.items():
            self._offsets.update(queue, offset)

    def _commit_if_due(self) -> None:
        now_ms = self.instance.clock.now_ms()
        if self._auto_commit and now_ms >= self._commit_at_ms:
            self._commit()
            self._commit_at_ms = now_ms + COMMIT_MS

    async def close(self) -> None:
        """Stop pulling, tell the brokers what is committed, say goodbye.

        What was polled after the last commit comes again.
        """
        await self._rebalancer.stop()
        await self._saver.stop()
        for queue in self.assignment:
            self._drop(queue)
        await self._offsets.save_all()
        await self._member.leave()
        await self.instance.stop()
