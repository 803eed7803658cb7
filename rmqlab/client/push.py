"""A consumer that is called: it pulls, and hands what comes to a listener.

    rebalancer ──▶ our queues ──▶ pull loops ──▶ workers ──▶ listener
                                                    └──▶ offsets, every 5 s to brokers

At least once: an offset is told to the broker every five seconds and at the end, so
after a crash, or when a queue changes hands, some messages come again.

Source: DefaultMQPushConsumerImpl.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from rmqlab.client.allocate import Allocate, averagely
from rmqlab.client.answers import Answers
from rmqlab.client.concurrently import Concurrently
from rmqlab.client.direct import Direct
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Consumed, Later, Listener
from rmqlab.client.locks import Locks
from rmqlab.client.member import Member
from rmqlab.client.offsets import ConsumeFrom, GroupOffsets, OffsetSaver
from rmqlab.client.orderly import Orderly
from rmqlab.client.place import Place
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.puller import Puller
from rmqlab.client.rebalance import Rebalancer
from rmqlab.protocol.membership import ConsumerData
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig

__all__ = ["Consumed", "Later", "Listener", "PushConsumer"]


class PushConsumer:
    """One member of a consumer group; use it as an async context manager.

    Messages are consumed in any order, up to `consume_concurrency` at once, or, if it
    is `orderly`, each queue's one after the other.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        *,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        orderly: bool = False,
        allocate: Allocate = averagely,
        place: Place | None = None,
    ) -> None:
        self.group = group
        instance = self.instance = ClientInstance(name_servers, config, place)
        self.config = instance.config
        self._offsets = GroupOffsets(instance, group, start)
        self._member = Member(
            instance, ConsumerData(group, consume_from_where=start.text)
        )
        self._subscriptions = self._member.subscriptions
        self._windows: dict[MessageQueue, ProcessQueue] = {}
        self._leaving: set[MessageQueue] = set()
        """Queues that are given up and not yet another's."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks = Locks(instance, group, self._lost) if orderly else None
        work = instance, group, listener, self._done
        self._consuming: Orderly | Concurrently
        self._consuming = (
            Orderly(*work, self._locks) if orderly else Concurrently(*work)
        )
        tables = self._offsets, self._subscriptions
        to = self._consuming.take, self._move
        self._puller = Puller(instance, group, *tables, *to, is_orderly=orderly)
        about = lambda: list(self._subscriptions), self._assign
        self._rebalancer = Rebalancer(instance, group, *about, allocate=allocate)
        self._saver = OffsetSaver(self._offsets, self.config)
        Answers(instance, group, start, *tables, self._windows, self._move, self._locks)
        Direct(instance, group, listener, self._track, is_orderly=orderly)

    async def __aenter__(self) -> Self:
        await self.instance.start()
        self._consuming.start()
        self._rebalancer.start()
        self._saver.start()
        if self._locks:
            self._locks.start()
        try:
            await self.subscribe(RETRY_PREFIX + self.group)
        except BaseException:
            # Else it would stay a member that is given queues and pulls none.
            await self.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """Begin to consume a topic: ``*``, tags such as ``a || b``, or kind ``SQL92``.

        A topic without a route yet is begun when it has one; see `Member.subscribe`.
        """
        await self._member.subscribe(topic, text, kind)
        self._rebalancer.wake()

    @property
    def queues(self) -> list[MessageQueue]:
        """The queues that this member consumes now, sorted."""
        return sorted(self._windows)

    @property
    def waiting(self) -> int:
        """How many messages were pulled and are not consumed yet."""
        return sum(map(len, self._windows.values()))

    async def close(self) -> None:
        """Stop pulling, let listeners finish, save the offsets, say goodbye."""
        services = self._rebalancer, self._saver, self._locks
        for service in filter(None, services):
            await service.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)
        left = list(self._windows.values())
        self._windows.clear()
        for window in left:
            self._puller.end(window.queue)
        await self._consuming.stop()
        for window in left:
            window.is_dropped = True
        await self._offsets.save_all()
        if self._locks:
            await self._locks.give_back(list(self._locks.locked_ms))
        await self._member.leave()
        await self.instance.stop()

    async def _assign(self, topic: str, share: set[MessageQueue]) -> None:
        mine = {queue for queue in self._windows if queue.topic == topic}
        for queue in sorted(mine - share):
            self._track(self._hand_over(self._drop(queue)))
        new = sorted(share - mine - self._leaving)
        for queue in await self._locks.take(new) if self._locks else new:
            self._begin(queue)

    def _begin(self, queue: MessageQueue, offset: int | None = None) -> None:
        """Begin with a queue at `offset`, else at where the group is."""
        window = ProcessQueue(queue, self.instance.clock.now_ms())
        self._windows[queue] = window
        self._consuming.begin(window)
        self._puller.begin(window, offset)

    def _drop(self, queue: MessageQueue) -> ProcessQueue:
        """Have a queue no more; what was begun of it is not done yet."""
        self._puller.end(queue)
        self._leaving.add(queue)
        return self._windows.pop(queue)

    async def _hand_over(self, window: ProcessQueue) -> None:
        """Let another member have a queue, and know how far we came."""
        await self._consuming.end(window)
        await self._offsets.save(window.queue)
        self._offsets.forget(window.queue)
        if self._locks:
            await self._locks.give_back([window.queue])
        self._leaving.discard(window.queue)

    def _lost(self, queue: MessageQueue) -> None:
        """A lock was lost: another may have come further, so nothing is saved."""
        if queue in self._windows:
            self._track(self._forget(self._drop(queue)))

    async def _forget(self, window: ProcessQueue) -> None:
        await self._consuming.end(window)
        self._offsets.forget(window.queue)
        self._leaving.discard(window.queue)

    def _move(self, queue: MessageQueue, offset: int) -> None:
        """Go on elsewhere in a queue of ours; what was pulled of it counts no more."""
        self._track(self._go_on(self._drop(queue), offset))

    async def _go_on(self, window: ProcessQueue, offset: int) -> None:
        await self._consuming.end(window)
        self._offsets.update(window.queue, offset)
        await self._offsets.save(window.queue)
        self._leaving.discard(window.queue)
        if self._locks is None or window.queue in self._locks.locked_ms:
            self._begin(window.queue, offset)

    def _track(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work that is waited for at the end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _done(self, message: StoredMessage, window: ProcessQueue) -> None:
        """A message needs to come no more."""
        if not window.is_dropped:
            now_ms = self.instance.clock.now_ms()
            self._offsets.update(window.queue, window.done(message, now_ms))
