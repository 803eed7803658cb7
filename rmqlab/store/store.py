"""The store as the broker sees it: put, copy, dispatch, flush.

Every message goes into the log first.  `dispatch` then follows the log, record by
record, and enters each into its queue and into the index: only then can it be read.

Source: DefaultMessageStore.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice

from rmqlab.protocol import message as messages
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.record import Record, properties_of
from rmqlab.settings import BrokerRole, StoreConfig
from rmqlab.store.checkpoint import Checkpoint
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.consume_queue import QueueEntry
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.index import Index
from rmqlab.store.index_file import Shape
from rmqlab.store.layout import StorePaths
from rmqlab.store.queues import ConsumeQueues
from rmqlab.store.reading import Reading
from rmqlab.store.recovery import Recovered, cut_queues, recover
from rmqlab.store.results import Arrival, Put, PutStatus

log = logging.getLogger(__name__)

DISPATCH_AT_ONCE = 1000
"""Records in one step of the dispatcher, so that others have their turn."""


class MessageStore:
    """One broker's files.  Open it before anything else, close it at the end."""

    def __init__(self, config: StoreConfig, paths: StorePaths, disk: Disk) -> None:
        self.config, self.paths = config, paths
        self._disk, self._pool = disk, FilePool(disk)
        self._delays = DelayLevels(config.message_delay_level)
        self.log = CommitLog(
            disk, self._pool, paths.commit_log, config.mapped_file_size_commit_log
        )
        self.queues = ConsumeQueues(
            disk, self._pool, paths, config.mapped_file_size_consume_queue
        )
        shape = Shape(config.max_hash_slot_num, config.max_index_num)
        self.index = Index(disk, self._pool, paths.index, shape)
        self.reading = Reading(config, self.log, self.queues, self.index)
        self.dispatched = 0
        """Log offset up to which queues know the log."""
        self.indexed = 0
        """Log offset up to which the index knows it; behind where it is made anew."""
        self.on_append: list[Callable[[], None]] = []
        """Told, without waiting, that the log grew."""
        self._next: dict[tuple[str, int], int] = {}
        self._is_indexing = config.message_index_enable
        self._is_open = False

    def open(self) -> Recovered:
        """Load the files, repair what a crash left, and take the lock.

        Raises:
            StoreLocked: another broker has this store open.
            StoreError: the files are not of these settings.
        """
        with ExitStack() as opened:
            opened.callback(self._disk.lock(self.paths.lock).release)
            opened.callback(self._pool.close)
            was_crash = self._disk.size(self.paths.abort) is not None
            self.log.files.load()
            self.queues.load()
            self.checkpoint = Checkpoint(self._disk, self.paths.checkpoint)
            opened.callback(self.checkpoint.close)
            if self._is_indexing:
                self.index.load(self.checkpoint.index_ms if was_crash else None)
            found = self._recover(was_crash=was_crash)
            self._disk.open(self.paths.abort, 0).close()
            self._opened = opened.pop_all()
        self._is_open = True
        if found.damage:
            level = logging.ERROR if found.damage.sound_after else logging.WARNING
            log.log(level, "log cut %s", found.damage)
        log.info("store open end=%d crash=%s", found.end, was_crash)
        return found

    def _recover(self, *, was_crash: bool) -> Recovered:
        found = recover(
            self.log,
            self.checkpoint,
            self.queues,
            was_crash=was_crash,
            check_crc=self.config.check_c_r_c_on_recover,
            offer=lambda one: self._enter_queue(one, properties_of(one)),
        )
        cut_queues(self.queues, self.log)
        self.index.cut(found.end)
        self.dispatched = max([self.log.start, *(one.log_end for one in self.queues)])
        self.indexed = self.index.start_needed(self.log.start)
        while self.dispatch():
            pass
        self.catch_up_index()
        return found

    def put(self, record: Record) -> Put:
        """Append the message; its offsets are set on the way.

        Raises:
            DiskFull, StoreError: it is not in the log.
        """
        return self.put_batch([record])

    def put_batch(self, batch: Sequence[Record]) -> Put:
        """Append messages of one queue, all in one file of the log, or none of them.

        Raises:
            DiskFull, StoreError: none is in the log.
        """
        if not self._is_open or self.config.broker_role is BrokerRole.SLAVE:
            return Put(PutStatus.SERVICE_NOT_AVAILABLE)
        if not all(map(self._is_legal, batch)):
            return Put(PutStatus.MESSAGE_ILLEGAL)
        key = batch[0].topic, batch[0].queue_id
        following = self._next.get(key, self.queues.max_offset(*key))
        for record in batch:
            record.queue_offset = following if _is_queued(record) else 0
            following += _is_queued(record)
        if not self.log.append(batch):
            return Put(PutStatus.MESSAGE_ILLEGAL)
        self._next[key] = following
        self._grew()
        return Put(PutStatus.PUT_OK, batch[-1])

    def _is_legal(self, record: Record) -> bool:
        return (
            len(record.topic) <= messages.MAX_TOPIC_LENGTH
            and len(record.properties) <= messages.MAX_PROPERTIES_BYTES
            and len(record.body) <= self.config.max_message_size
        )

    def copy(self, offset: int, data: bytes) -> None:
        """Append bytes of the master's log; see `CommitLog.copy`."""
        if self._is_open:
            self.log.copy(offset, data)
            self._grew()

    def _grew(self) -> None:
        for told in self.on_append:
            told()

    def dispatch(self) -> list[Arrival]:
        """Enter the next records of the log into queues and index; return which.

        Raises:
            CorruptRecord: the log is damaged here; nothing after it becomes readable.
            DiskFull, StoreError: a file could not be written; call again later.
        """
        arrivals: list[Arrival] = []
        self._skip_missing()
        for record in self.log.scan(self.dispatched):
            properties = properties_of(record)
            end = record.physical_offset + record.size
            if arrival := self._enter_queue(record, properties):
                arrivals.append(arrival)
            if self._is_indexing and self.indexed == self.dispatched:
                self.index.enter(record, properties)
                self.indexed = end
            self.dispatched = end
            self.log.last_stored_at = record.store_timestamp
            if len(arrivals) >= DISPATCH_AT_ONCE:
                break
        self.index.save()
        return arrivals

    def _skip_missing(self) -> None:
        """Go on where the log starts: a slave's starts late, old files are removed."""
        self.dispatched = max(self.dispatched, self.log.start)
        self.indexed = max(self.indexed, self.log.start)

    def _enter_queue(
        self, record: Record, properties: Mapping[str, str]
    ) -> Arrival | None:
        if not _is_queued(record):
            return None
        code = self._delays.entry_code(record.topic, properties, record.store_timestamp)
        entry = QueueEntry(record.physical_offset, record.size, code)
        queue = record.topic, record.queue_id
        if not self.queues.put(*queue, record.queue_offset, entry):
            return None
        return Arrival(*queue, record.queue_offset + 1, code)

    def catch_up_index(self) -> bool:
        """Enter older records that the index lacks, some of them; return if any did.

        Where it was lost, or a crash may have damaged it, the index is made anew from
        the log, beside other work.

        Raises:
            CorruptRecord, DiskFull, StoreError: as `dispatch`.
        """
        before = self.indexed
        for record in islice(self.log.scan(before), DISPATCH_AT_ONCE):
            if not self._is_indexing or record.physical_offset >= self.dispatched:
                break
            self.index.enter(record, properties_of(record))
            self.indexed = record.physical_offset + record.size
        self.index.save()
        return self.indexed > before

    async def flush_log(self) -> int:
        """Make the log survive a crash of the machine; return up to which offset."""
        stored_at = self.log.last_stored_at
        end = await self.log.files.flush()
        self.checkpoint.log_ms = stored_at
        return end

    async def flush_queues(self, least_pages: int = 0) -> None:
        """Flush each queue that has at least this many new pages of 4 KiB."""
        stored_at = self.log.last_stored_at
        is_whole = await self.queues.flush(least_pages)
        if is_whole and self.dispatched == self.log.end:
            self.checkpoint.queues_ms = stored_at
        if (full_until := await self.index.flush_full()) is not None:
            self.checkpoint.index_ms = full_until

    async def close(self) -> None:
        """Dispatch and flush everything, and say that this was no crash."""
        self._is_open = False
        while self.dispatch():
            pass
        await self.flush_log()
        await self.flush_queues()
        await self.index.flush()
        await self.checkpoint.save()
        self._disk.remove(self.paths.abort)
        self.abandon()

    def abandon(self) -> None:
        """Close the files as a dying process would: nothing is flushed or removed."""
        self._is_open = False
        self._opened.close()


def _is_queued(record: Record) -> bool:
    """Whether a queue has an entry of it: not of one prepared or rolled back."""
    return not record.sys_flag & SysFlag.TRANSACTION_PREPARED
