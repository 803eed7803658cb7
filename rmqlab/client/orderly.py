"""Consuming in order: of each queue one message at a time, and never by two members.

    pull loop ──▶ lane of its queue ──▶ listener ──▶ consumed
                    ▲   only under the broker's lock     │
                    └─── the same one again, after 1 s ◀─┘ or not consumed

A message that cannot be consumed stops its queue, for ever unless maxReconsumeTimes
says how often it is tried.  Then it is sent to the group's retry topic, from which the
broker makes a dead letter of it.

Source: ConsumeMessageOrderlyService.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from rmqlab.client.concurrently import Done
from rmqlab.client.finishing import finish
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Later, Listener, consumed
from rmqlab.client.locks import Locks
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.send_back import send_anew
from rmqlab.errors import RmqError
from rmqlab.protocol.message import MessageQueue, StoredMessage

log = logging.getLogger(__name__)

LOCK_AGAIN_S = 0.1
"""How soon it is looked again whether a queue is locked."""
SUSPEND_S = 0.01, 30.0
"""The least and the most that a queue is suspended."""
FOR_EVER = 2**31 - 1


@dataclass(eq=False)
class Lane:
    """One queue's messages on their way to the listener."""

    waiting: asyncio.Queue[StoredMessage] = field(default_factory=asyncio.Queue)
    message: StoredMessage | None = None
    """The one that is tried now, with how often it was."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the listener is at work: who has it may end the worker."""
    worker: asyncio.Task[None] | None = None


class Orderly:
    """The lanes of one consumer; without `locks` (broadcasting) all queues are ours."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        listener: Listener,
        done: Done,
        locks: Locks | None,
    ) -> None:
        self._instance, self._group, self._config = instance, group, instance.config
        self._listener, self._done, self._locks = listener, done, locks
        self._lanes: dict[MessageQueue, Lane] = {}
        self._room = asyncio.Semaphore(self._config.consume_concurrency)

    def start(self) -> None:
        """Nothing is begun before a queue is."""

    async def stop(self, deadline: float) -> None:
        """Begin with no more messages; wait until then for those that were begun."""
        ends = [asyncio.create_task(self._end(queue)) for queue in self._lanes]
        await finish(ends, deadline)

    def begin(self, window: ProcessQueue) -> None:
        """A queue is ours."""
        lane = self._lanes[window.queue] = Lane()
        name = f"in order {window.queue}"
        lane.worker = asyncio.create_task(self._work(lane, window), name=name)

    async def end(self, window: ProcessQueue) -> None:
        """Give a queue up; return when the message that was begun is done.

        What becomes of that counts still: the next owner begins after it.
        """
        await self._end(window.queue)
        window.is_dropped = True

    async def _end(self, queue: MessageQueue) -> None:
        """End a lane when its listener is done, or when nobody waits for that."""
        lane = self._lanes.pop(queue)
        try:
            await lane.busy.acquire()
        finally:
            if lane.worker:
                lane.worker.cancel()

    def take(self, messages: Collection[StoredMessage], window: ProcessQueue) -> None:
        """Have messages consumed."""
        if lane := self._lanes.get(window.queue):
            for message in messages:
                lane.waiting.put_nowait(message)

    async def _work(self, lane: Lane, window: ProcessQueue) -> None:
        while True:
            lane.message = await lane.waiting.get()
            while lane.message:
                async with self._room, lane.busy:
                    pause_s = await self._try(lane, lane.message, window)
                await asyncio.sleep(pause_s)  # of 0, too: others have their turn

    async def _try(
        self, lane: Lane, message: StoredMessage, window: ProcessQueue
    ) -> float:
        """Try a lane's message once; return how long to pause before what is next."""
        if self._locks and not self._locks.is_valid(window.queue):
            return LOCK_AGAIN_S
        later = await consumed(self._listener, message)
        if later is None or await self._given_up(message):
            self._done(message, window)
            lane.message = None
            return 0.0
        lane.message = replace(message, reconsume_times=message.reconsume_times + 1)
        return self._suspended_s(later)

    async def _given_up(self, message: StoredMessage) -> bool:
        """Whether a message was tried often enough, and a broker has it now."""
        most, times = self._config.max_reconsume_times, message.reconsume_times
        if most < 0:
            most = FOR_EVER
        if times < most:
            return False
        try:
            await send_anew(self._instance, self._group, message, times, most)
        except RmqError as error:
            log.info("not sent back message=%s: %s", message, error)
            return False
        return True

    def _suspended_s(self, later: Later) -> float:
        suspend_ms = later.suspend_ms
        if suspend_ms is None:
            suspend_ms = self._config.suspend_current_queue_time_millis
        least, most = SUSPEND_S
        return min(max(suspend_ms / 1000, least), most)
