"""A consumer that is called: it pulls, and hands what comes to a listener.

At least once: an offset is told to the broker every five seconds and at the end, so
after a crash, or when a queue changes hands, some messages come again.

Source: DefaultMQPushConsumerImpl.java, ConsumeMessageConcurrentlyService.java, 4.9.7.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Self

from rmqlab.client.answers import Answers
from rmqlab.client.direct import Direct
from rmqlab.client.instance import ClientInstance
from rmqlab.client.member import Member
from rmqlab.client.offsets import ConsumeFrom, GroupOffsets, OffsetSaver
from rmqlab.client.place import Place
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.pull import PullStatus, pull
from rmqlab.client.rebalance import Rebalancer
from rmqlab.errors import RmqError
from rmqlab.protocol.membership import ConsumerData
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR_S = 3.0
PAUSE_WHEN_FULL_S = 0.05
RETRY_HERE_S = 5.0
"""RocketMQ does the same where it cannot send a message back to the broker."""


class Consumed(Enum):
    """What a listener may return; nothing at all means SUCCESS."""

    SUCCESS = auto()
    RECONSUME_LATER = auto()


Outcome = Consumed | None
Listener = Callable[[StoredMessage], "Outcome | Awaitable[Outcome]"]


class PushConsumer:
    """One member of a consumer group; use it as an async context manager.

    A plain listener is called on the loop and must be quick; one that returns an
    awaitable may take its time, up to `consume_concurrency` of them at once.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        *,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        place: Place | None = None,
    ) -> None:
        self.group = group
        self.instance = ClientInstance(name_servers, config, place)
        self.config = self.instance.config
        self._listener, self._start = listener, start
        self._offsets = GroupOffsets(self.instance, group)
        where = f"CONSUME_FROM_{start.name}"
        data = ConsumerData(group, consume_from_where=where)
        self._member = Member(self.instance, data)
        self._subscriptions = self._member.subscriptions
        self._loops: dict[MessageQueue, asyncio.Task[None]] = {}
        self._windows: dict[MessageQueue, ProcessQueue] = {}
        self._consuming: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(self.config.consume_concurrency)
        self._answers = Answers(
            self.instance,
            group,
            start,
            self._subscriptions,
            self._windows,
            self._offsets,
            self._move,
        )
        self._direct = Direct(self.instance, group, self._hand, self._track)
        self._rebalancer = Rebalancer(
            self.instance, group, lambda: list(self._subscriptions), self._assign
        )
        self._saver = OffsetSaver(self._offsets, self.config)

    async def __aenter__(self) -> Self:
        await self.instance.start()
        self._rebalancer.start()
        self._saver.start()
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
        return sorted(self._loops)

    async def close(self) -> None:
        """Stop pulling, let listeners finish, save the offsets, say goodbye."""
        await self._rebalancer.stop()
        await self._saver.stop()
        for queue in list(self._loops):
            self._drop(queue)
        if self._consuming:
            await asyncio.wait(self._consuming)
        await self._offsets.save_all()
        await self._member.leave()
        await self.instance.stop()

    async def _assign(self, topic: str, share: set[MessageQueue]) -> None:
        mine = {queue for queue in self._loops if queue.topic == topic}
        for queue in sorted(mine - share):
            self._drop(queue)
            await self._offsets.save(queue)
            self._offsets.forget(queue)
        for queue in sorted(share - mine):
            self._begin(queue)

    def _begin(self, queue: MessageQueue, offset: int | None = None) -> None:
        """Begin to pull a queue from `offset`, else from where the group is."""
        window = ProcessQueue(self.instance.clock.now_ms())
        loop = self._pull_loop(queue, window, offset)
        self._windows[queue] = window
        self._loops[queue] = asyncio.create_task(loop, name=str(queue))

    def _move(self, queue: MessageQueue, offset: int) -> None:
        """Go on elsewhere in a queue of ours; what was pulled of it counts no more."""
        self._drop(queue)
        self._offsets.update(queue, offset)
        self._begin(queue, offset)
        self._track(self._offsets.save(queue))

    def _track(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work that is waited for at the end."""
        task = asyncio.create_task(work)
        self._consuming.add(task)
        task.add_done_callback(self._consuming.discard)

    def _drop(self, queue: MessageQueue) -> None:
        self._windows.pop(queue).is_dropped = True
        self._loops.pop(queue).cancel()

    async def _pull_loop(
        self, queue: MessageQueue, window: ProcessQueue, offset: int | None
    ) -> None:
        broker_id = 0
        while not window.is_dropped:
            try:
                if offset is None:
                    offset = await self._offsets.start_of(queue, self._start)
                if len(window) >= self.config.pull_threshold_for_queue:
                    await asyncio.sleep(PAUSE_WHEN_FULL_S)
                    continue
                result = await pull(
                    self.instance,
                    self.group,
                    queue,
                    offset,
                    self._subscriptions[queue.topic],
                    limit=self.config.pull_batch_size,
                    address=self.instance.address_of(queue.broker_name, broker_id),
                    suspend=True,
                )
            except RmqError as error:
                log.info("pull failed queue=%s: %s", queue, error)
                await asyncio.sleep(PAUSE_AFTER_ERROR_S)
                continue
            if result.status is PullStatus.OFFSET_ILLEGAL:
                self._offsets.update(queue, result.next_offset)
            offset, broker_id = result.next_offset, result.suggested_broker_id
            window.add(result.messages, self.instance.clock.now_ms())
            for message in result.messages:
                await self._consume(message, queue, window)

    async def _consume(
        self, message: StoredMessage, queue: MessageQueue, window: ProcessQueue
    ) -> None:
        """Hand a message to the listener; wait only where too many are at work."""
        outcome = self._listen(message)
        if inspect.isawaitable(outcome):
            await self._room.acquire()
            self._track(self._finish(outcome, message, queue, window))
        else:
            self._settle(outcome, message, queue, window)

    def _hand(self, message: StoredMessage) -> Outcome | Awaitable[Outcome]:
        if origin := message.properties.get("RETRY_TOPIC"):
            message = replace(message, topic=origin)
        return self._listener(message)

    def _listen(self, message: StoredMessage) -> Outcome | Awaitable[Outcome]:
        try:
            return self._hand(message)
        except Exception:
            log.exception("listener failed message=%s", message)
            return Consumed.RECONSUME_LATER

    async def _finish(
        self,
        outcome: Awaitable[Outcome],
        message: StoredMessage,
        queue: MessageQueue,
        window: ProcessQueue,
    ) -> None:
        try:
            self._settle(await outcome, message, queue, window)
        except Exception:
            log.exception("listener failed message=%s", message)
            self._settle(Consumed.RECONSUME_LATER, message, queue, window)
        finally:
            self._room.release()

    def _settle(
        self,
        outcome: Outcome,
        message: StoredMessage,
        queue: MessageQueue,
        window: ProcessQueue,
    ) -> None:
        if window.is_dropped and queue in self._windows:
            return  # the queue has come back to us anew: this result is too late
        if outcome is not Consumed.RECONSUME_LATER:
            now_ms = self.instance.clock.now_ms()
            self._offsets.update(queue, window.done(message, now_ms))
            return
        loop = asyncio.get_running_loop()
        loop.call_later(RETRY_HERE_S, self._again, message, queue, window)

    def _again(
        self, message: StoredMessage, queue: MessageQueue, window: ProcessQueue
    ) -> None:
        if not window.is_dropped:
            self._track(self._consume(message, queue, window))
