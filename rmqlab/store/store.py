"""The store as the broker sees it: put, copy, dispatch, flush.

Every message goes into the log first.  `dispatch` then follows the log, record by
record, and enters each into its queue and into the index: only then can it be read.

Source: DefaultMessageStore.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from rmqlab.errors import StoreError
from rmqlab.protocol import message as messages
from rmqlab.protocol.record import Record
from rmqlab.settings import BrokerRole, StoreConfig
from rmqlab.store.checkpoint import Checkpoint, Queued
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.consume_queue import ConsumeQueue
from rmqlab.store.counts import Counts
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.following import Follower, is_queued
from rmqlab.store.index import Index
from rmqlab.store.index_file import Shape
from rmqlab.store.layout import StorePaths
from rmqlab.store.queues import ConsumeQueues
from rmqlab.store.reading import Reading
from rmqlab.store.recovery import Recovered, recover
from rmqlab.store.results import Arrival, Put, PutStatus
from rmqlab.store.retention import UNKNOWN, DiskUse

log = logging.getLogger(__name__)


class MessageStore:
    """One broker's files.  Open it before anything else, close it at the end."""

    def __init__(self, config: StoreConfig, paths: StorePaths, disk: Disk) -> None:
        self.config, self.paths = config, paths
        self._disk, self._pool = disk, FilePool(disk)
        self.log = CommitLog(
            disk, self._pool, paths.commit_log, config.mapped_file_size_commit_log
        )
        self.queues = ConsumeQueues(
            disk, self._pool, paths, config.mapped_file_size_consume_queue
        )
        shape = Shape(config.max_hash_slot_num, config.max_index_num)
        self.index = Index(disk, self._pool, paths.index, shape)
        self.counts = Counts()
        self.reading = Reading(config, self.log, self.queues, self.index)
        self.follower = Follower(config, self.log, self.queues, self.index)
        self.delays = self.follower.delays
        self.on_append: list[Callable[[], None]] = []
        """Told, without waiting, that the log grew."""
        self._next: dict[tuple[str, int], int] = {}
        self._is_open = False
        self.is_disk_full = False
        """Whether puts are refused until there is room again; see `retention`."""

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
            if self.config.message_index_enable:
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
            offer=self.follower.enter_queues,
        )
        self.index.cut(found.end)
        safe_ms = min(self.checkpoint.index_ms, self.index.last_update_ms)
        self.checkpoint.index_ms = safe_ms  # it vouches for files that are there
        self.follower.dispatched = max(self.log.start, self.queues.log_end)
        self.follower.indexed = self.index.start_needed(self.log.start)
        self.follower.dispatch_all()
        self.follower.catch_up_index()
        return found

    def put(self, record: Record) -> Put:
        """Append the message; its offsets are set on the way.

        One that asks for a delay goes to the schedule topic first.

        Raises:
            DiskFull, StoreError: it is not in the log.
        """
        self.delays.postpone(record)
        return self.put_batch([record])

    def put_batch(self, batch: Sequence[Record]) -> Put:
        """Append messages of one queue, all in one file of the log, or none of them.

        They go to the queue that they name, at once.

        Raises:
            DiskFull, StoreError: none is in the log.
        """
        self.counts.failed_puts += len(batch)  # until they are in the log
        if not self._takes_messages:
            return Put(PutStatus.SERVICE_NOT_AVAILABLE)
        if not all(map(self._is_legal, batch)):
            return Put(PutStatus.MESSAGE_ILLEGAL)
        key = batch[0].topic, batch[0].queue_id
        following = self._next.get(key, self.queues.max_offset(*key))
        for record in batch:
            record.queue_offset = following if is_queued(record) else 0
            following += is_queued(record)
        if not self.log.append(batch):
            return Put(PutStatus.MESSAGE_ILLEGAL)
        self.counts.put(batch)
        self._next[key] = following
        self._grew()
        return Put(PutStatus.PUT_OK, batch[-1])

    @property
    def _takes_messages(self) -> bool:
        is_slave = self.config.broker_role is BrokerRole.SLAVE
        return self._is_open and not is_slave and not self.is_disk_full

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

    @property
    def dispatched(self) -> int:
        """Log offset up to which messages can be read."""
        return self.follower.dispatched

    def dispatch(self) -> list[Arrival]:
        """Make the next portion of the log readable; see `Follower.dispatch`."""
        return self.follower.dispatch()

    def catch_up_index(self) -> bool:
        """Go on with an index that is made anew; see `Follower.catch_up_index`."""
        return self.follower.catch_up_index()

    def disk_use(self) -> DiskUse:
        """Return how full the disks are."""
        paths = self.paths.commit_log, self.paths.consume_queues, self.paths.index
        return DiskUse(*map(self._used_ratio, paths))

    def _used_ratio(self, path: str) -> float:
        try:
            return self._disk.used_ratio(path)
        except StoreError:
            return UNKNOWN

    def disk_room(self) -> tuple[int, int]:
        """Return the bytes of the log's disk: all there are, and those free.

        Raises:
            StoreError: it cannot be asked.
        """
        return self._disk.room(self.paths.commit_log)

    def drop_oldest_log_file(self) -> None:
        """Remove it, if it is not the last one; no queue shows its messages any more.

        Raises:
            StoreError: the disk refused; all is as it was.
        """
        self.log.files.drop_first()
        self.queues.log_start = self.log.start

    def drop_queues(self, goes: Callable[[str, ConsumeQueue], bool]) -> None:
        """Remove whole queues; given of each its topic and itself.

        A queue that comes into being again begins at offset 0.

        Raises:
            StoreError: the disk refused; some may be gone.
        """
        for key, queue in list(self.queues.items()):
            if goes(key[0], queue):
                self.checkpoint.forget_count()  # what is counted will not be there
                self.queues.drop(key)
                self._next.pop(key, None)

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
        if is_whole and not least_pages:  # then the checkpoint is saved, too
            count = self.queues.count_before(self.dispatched)
            self.checkpoint.queued = Queued(self.dispatched, count)
        if is_whole and self.dispatched == self.log.end:
            self.checkpoint.queues_ms = stored_at
        if (full_until := await self.index.flush_full()) is not None:
            self.checkpoint.index_ms = full_until

    async def close(self) -> None:
        """Dispatch and flush everything, and say that this was no crash.

        Raises:
            StoreError: something could not be done; the next start takes it for one.
        """
        self._is_open = False
        try:
            self.follower.dispatch_all()
            await self.flush_log()
            await self.flush_queues()
            await self.index.flush()
            await self.checkpoint.save()
            self._disk.remove(self.paths.abort)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the files as a dying process would: nothing is flushed or removed."""
        self._is_open = False
        self._opened.close()
