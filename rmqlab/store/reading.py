"""What can be asked of a store: by place in a queue, by offset, by time, by key.

The queues and the index know offsets of the log only.  What lies there is looked at
before it is given away: a record that is damaged, or is not the one that was meant, is
passed over, and the log says where it is.

Source: DefaultMessageStore.getMessage, getOffsetInQueueByTime and queryMessage,
ConsumeQueue.getOffsetInQueueByTime, release 4.9.7.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.message import keys_of
from rmqlab.protocol.record import Place, Record, is_sound, properties_of
from rmqlab.settings import StoreConfig
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.consume_queue import FILLER_SIZE, ConsumeQueue, QueueEntry
from rmqlab.store.index import Index
from rmqlab.store.layout import QUEUE_ENTRY
from rmqlab.store.queues import ConsumeQueues
from rmqlab.store.results import GetStatus, Got

log = logging.getLogger(__name__)

WINDOW_ENTRIES = 800
"""Looked at by one read.  Source: DefaultMessageStore.getMessage (16,000 bytes)."""
AHEAD_BYTES = 8192
"""Of the log read at once: messages of one queue mostly lie close together."""
LARGE_BYTES = 1 << 20
"""Where an entry says that its message is larger, the message is asked, too."""

MEMORY_BYTES = 24 << 30
"""Of a machine that does not tell.  Source: StoreUtil.getTotalPhysicalMemorySize."""


@dataclass(slots=True)
class _Look:
    """One look through a queue: what was found so far, and where it ended."""

    limit: int
    found: list[bytes] = field(default_factory=list)
    taken_bytes: int = 0
    scanned: int = 0
    log_offset: int = 0
    status: GetStatus = GetStatus.NO_MATCHED_MESSAGE

    def take(self, data: bytes) -> None:
        """A record is wanted."""
        self.found.append(data)
        self.taken_bytes += len(data)
        self.status = GetStatus.FOUND

    def passed_over(self, why: GetStatus) -> None:
        """An entry gives none; of several the last one tells why nothing was found."""
        if not self.found:
            self.status = why


class Reading:
    """The questions.  Whoever asks them changes nothing."""

    def __init__(
        self, config: StoreConfig, commit_log: CommitLog, queues: ConsumeQueues,
        index: Index,
    ) -> None:  # fmt: skip
        self._config = config
        self._log, self._queues, self._index = commit_log, queues, index
        self.memory_bytes = MEMORY_BYTES
        """Of this machine; who knows them sets them."""

    def get(
        self,
        topic: str,
        queue_id: int,
        offset: int,
        limit: int,
        wants_code: Callable[[int], bool],
        wants_record: Callable[[bytes], bool] = lambda _: True,
    ) -> Got:
        """Return up to `limit` messages from queue offset `offset` on.

        Never more than the settings' bytes and messages at once, but always one.  Only
        those are asked for as records whose tag's hash is wanted.
        """
        queue = self._queues.find(topic, queue_id)
        if queue is None or queue.max_offset == 0:
            # RocketMQ makes the queue by asking for it, and finds it empty.
            return Got(GetStatus.NO_MESSAGE_IN_QUEUE, 0, 0, 0)
        low, high = queue.min_offset, queue.max_offset
        if offset < low:
            return Got(GetStatus.OFFSET_TOO_SMALL, low, low, high)
        if offset == high:
            return Got(GetStatus.OFFSET_OVERFLOW_ONE, offset, low, high)
        if offset > high:
            return Got(GetStatus.OFFSET_OVERFLOW_BADLY, high, low, high)
        look = _Look(limit)
        place = topic.encode(), queue_id, offset
        self._look(look, queue, place, wants_code, wants_record)
        if not look.scanned:
            in_file = queue.files.file_size // QUEUE_ENTRY.size
            next_file = offset - offset % in_file + in_file
            return Got(GetStatus.OFFSET_FOUND_NULL, next_file, low, high)
        is_far_back = self.is_far_back(look.log_offset)
        records, next_offset = tuple(look.found), offset + look.scanned
        return Got(look.status, next_offset, low, high, records, is_far_back)

    def _look(
        self,
        look: _Look,
        queue: ConsumeQueue,
        start: Place,
        wants_code: Callable[[int], bool],
        wants_record: Callable[[bytes], bool],
    ) -> None:
        """Go through the queue's entries from a place on."""
        topic, queue_id, offset = start
        window, window_at = b"", 0
        for entry in queue.walk(offset, WINDOW_ENTRIES):
            if look.found and self._is_full(look, entry):
                break
            place = topic, queue_id, offset + look.scanned
            look.scanned += 1
            look.log_offset = entry.log_offset
            if not wants_code(entry.tags_code):
                look.passed_over(GetStatus.NO_MATCHED_MESSAGE)
                continue
            if entry.size == FILLER_SIZE:
                look.passed_over(GetStatus.MESSAGE_WAS_REMOVING)
                continue
            at = entry.log_offset - window_at
            if not 0 <= at <= len(window) - entry.size:  # the next ones may be near
                window = self._ahead(entry)
                window_at, at = entry.log_offset, 0
            data = window[at : at + entry.size]
            if not is_sound(data, entry.log_offset, place):
                look.passed_over(GetStatus.MESSAGE_WAS_REMOVING)
                _tell_damage(place, entry)
            elif wants_record(data):
                look.take(data)
            else:
                look.passed_over(GetStatus.NO_MATCHED_MESSAGE)

    def _is_full(self, look: _Look, entry: QueueEntry) -> bool:
        """Whether an answer that has messages takes no more: less of what is old."""
        config = self._config
        if self.is_far_back(entry.log_offset):
            most = config.max_transfer_count_on_message_in_disk
            room = config.max_transfer_bytes_on_message_in_disk
        else:
            most = config.max_transfer_count_on_message_in_memory
            room = config.max_transfer_bytes_on_message_in_memory
        is_large = look.taken_bytes + entry.size > room
        return is_large or len(look.found) >= min(look.limit, most)

    def is_far_back(self, log_offset: int) -> bool:
        """Whether so much was stored since that memory may not hold it any more.

        RocketMQ guesses: it is, where that is more than a share of this machine's
        memory, which accessMessageInMemoryMaxRatio says in percent.
        """
        share = self._config.access_message_in_memory_max_ratio
        return (self._log.end - log_offset) * 100 > self.memory_bytes * share

    def is_message_far_back(self, topic: str, queue_id: int, offset: int) -> bool:
        """The same of a queue's message; False where it is not there."""
        queue = self._queues.find(topic, queue_id)
        entry = next(iter(queue.entries(offset, 1)), None) if queue else None
        return entry is not None and self.is_far_back(entry.log_offset)

    def _ahead(self, entry: QueueEntry) -> bytes:
        """Read an entry's record and beyond; not much where its size is damaged."""
        size = entry.size
        if size > LARGE_BYTES and self._log.size_at(entry.log_offset) != size:
            size = 0
        return self._log.read(entry.log_offset, max(size, AHEAD_BYTES))

    def record_at(self, log_offset: int) -> Record | None:
        """Return the message that starts at this offset of the log, if one does."""
        if not self._log.start <= log_offset < self._log.end:
            return None
        try:
            return self._log.record_at(log_offset, check_crc=True)
        except CorruptRecord:
            return None

    def record_of(self, entry: QueueEntry) -> Record | None:
        """Return the message that a queue's entry tells of, if it is there."""
        is_filler = entry.size == FILLER_SIZE
        return None if is_filler else self.record_at(entry.log_offset)

    def stored_ms(self, topic: str, queue_id: int, offset: int) -> int:
        """Return the store time of a queue's message in ms, 0 where it is not there."""
        queue = self._queues.find(topic, queue_id)
        return self._stored_ms(queue, offset) if queue else 0

    def _stored_ms(self, queue: ConsumeQueue, offset: int) -> int:
        entry = next(iter(queue.entries(offset, 1)), None)
        found = self.record_at(entry.log_offset) if entry else None
        return found.store_timestamp if found else 0

    def earliest_ms(self, topic: str, queue_id: int) -> int:
        """Return when a queue's oldest message was stored, -1 where there is none."""
        queue = self._queues.find(topic, queue_id)
        return (self._stored_ms(queue, queue.min_offset) if queue else 0) or -1

    def offset_at(self, topic: str, queue_id: int, ms: int) -> int:
        """Return the offset of the message that was stored nearest to a time.

        Of two that are as near, and of several of one millisecond, the first.  0 for
        a queue without messages.
        """
        queue = self._queues.find(topic, queue_id)
        if queue is None or queue.min_offset >= queue.max_offset:
            return 0
        offsets = range(queue.min_offset, queue.max_offset)
        at = bisect_left(offsets, ms, key=lambda one: self._stored_ms(queue, one))
        if at == len(offsets):
            return offsets[-1]
        before, after = offsets[max(at - 1, 0)], offsets[at]
        early_by = ms - self._stored_ms(queue, before)
        late_by = self._stored_ms(queue, after) - ms
        return before if early_by <= late_by else after

    def by_key(
        self, topic: str, key: str, most: int, begin_ms: int, end_ms: int
    ) -> list[Record]:
        """Return the newest messages with a key, in the order of the log.

        At most `most`, and never more than the settings allow.  The index knows hashes
        of keys only, so each message is asked for its own; others of the same hash take
        no one's place, as long as they are not more than the settings allow.
        """
        allowed = self._config.max_msgs_num_batch
        offsets = self._index.find(topic, key, allowed, begin_ms, end_ms)
        read = (self.record_at(offset) for offset in sorted(offsets))
        found = [one for one in read if one and _has_key(one, topic, key)]
        return found[max(0, len(found) - max(0, most)) :]


def _tell_damage(place: Place, entry: QueueEntry) -> None:
    topic, queue_id, queue_offset = place
    log.error(
        "message passed over, it or its queue entry is damaged topic=%s queue=%d "
        "queue_offset=%d offset=%d size=%d",
        topic.decode(),
        queue_id,
        queue_offset,
        entry.log_offset,
        entry.size,
    )


def _has_key(record: Record, topic: str, key: str) -> bool:
    return record.topic == topic and key in keys_of(properties_of(record))
