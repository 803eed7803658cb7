"""Follows the log, record by record, into the queues and into the index.

    log      ─┬─────────────┬───────────────────┬──►
           indexed      dispatched             end

Only what was entered can be read.  The two go on together, portion by portion; where
the index is made anew it lags behind, and catches up beside other work.

Source: DefaultMessageStore.ReputMessageService, release 4.9.7.
"""

from __future__ import annotations

from itertools import takewhile

from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.record import Record, properties_of
from rmqlab.settings import StoreConfig
from rmqlab.store.commit_log import CommitLog, portions
from rmqlab.store.consume_queue import Placed, QueueEntry
from rmqlab.store.damage import readable
from rmqlab.store.index import Index
from rmqlab.store.queues import ConsumeQueues
from rmqlab.store.results import Arrival


class Follower:
    """What is entered next."""

    def __init__(
        self, config: StoreConfig, log: CommitLog, queues: ConsumeQueues, index: Index
    ) -> None:
        self._log, self._queues, self._index = log, queues, index
        self.delays = DelayLevels(config.message_delay_level)
        self._is_indexing = config.message_index_enable
        self.dispatched = 0
        """Log offset up to which the queues know the log."""
        self.indexed = 0
        """Log offset up to which the index knows it."""

    def dispatch(self) -> list[Arrival]:
        """Enter the next portion of the log into queues and index; return what arrived.

        Raises:
            CorruptRecord: the log is damaged here; nothing after it becomes readable.
            DiskFull, StoreError: a file could not be written; call again later.
        """
        self.dispatched = max(self.dispatched, self._log.start)  # a slave starts late
        batch = next(portions(self._log.scan(self.dispatched)), [])
        properties = [properties_of(one) for one in batch]
        arrivals = self._enter_queues(batch, properties)
        is_index_here = self.indexed >= self.dispatched
        self.dispatched = self._end_of(batch)
        if is_index_here:  # it may fail and lag behind: messages are readable
            self._enter_index(batch, properties)
            self.indexed = max(self.indexed, self.dispatched)
        return arrivals

    def _end_of(self, batch: list[Record]) -> int:
        """Return where to go on after the records, or after the blank without any."""
        if not batch:
            return self._log.after_blank(self.dispatched)
        self._log.last_stored_at = batch[-1].store_timestamp
        return batch[-1].physical_offset + batch[-1].size

    def dispatch_all(self) -> None:
        """Enter all that is there."""
        before = -1
        while before < self.dispatched:
            before = self.dispatched
            self.dispatch()

    def enter_queues(self, batch: list[Record]) -> None:
        """Enter records that recovery has read; what is there stays.

        Raises:
            DiskFull, StoreError: a queue could not be written.
        """
        self._enter_queues(batch, [properties_of(one) for one in batch])

    def _enter_queues(
        self, batch: list[Record], properties: list[dict[str, str]]
    ) -> list[Arrival]:
        by_queue: dict[tuple[str, int], list[Placed]] = {}
        by_place: dict[int, dict[str, str]] = {}
        for record, pairs in zip(batch, properties, strict=True):
            if not is_queued(record):
                continue
            code = self.delays.entry_code(record.topic, pairs, record.store_timestamp)
            entry = QueueEntry(record.physical_offset, record.size, code)
            placed = by_queue.setdefault((record.topic, record.queue_id), [])
            placed.append((record.queue_offset, entry))
            by_place[record.physical_offset] = pairs
        return [
            Arrival(*queue, offset + 1, entry.tags_code, by_place[entry.log_offset])
            for queue, placed in by_queue.items()
            for offset, entry in self._queues.put(*queue, placed)
        ]

    def _enter_index(
        self, batch: list[Record], properties: list[dict[str, str]]
    ) -> None:
        if self._is_indexing:
            for record, pairs in zip(batch, properties, strict=True):
                self._index.enter(record, pairs)
            self._index.save()

    def catch_up_index(self) -> bool:
        """Enter older records that the index lacks, some of them; return if any did.

        Raises:
            DiskFull, StoreError: a file could not be written; call again later.
        """
        self.indexed = max(self.indexed, self._log.start)
        if not self._is_indexing or self.indexed >= self.dispatched:
            return False
        older = takewhile(
            lambda one: one.physical_offset < self.dispatched,
            next(portions(readable(self._log, self.indexed)), []),
        )
        if batch := list(older):
            self._enter_index(batch, [properties_of(one) for one in batch])
            self.indexed = batch[-1].physical_offset + batch[-1].size
        else:
            self.indexed = self.dispatched  # what is between is blank or damaged
        return bool(batch)


def is_queued(record: Record) -> bool:
    """Whether a queue has an entry of it: not of one prepared or rolled back."""
    return not record.sys_flag & SysFlag.TRANSACTION_PREPARED
