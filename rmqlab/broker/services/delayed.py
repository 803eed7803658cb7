"""Delivers what was delayed, once it is due.

    SCHEDULE_TOPIC_XXXX   queue 0  ···▪▪▪▪     level 1: its messages are due in the
                          queue 1  ·▪▪         order in which they lie here
                          …         └ the next one; before it all were delivered

A level's messages all wait equally long, so only its next one has to be looked at.  A
delivered message is stored once more, in its own topic's queue.  After a crash some
come twice: those delivered since delayOffset.json was written.

Source: ScheduleMessageService.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from rmqlab.broker.memory import Memory
from rmqlab.clock import Clock
from rmqlab.errors import StoreError
from rmqlab.protocol.half_message import at_home
from rmqlab.protocol.message import HALF_TOPIC, SCHEDULE_TOPIC
from rmqlab.protocol.record import Record
from rmqlab.service import Service
from rmqlab.store.consume_queue import ConsumeQueue
from rmqlab.store.results import PutStatus
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Messages of one level that one step delivers; then others have their turn."""
LONGEST_S = 1.0
"""Before the next one is looked at again: the clock may have been put forward."""
RETRY_S = 0.1
"""Before a message is tried again that the store did not take."""

STATS_GROUP = "SCHEDULE_CONSUMER"
"""Under this name the statistics have what was delivered."""


class DelayedDelivery(Service):
    """Wakes when a message is due, and when one came to the schedule topic."""

    first_s = 1.0

    def __init__(self, memory: Memory, store: MessageStore, clock: Clock) -> None:
        super().__init__()
        self._store, self._clock = store, clock
        self._offsets, self._stats = memory.delays, memory.stats

    async def step(self) -> None:
        """Deliver what is due, some of each level, and see when to look again.

        Raises:
            DiskFull, StoreError: the store takes none now; the same is tried again.
        """
        self.interval_s = RETRY_S
        levels = range(1, self._store.delays.highest + 1)
        waits = [self._deliver_due(level) for level in levels]
        known_s = [wait / 1000 for wait in waits if wait is not None]
        self.interval_s = min(LONGEST_S, *known_s) if known_s else None

    def _deliver_due(self, level: int) -> int | None:
        """Return after how many ms the level's next message is due; None without."""
        queue = self._store.queues.find(SCHEDULE_TOPIC, level - 1)
        if queue is None:
            return None
        now_ms, offset = self._clock.now_ms(), self._start(level, queue)
        entries = queue.entries(offset, AT_ONCE)
        for entry in entries:
            wait = self._store.delays.wait_ms(level, entry.tags_code, now_ms)
            if wait > 0:
                return wait
            found = self._store.reading.record_of(entry)
            message = found and delivered(found, level, now_ms)
            if message:
                self._put(message)
            else:
                log.error("nothing delivered level=%d offset=%d", level, offset)
            offset += 1
            self._offsets.move(level, offset)
        return 0 if entries and offset < queue.max_offset else None

    def _start(self, level: int, queue: ConsumeQueue) -> int:
        """Return the offset of the level's next message, one that the queue has."""
        known = self._offsets.get(level)
        offset = min(max(known, queue.min_offset), queue.max_offset)
        if offset != known:
            log.error("offset corrected level=%d from=%d to=%d", level, known, offset)
            self._offsets.move(level, offset)
        return offset

    def _put(self, message: Record) -> None:
        put = self._store.put_batch([message])
        if put.status is not PutStatus.PUT_OK:
            raise StoreError(
                f"a delayed message waits, the store does not take it: "
                f"{put.status.name} topic={message.topic} queue={message.queue_id}"
            )
        self._stats.got(STATS_GROUP, SCHEDULE_TOPIC, 1, message.size)
        self._stats.put(message.topic, 1, message.size)


def delivered(found: Record, level: int, now_ms: int) -> Record | None:
    """Return the message as its own topic gets it; None where it must not come there.

    It is the one that was sent, with DELAY, REAL_TOPIC and REAL_QID among its
    properties.  A half message is not delivered: a transaction may still end otherwise.
    """
    home = at_home(found)
    is_here = (found.topic, found.queue_id) == (SCHEDULE_TOPIC, level - 1)
    if home is None or not is_here or home.topic == HALF_TOPIC:
        return None
    return replace(home, store_timestamp=now_ms, prepared_offset=0)
