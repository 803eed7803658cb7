"""Consuming in any order: as many messages at a time as there are workers.

    pull loops ──▶ messages ──▶ worker 1 … 20 ──▶ listener ──▶ consumed
                       ▲                             └──────▶ sent back to a broker
                       └──── here again after 5 s ◀────────────┘ or none takes it

A message that is still being consumed after a quarter of an hour is sent back, too:
else it would hold its queue's offset back as long as its listener sleeps.

Source: ConsumeMessageConcurrentlyService.java, ProcessQueue.cleanExpiredMsg,
release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from rmqlab.client.finishing import finish
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Later, Listener, consumed
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.send_back import FIRST_LEVEL, send_back
from rmqlab.errors import RmqError
from rmqlab.protocol.message import StoredMessage
from rmqlab.service import Service

log = logging.getLogger(__name__)

RETRY_HERE_S = 5.0
MOST_TIMES = 16
"""How often a message may come again, unless the settings say otherwise."""

Done = Callable[[StoredMessage, ProcessQueue], None]
"""Told that a message needs to come no more."""
Piece = tuple[StoredMessage, ProcessQueue]


class Concurrently:
    """The workers of one consumer."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        listener: Listener,
        done: Done,
        *,
        is_broadcast: bool = False,
    ) -> None:
        self._instance, self._group = instance, group
        self._listener, self._done = listener, done
        self._is_broadcast = is_broadcast
        self._waiting: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._at_work: dict[int, tuple[int, Piece]] = {}
        """Since when each worker is at what."""
        self._expiry = Expiry(self, instance.config.consume_timeout)

    def start(self) -> None:
        """Have the workers wait for messages."""
        numbers = range(1, self._instance.config.consume_concurrency + 1)
        self._workers = [
            asyncio.create_task(self._work(one), name=f"ConsumeMessageThread_{one}")
            for one in numbers
        ]
        if not self._is_broadcast:
            self._expiry.start()

    async def stop(self, deadline: float) -> None:
        """Begin with no more messages; wait until then for those that were begun."""
        await self._expiry.stop()
        while not self._waiting.empty():
            self._waiting.get_nowait()
        for _ in self._workers:
            self._waiting.put_nowait(None)
        await finish(self._workers, deadline)

    def begin(self, window: ProcessQueue) -> None:
        """A queue is ours: any worker takes its messages."""

    async def end(self, window: ProcessQueue) -> None:
        """A queue is no longer ours; what becomes of its messages counts no more."""
        window.is_dropped = True

    def take(self, messages: Collection[StoredMessage], window: ProcessQueue) -> None:
        """Have messages consumed."""
        for message in messages:
            self._waiting.put_nowait((message, window))

    async def _work(self, number: int) -> None:
        while piece := await self._waiting.get():
            _, window = piece
            if window.is_dropped:
                continue
            self._at_work[number] = self._instance.clock.now_ms(), piece
            await self._consume(*piece)
            del self._at_work[number]
            await asyncio.sleep(0)  # plain listeners would let nobody else work

    async def _consume(self, message: StoredMessage, window: ProcessQueue) -> None:
        later = await consumed(self._listener, message)
        if window.is_dropped or message not in window:
            return  # too late: it has come, or will come, to somebody again
        if later is None:
            self._done(message, window)
        elif self._is_broadcast:
            log.warning("not consumed, comes no more message=%s", message)
            self._done(message, window)
        else:
            await self._send_back(message, window, later)

    async def _send_back(
        self, message: StoredMessage, window: ProcessQueue, later: Later
    ) -> None:
        most = self._instance.config.max_reconsume_times
        if most < 0:
            most = MOST_TIMES
        where = self._instance, self._group
        try:
            await send_back(*where, message, later.delay_level, most)
        except RmqError as error:
            log.info("not sent back message=%s: %s", message, error)
            again = replace(message, reconsume_times=message.reconsume_times + 1)
            loop = asyncio.get_running_loop()
            loop.call_later(RETRY_HERE_S, self.take, [again], window)
        else:
            self._done(message, window)

    async def send_back_expired(self, limit_ms: int) -> None:
        """Send back what a listener has been at for longer than that."""
        oldest_ms = self._instance.clock.now_ms() - limit_ms
        for began_ms, (message, window) in list(self._at_work.values()):
            if began_ms < oldest_ms and message in window and not window.is_dropped:
                log.warning("consumed for too long message=%s", message)
                await self._send_back(message, window, Later(FIRST_LEVEL))


class Expiry(Service):
    """Sends back what is being consumed for too long."""

    def __init__(self, consuming: Concurrently, timeout_min: int) -> None:
        super().__init__()
        self._consuming, self._limit_ms = consuming, timeout_min * 60_000
        self.interval_s = timeout_min * 60.0

    async def step(self) -> None:
        """Look once."""
        await self._consuming.send_back_expired(self._limit_ms)
