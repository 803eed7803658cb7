"""Every message of the broker, in the order of arrival.

    ┌────────┬────────┬─────────────┬─────┬──────────────────┐┌────────┬──
    │ record │ record │ record      │ ··· │ blank to the end ││ record │ …
    └────────┴────────┴─────────────┴─────┴──────────────────┘└────────┴──
     a file of mapped_file_size_commit_log bytes                the next file

A record never crosses from one file into the next: where it and eight bytes more do
not fit, the rest is a blank (see `protocol.record`).

Source: CommitLog.java, release 4.9.7.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence

from rmqlab.errors import CorruptRecord, StoreError
from rmqlab.protocol import record as records
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import is_legal_name
from rmqlab.protocol.record import Blank, Record
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.file_queue import FileQueue

BLANK = struct.Struct(">iI")  # bytes left in the file, BLANK_MAGIC
WINDOW_BYTES = 1 << 20
"""Read at once while scanning."""
PORTION_RECORDS, PORTION_BYTES = 1000, 1 << 20
"""At most in a portion of records, but for the one that exceeds it."""


class CommitLog:
    """The log's files as one sequence of bytes and of records."""

    def __init__(self, disk: Disk, pool: FilePool, folder: str, file_size: int) -> None:
        self.files = FileQueue(disk, pool, folder, file_size)
        self.last_stored_at = 0
        """Store time of the newest record, in ms."""

    @property
    def start(self) -> int:
        """Offset of the first byte that is there."""
        return self.files.start

    @property
    def end(self) -> int:
        """Offset of the next byte to be written."""
        return self.files.end

    def append(self, batch: Sequence[Record]) -> bool:
        """Write records, `physical_offset` and `size` of each set.

        They are in one file, and all of them or none is in the log.  Return False
        where no file has room for them and a blank's head, or no field for a number.

        Raises:
            DiskFull, StoreError: none is in the log.
        """
        try:
            data = _laid_out(batch, self.end)
        except struct.error:
            return False
        if len(data) + BLANK.size > self.files.file_size:
            return False
        left = self.files.left_in_file(self.end)
        if len(data) + BLANK.size > left:
            self._roll(left)
            data = _laid_out(batch, self.end)
        self.files.append(data)
        self.last_stored_at = batch[-1].store_timestamp
        return True

    def _roll(self, left: int) -> None:
        """Declare the rest of the file blank and go on at the next file's start."""
        at = self.end
        self.files.append(BLANK.pack(left, records.BLANK_MAGIC))
        self.files.end = at + left

    def copy(self, offset: int, data: bytes) -> None:
        """Write bytes of the master's log at the offset that they have there.

        They need not start or end with a record and are not looked at, but never
        cross a file's end.

        Raises:
            DiskFull, StoreError: nothing was added.
        """
        self.files.write(offset, data)

    def followed_ms(self) -> int | None:
        """Return when the first message after the oldest file was stored.

        Where the next file's first one is damaged, that of a later file counts.
        """
        for start in self.files.file_starts[1:]:
            with contextlib.suppress(CorruptRecord):
                return self.record_at(start).store_timestamp
        return None

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on, of one file, before the end."""
        return self.files.read(offset, size)

    def size_at(self, offset: int) -> int:
        """Return the size that the record at `offset` claims; 0 where none is."""
        return _size_at(self.read(offset, records.SIZE_AND_MAGIC.size), 0)

    def record_at(self, offset: int, *, check_crc: bool = False) -> Record:
        """Return the record that starts at `offset`.

        Raises:
            CorruptRecord: none does.
        """
        found = next(self.scan(offset, check_crc=check_crc), None)
        if found is None or found.physical_offset != offset:
            raise CorruptRecord(f"no message starts at offset {offset} of the log")
        return found

    def scan(self, offset: int, *, check_crc: bool = False) -> Iterator[Record]:
        """Yield the records from `offset` on; end where a whole one is not there yet.

        Raises:
            CorruptRecord: what starts at some offset is no record of this log.
            StoreError: it is one that only RocketMQ 5 reads.
        """
        window, window_at = b"", offset
        while offset < self.end:
            ahead = len(window) - (offset - window_at)
            if ahead < BLANK.size or ahead < _size_at(window, offset - window_at):
                window, window_at = self._window(offset), offset
                if self._is_cut(window, offset):
                    return
            try:
                found = records.decode(window, offset - window_at, check_crc=check_crc)
            except CorruptRecord as error:
                self._refuse_newer(window[offset - window_at :], offset)
                raise CorruptRecord(f"at offset {offset} of the log: {error}") from None
            if isinstance(found, Blank):
                offset += self.files.left_in_file(offset)
                window, window_at = b"", offset
                continue
            if why := fault_of(found, offset):
                raise CorruptRecord(f"at offset {offset} of the log: {why}")
            yield found
            offset += found.size

    def _refuse_newer(self, data: bytes, offset: int) -> None:
        if len(data) < records.HEAD.size:
            return
        _, magic, *_, at, _, _ = records.HEAD.unpack_from(data)
        if (magic, at) == (records.NEWER_MAGIC, offset):
            raise StoreError(
                f"at offset {offset} of the log is a message of RocketMQ 5 with a long "
                "topic name: open this store with RocketMQ 5, nothing was changed in "
                "its log"
            )

    def after_blank(self, offset: int) -> int:
        """Return the file's end where its blank starts at `offset`, else `offset`.

        A blank is content: slaves have it.
        """
        left = self.files.left_in_file(offset)
        blank = BLANK.pack(left, records.BLANK_MAGIC)
        is_blank = self.read(offset, BLANK.size) == blank
        return offset + left if is_blank else offset

    def _window(self, offset: int) -> bytes:
        """Return what follows `offset`, at least the whole record that starts there."""
        window = self.read(offset, WINDOW_BYTES)
        size = _size_at(window, 0)
        if len(window) < size <= self.files.left_in_file(offset):
            window = self.read(offset, size)
        return window

    def _is_cut(self, window: bytes, offset: int) -> bool:
        """Whether the record at `offset` is still being copied from a master."""
        if self.end == offset + self.files.left_in_file(offset):
            return False  # the file is complete: whatever this is stays as it is
        return len(window) < BLANK.size or (
            len(window) < _size_at(window, 0) <= self.files.left_in_file(offset)
        )


def fault_of(record: Record, offset: int) -> str:
    """Return why no log can have a record at this offset, "" where one can."""
    if record.physical_offset != offset:
        return f"a record that says it is at {record.physical_offset}"
    if not is_legal_name(record.topic):
        return f"no topic is named {record.topic!r}"
    if record.queue_id < 0:
        return f"no queue has the number {record.queue_id}"
    if record.queue_offset < 0:
        return f"no message is number {record.queue_offset} of its queue"
    if record.queue_offset and record.sys_flag & SysFlag.TRANSACTION_PREPARED:
        return f"a message in no queue says it is number {record.queue_offset} of one"
    return ""


def portions(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield records in lists of a bounded size, so that others have their turn.

    Raises:
        CorruptRecord: as `records` does; what came before was yielded.
    """
    portion: list[Record] = []
    size = 0
    try:
        for record in records:
            portion.append(record)
            size += record.size
            if len(portion) == PORTION_RECORDS or size >= PORTION_BYTES:
                yield portion
                portion, size = [], 0
    except CorruptRecord:
        if portion:
            yield portion
        raise
    if portion:
        yield portion


def _laid_out(batch: Sequence[Record], at: int) -> bytes:
    """Return the records' bytes, back to back from offset `at` on."""
    written = []
    for record in batch:
        record.physical_offset = at
        written.append(records.encode(record))
        at += record.size
    return b"".join(written)


def _size_at(window: bytes, at: int) -> int:
    """Return the size that the record at `at` claims; 0 where that is not there."""
    if len(window) - at < 4:
        return 0
    return int.from_bytes(window[at : at + 4], signed=True)
