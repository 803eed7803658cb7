"""One loop for each queue that a consumer has: pull, put by, pull on.

A broker holds a pull until a message comes, so a loop waits there, and asks again at
once.  It pauses where the listener does not keep up (`flow_control`), after an error,
and while the consumer is suspended.

Source: DefaultMQPushConsumerImpl.pullMessage, PullMessageService.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from rmqlab.client.flow_control import held_back
from rmqlab.client.instance import ClientInstance
from rmqlab.client.next_steps import next_step
from rmqlab.client.offsets import GroupOffsets
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.pull import PullResult, PullStatus, pull
from rmqlab.errors import RmqError
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import MessageQueue, StoredMessage

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR_S = 3.0
PAUSE_WHEN_FULL_S = 0.05

Take = Callable[[Collection[StoredMessage], ProcessQueue], None]
"""Given what was pulled; it is in the window already."""
Move = Callable[[MessageQueue, int], None]
"""Has a queue go on at an offset."""


class Puller:
    """The pull loops of one consumer."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        offsets: GroupOffsets,
        subscriptions: Mapping[str, Subscription],
        take: Take,
        move: Move,
        *,
        is_orderly: bool = False,
    ) -> None:
        self._instance, self._group, self._offsets = instance, group, offsets
        self._subscriptions, self._take, self._move = subscriptions, take, move
        self._is_orderly = is_orderly
        self._loops: dict[MessageQueue, asyncio.Task[None]] = {}
        self.paused: set[MessageQueue] = set()
        """Queues that are not pulled from now."""
        self.may_pull = asyncio.Event()
        self.may_pull.set()

    def begin(self, window: ProcessQueue, offset: int | None = None) -> None:
        """Begin to pull a queue from `offset`, else from where the group is."""
        loop = self._run(window, offset)
        self._loops[window.queue] = asyncio.create_task(loop, name=str(window.queue))

    def end(self, queue: MessageQueue) -> None:
        """Pull a queue no more; what was pulled of it stays in its window."""
        self._loops.pop(queue).cancel()

    async def _run(self, window: ProcessQueue, offset: int | None) -> None:
        broker_id = 0
        while True:
            try:
                if offset is None:
                    offset = await self._offsets.start_of(window.queue)
                await self._room(window)
                result = await self._pull(window.queue, offset, broker_id)
            except RmqError as error:
                self._complain(window.queue, error)
                await asyncio.sleep(PAUSE_AFTER_ERROR_S)
                continue
            if result.status is PullStatus.OFFSET_ILLEGAL:
                self._move(window.queue, result.next_offset)
                return
            offset, broker_id = result.next_offset, result.suggested_broker_id
            window.add(result.messages, self._instance.clock.now_ms())
            self._take(result.messages, window)

    def _complain(self, queue: MessageQueue, error: RmqError) -> None:
        """Log an error; loudly where somebody can do something about it."""
        step = next_step(error)
        level = logging.WARNING if step else logging.INFO
        log.log(level, "pull failed queue=%s: %s %s", queue, error, step or "")

    async def _room(self, window: ProcessQueue) -> None:
        """Wait until the queue may be pulled from."""
        await self.may_pull.wait()
        while why := self._held_back(window):
            log.debug("not pulled queue=%s: %s", window.queue, why)
            await asyncio.sleep(PAUSE_WHEN_FULL_S)

    def _held_back(self, window: ProcessQueue) -> str | None:
        if window.queue in self.paused:
            return "it is paused"
        queues = sum(one.topic == window.queue.topic for one in self._loops)
        config = self._instance.config
        return held_back(window, queues, config, is_orderly=self._is_orderly)

    async def _pull(
        self, queue: MessageQueue, offset: int, broker_id: int
    ) -> PullResult:
        return await pull(
            self._instance,
            self._group,
            queue,
            offset,
            self._subscriptions[queue.topic],
            limit=self._instance.config.pull_batch_size,
            address=self._instance.address_of(queue.broker_name, broker_id),
            suspend=True,
        )
