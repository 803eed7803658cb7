"""The store as the broker sees it: put, copy, dispatch, get, flush.

Source: DefaultMessageStore.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from rmqlab.errors import CorruptRecord, StoreError
from rmqlab.protocol import message as messages
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.record import Record
from rmqlab.settings import BrokerRole, StoreConfig
from rmqlab.store.checkpoint import Checkpoint
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.consume_queue import ConsumeQueue, QueueEntry
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.layout import StorePaths
from rmqlab.store.recovery import Recovered, cut_queues, recover
from rmqlab.store.results import Arrival, GetStatus, Got, Put, PutStatus

log = logging.getLogger(__name__)

WINDOW_ENTRIES = 800
"""Looked at by one read.  Source: DefaultMessageStore.getMessage (16,000 bytes)."""

DISPATCH_AT_ONCE = 1000
"""Records in one step of the dispatcher, so that others have their turn."""


class MessageStore:
    """One broker's files.  Open it before anything else, close it at the end."""

    def __init__(self, config: StoreConfig, paths: StorePaths, disk: Disk) -> None:
        self.config, self.paths = config, paths
        self._disk = disk
        self._delays = DelayLevels(config.message_delay_level)
        self._pool = FilePool(disk)
        self.log = CommitLog(
            disk, self._pool, paths.commit_log, config.mapped_file_size_commit_log
        )
        self.dispatched = 0
        """Log offset up to which queues know the log."""
        self.on_append: list[Callable[[], None]] = []
        """Told, without waiting, that the log grew."""
        self._queues: dict[tuple[str, int], ConsumeQueue] = {}
        self._next: dict[tuple[str, int], int] = {}
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
            self._load_queues()
            self.checkpoint = Checkpoint(self._disk, self.paths.checkpoint)
            opened.callback(self.checkpoint.close)
            found = self._recover(was_crash=was_crash)
            self._disk.open(self.paths.abort, 0).close()
            self._opened = opened.pop_all()
        self._is_open = True
        log.info("store open end=%d crash=%s", found.end, was_crash)
        return found

    def _recover(self, *, was_crash: bool) -> Recovered:
        queues = self._queues.values()
        found = recover(
            self.log,
            self.checkpoint,
            list(queues),
            was_crash=was_crash,
            check_crc=self.config.check_c_r_c_on_recover,
            offer=self._enter,
        )
        cut_queues(queues, self.log)
        self.dispatched = max([self.log.start, *(queue.log_end for queue in queues)])
        while self.dispatch():
            pass
        return found

    def _load_queues(self) -> None:
        for topic in self._disk.names(self.paths.consume_queues):
            folder = f"{self.paths.consume_queues}/{topic}"
            for queue_id in self._disk.names(folder):
                if not (queue_id.isascii() and queue_id.isdecimal()):
                    raise StoreError(
                        f"{folder}/{queue_id} is no queue: move it elsewhere"
                    )
                queue = self._queue(topic, int(queue_id))
                queue.files.load()
                queue.recover()

    def _queue(self, topic: str, queue_id: int) -> ConsumeQueue:
        queue = self._queues.get((topic, queue_id))
        if queue is None:
            folder = self.paths.consume_queue(topic, queue_id)
            size = self.config.mapped_file_size_consume_queue
            queue = ConsumeQueue(self._disk, self._pool, folder, size)
            self._queues[topic, queue_id] = queue
        return queue

    def put(self, record: Record) -> Put:
        """Append the message; its offsets are set on the way.

        Raises:
            DiskFull, StoreError: it is not in the log.
        """
        if not self._is_open or self.config.broker_role is BrokerRole.SLAVE:
            return Put(PutStatus.SERVICE_NOT_AVAILABLE)
        if (
            len(record.topic) > messages.MAX_TOPIC_LENGTH
            or len(record.properties) > messages.MAX_PROPERTIES_BYTES
            or len(record.body) > self.config.max_message_size
            or not self.log.fits(record)
        ):
            return Put(PutStatus.MESSAGE_ILLEGAL)
        key = record.topic, record.queue_id
        following = self._next.get(key, self.max_offset(*key))
        record.queue_offset = following if _is_queued(record) else 0
        self.log.append(record)
        self._next[key] = following + _is_queued(record)
        self._grew()
        return Put(PutStatus.PUT_OK, record)

    def copy(self, offset: int, data: bytes) -> None:
        """Append bytes of the master's log; see `CommitLog.copy`."""
        if self._is_open:
            self.log.copy(offset, data)
            self._grew()

    def _grew(self) -> None:
        for told in self.on_append:
            told()

    def dispatch(self) -> list[Arrival]:
        """Enter the next records of the log into their queues; return which.

        Raises:
            CorruptRecord: the log is damaged here; nothing after it becomes readable.
            DiskFull, StoreError: a queue could not be written; call again later.
        """
        arrivals: list[Arrival] = []
        self.dispatched = max(self.dispatched, self.log.start)  # a slave starts late
        for record in self.log.scan(self.dispatched):
            if arrival := self._enter(record):
                arrivals.append(arrival)
            self.dispatched = record.physical_offset + record.size
            self.log.last_stored_at = record.store_timestamp
            if len(arrivals) >= DISPATCH_AT_ONCE:
                break
        return arrivals

    def _enter(self, record: Record) -> Arrival | None:
        if not _is_queued(record):
            return None
        properties = messages.split_properties(
            record.properties.decode("utf-8", "replace")
        )
        code = self._delays.entry_code(record.topic, properties, record.store_timestamp)
        entry = QueueEntry(record.physical_offset, record.size, code)
        if not self._queue(record.topic, record.queue_id).put(
            record.queue_offset, entry
        ):
            return None
        return Arrival(record.topic, record.queue_id, record.queue_offset + 1, code)

    def min_offset(self, topic: str, queue_id: int) -> int:
        """Return the offset of the oldest message of a queue; 0 for an unknown one."""
        queue = self._queues.get((topic, queue_id))
        return queue.min_offset if queue else 0

    def max_offset(self, topic: str, queue_id: int) -> int:
        """Return the offset that the next readable message of a queue will have."""
        queue = self._queues.get((topic, queue_id))
        return queue.max_offset if queue else 0

    def get(
        self,
        topic: str,
        queue_id: int,
        offset: int,
        limit: int,
        wants_code: Callable[[int], bool],
    ) -> Got:
        """Return up to `limit` messages from queue offset `offset` on.

        Never more than the settings' bytes and messages at once, but always one.
        """
        queue = self._queues.get((topic, queue_id))
        if queue is None:
            return Got(GetStatus.NO_MATCHED_LOGIC_QUEUE, 0, 0, 0)
        low, high = queue.min_offset, queue.max_offset
        if high == 0:
            return Got(GetStatus.NO_MESSAGE_IN_QUEUE, 0, low, high)
        if offset < low:
            return Got(GetStatus.OFFSET_TOO_SMALL, low, low, high)
        if offset == high:
            return Got(GetStatus.OFFSET_OVERFLOW_ONE, offset, low, high)
        if offset > high:
            return Got(GetStatus.OFFSET_OVERFLOW_BADLY, high, low, high)
        found, scanned = self._wanted(queue, offset, limit, wants_code)
        status = GetStatus.FOUND if found else GetStatus.NO_MATCHED_MESSAGE
        return Got(status, offset + scanned, low, high, tuple(found))

    def _wanted(
        self,
        queue: ConsumeQueue,
        offset: int,
        limit: int,
        wants_code: Callable[[int], bool],
    ) -> tuple[list[bytes], int]:
        """Return the records and how many entries were looked at for them."""
        found: list[bytes] = []
        limit = min(limit, self.config.max_transfer_count_on_message_in_memory)
        room = self.config.max_transfer_bytes_on_message_in_memory
        scanned = 0
        for entry in queue.entries(offset, WINDOW_ENTRIES):
            if found and (len(found) >= limit or entry.size > room):
                break
            scanned += 1
            if wants_code(entry.tags_code):
                found.append(self.log.read(entry.log_offset, entry.size))
                room -= entry.size
        return found, scanned

    def record_at(self, log_offset: int) -> Record | None:
        """Return the message that starts at this offset of the log, if one does."""
        if not self.log.start <= log_offset < self.log.end:
            return None
        try:
            return self.log.record_at(log_offset)
        except CorruptRecord:
            return None

    def stored_at(self, topic: str, queue_id: int, offset: int) -> int:
        """Return the store time of a queue's message in ms, 0 where it is not there."""
        queue = self._queues.get((topic, queue_id))
        entry = next(iter(queue.entries(offset, 1)), None) if queue else None
        found = self.record_at(entry.log_offset) if entry else None
        return found.store_timestamp if found else 0

    def queues(self) -> Iterator[tuple[str, int, ConsumeQueue]]:
        """Yield all queues that have or had a message."""
        for (topic, queue_id), queue in self._queues.items():
            yield topic, queue_id, queue

    async def flush_log(self) -> int:
        """Make the log survive a crash of the machine; return up to which offset."""
        stored_at = self.log.last_stored_at
        end = await self.log.files.flush()
        self.checkpoint.log_ms = stored_at
        return end

    async def flush_queues(self, least_pages: int = 0) -> None:
        """Flush each queue that has at least this many new pages of 4 KiB."""
        stored_at, behind = self.log.last_stored_at, False
        for queue in list(self._queues.values()):
            if queue.files.end - queue.files.flushed > least_pages * 4096:
                await queue.files.flush()
            behind = behind or queue.files.flushed < queue.files.end
        if not behind and self.dispatched == self.log.end:
            self.checkpoint.queues_ms = stored_at

    async def close(self) -> None:
        """Dispatch and flush everything, and say that this was no crash."""
        self._is_open = False
        while self.dispatch():
            pass
        await self.flush_log()
        await self.flush_queues()
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
