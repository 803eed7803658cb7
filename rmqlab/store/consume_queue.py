"""One queue of one topic: where each of its messages lies in the commit log.

    ┌───────────────────┬─────────┬──────────────┐
    │ log offset     8B │ size 4B │ tag hash  8B │   20 bytes a message
    └───────────────────┴─────────┴──────────────┘

A queue offset counts messages: entry n is the queue's n-th message.  Where a queue's
first known message is not its first (a slave that started late), the file before it is
filled with entries of size 0x7FFFFFFF, which are no messages.

Not here: the messages (`commit_log`), filters beyond one tag (`broker.handlers.pull`).

Source: ConsumeQueue.java, release 4.9.7.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import NamedTuple

from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.file_queue import FileQueue
from rmqlab.store.layout import QUEUE_ENTRY

FILLER_SIZE = 0x7FFFFFFF
FILLER = QUEUE_ENTRY.pack(0, FILLER_SIZE, 0)
WINDOW_ENTRIES = 4096
"""Read at once while looking for an end."""


class QueueEntry(NamedTuple):
    """Where one message lies, and the hash of its tag."""

    log_offset: int
    size: int
    tags_code: int


Placed = tuple[int, QueueEntry]
"""An entry and its queue offset."""


class ConsumeQueue:
    """The entries of one queue.

    `min_offset` and `max_offset` are the queue offsets of the oldest message that is
    there and of the next one to come.
    """

    def __init__(self, disk: Disk, pool: FilePool, folder: str, file_size: int) -> None:
        whole = -(-file_size // QUEUE_ENTRY.size) * QUEUE_ENTRY.size
        self.files = FileQueue(disk, pool, folder, whole)
        self.min_offset = 0
        self._log_start = -1
        self.last: QueueEntry | None = None
        """Of the newest message."""

    @property
    def log_end(self) -> int:
        """End of the newest message's record in the log; -1 without any."""
        return self.last.log_offset + self.last.size if self.last else -1

    @property
    def max_offset(self) -> int:
        """The queue offset of the next message."""
        return self.files.end // QUEUE_ENTRY.size

    def put(self, placed: Iterable[Placed]) -> list[Placed]:
        """Add entries, each at its queue offset; return those that were new.

        A record is offered again where the log is read again: what is there stays.
        Entries that follow each other in a file are one write.

        Raises:
            DiskFull, StoreError: some may have been added; offer all of them again.
        """
        new = list(self._new(placed))
        start = 0
        while start < len(new):
            start += self._write_run(new[start:])
        return new

    def _write_run(self, new: list[Placed]) -> int:
        """Write the entries that follow the first one; return how many they are."""
        first, _ = new[0]
        if self.files.is_empty and first:
            self._fill(first)
        at = first * QUEUE_ENTRY.size
        room = self.files.left_in_file(at) // QUEUE_ENTRY.size
        run = [
            entry
            for place, (offset, entry) in enumerate(new[:room], start=first)
            if offset == place
        ]
        self.files.write(at, b"".join(QUEUE_ENTRY.pack(*entry) for entry in run))
        self.last = run[-1]
        return len(run)

    def _new(self, placed: Iterable[Placed]) -> Iterator[Placed]:
        log_end, following = self.log_end, self.max_offset
        for queue_offset, entry in placed:
            if entry.log_offset >= log_end and queue_offset >= following:
                log_end, following = entry.log_offset + entry.size, queue_offset + 1
                yield queue_offset, entry

    def _fill(self, queue_offset: int) -> None:
        at = queue_offset * QUEUE_ENTRY.size
        start = self.files.file_start(at)
        if at > start:
            self.files.write(start, FILLER * ((at - start) // QUEUE_ENTRY.size))
        self.min_offset = queue_offset

    def entries(self, queue_offset: int, count: int) -> list[QueueEntry]:
        """Return up to `count` entries from `queue_offset` on, of one file."""
        return list(self.walk(queue_offset, count))

    def walk(self, queue_offset: int, count: int) -> Iterator[QueueEntry]:
        """Yield up to `count` entries, each made when its turn comes."""
        size = QUEUE_ENTRY.size
        data = self.files.read(queue_offset * size, count * size)
        whole = len(data) - len(data) % size
        return map(QueueEntry._make, QUEUE_ENTRY.iter_unpack(data[:whole]))

    def recover(self) -> None:
        """Find the end: the first entry that is none, from the third-last file on."""
        if self.files.is_empty:
            return
        first = end = self.files.file_starts[-3:][0] // QUEUE_ENTRY.size
        window = WINDOW_ENTRIES * QUEUE_ENTRY.size
        while data := self.files.read(end * QUEUE_ENTRY.size, window):
            count = _count_entries(data)
            end += count
            if count < len(data) // QUEUE_ENTRY.size:
                break
        last = self.entries(end - 1, 1) if end > first else []
        self._end_at(end * QUEUE_ENTRY.size, last[0] if last else None)

    def cut_log(self, log_end: int) -> None:
        """Forget the entries of records that end beyond `log_end`."""
        first = self.files.start // QUEUE_ENTRY.size
        offsets = range(first, self.max_offset)
        end = first + bisect_right(offsets, log_end, key=self._log_end)
        last = self.entries(end - 1, 1) if end > first else []
        self._end_at(end * QUEUE_ENTRY.size, last[0] if last else None)

    def _log_end(self, queue_offset: int) -> int:
        """Return where a message's record ends; fillers before all messages."""
        (entry,) = self.entries(queue_offset, 1)
        return -1 if entry.size == FILLER_SIZE else entry.log_offset + entry.size

    def find_min(self, log_start: int) -> None:
        """Move `min_offset` to the first entry whose record is still in the log."""
        if log_start <= self._log_start:
            return
        self._log_start = log_start
        offsets = range(self.files.start // QUEUE_ENTRY.size, self.max_offset)
        at = bisect_left(offsets, log_start, key=self._log_offset)
        self.min_offset = offsets[at] if at < len(offsets) else self.max_offset

    def _log_offset(self, queue_offset: int) -> int:
        """Return where a message lies in the log; fillers before all messages."""
        (entry,) = self.entries(queue_offset, 1)
        return -1 if entry.size == FILLER_SIZE else entry.log_offset

    def drop_before(self, log_start: int) -> bool:
        """Remove the oldest file if all its records are older than the log's start.

        Never the last one.  Return whether there was one to remove.

        Raises:
            StoreError: the disk refused; call again.
        """
        following = self.files.start + self.files.file_size
        if following >= self.files.end:
            return False
        if self._log_offset(following // QUEUE_ENTRY.size - 1) >= log_start:
            return False
        self.files.drop_first()
        return True

    def _end_at(self, at: int, last: QueueEntry | None) -> None:
        self.files.truncate(at)
        self.last = None if last and last.size == FILLER_SIZE else last


def _count_entries(data: bytes) -> int:
    """Count the entries before the first that is none: of size 0, or negative.

    Column by column, for a broker looks at a million of them at its start.
    """
    sizes = [data[column :: QUEUE_ENTRY.size] for column in range(8, 12)]
    if not (data[:: QUEUE_ENTRY.size].isascii() and sizes[0].isascii()):
        found = QUEUE_ENTRY.iter_unpack(data)
        return sum(1 for _ in takewhile(lambda one: one[0] >= 0 < one[1], found))
    either = reduce(or_, map(int.from_bytes, sizes)).to_bytes(len(sizes[0]))
    return either.index(0) if 0 in either else len(either)
