"""One queue of one topic: where each of its messages lies in the commit log.

    ┌───────────────────┬─────────┬──────────────┐
    │ log offset     8B │ size 4B │ tag hash  8B │   20 bytes a message
    └───────────────────┴─────────┴──────────────┘

A queue offset counts messages: entry n is the queue's n-th message.  Where a queue's
first known message is not its first (a slave that started late), the file before it is
filled with entries of size 0x7FFFFFFF, which are no messages.  They also stand for
messages that are missing among others, as where a damaged record now names another
queue.  A record whose queue offset those after it contradict, or that is far off, is
itself the damaged one: the queue goes on without it.

Not here: the messages (`commit_log`), filters beyond one tag (`broker.handlers.pull`).

Source: ConsumeQueue.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain, pairwise, takewhile
from operator import or_
from typing import NamedTuple, cast

from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.file_queue import FileQueue
from rmqlab.store.layout import QUEUE_ENTRY

log = logging.getLogger(__name__)

FILLER_SIZE = 0x7FFFFFFF
FILLER = QUEUE_ENTRY.pack(0, FILLER_SIZE, 0)
LEAST_AT_ONCE, MOST_AT_ONCE = 128, 4096
"""Entries read while looking for an end: of ever more, for most queues are short."""
FEW_MISSING, MOST_MISSING = 100, 10_000
"""So many messages in a row may be missing among others: few, where only one message
says so, which may itself be damaged; most, where the one after it says the same."""
MOST_OFFSET = (1 << 63) // QUEUE_ENTRY.size
"""A queue's bytes are counted in 63 bits."""


class QueueEntry(NamedTuple):
    """Where one message lies, and the hash of its tag."""

    log_offset: int
    size: int
    tags_code: int


NO_MESSAGE = QueueEntry(-1, 0, 0)
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
        self.is_odd = False
        """Whether a message came that does not follow those that are there."""
        self._folder = folder

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
        at = first * QUEUE_ENTRY.size
        if self.files.is_empty:
            self.is_odd = self.is_odd or first != self.max_offset
            self._fill(self.files.file_start(at), at)
            self.min_offset = first
        else:
            self._fill(self.files.end, at)
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
        following, is_first = self.max_offset, self.files.is_empty
        each: Iterable[Placed | None] = chain(placed, [None])
        for one, later in pairwise(each):
            at, entry = cast("Placed", one)
            is_known, is_ahead = at < following and not is_first, at > following
            most = MOST_OFFSET if is_first else following + _most_missing(at, later)
            if not 0 <= at <= most or (is_ahead and later and later[0] <= at):
                self._tell("does not take", at, entry)
            elif is_known and self._has_other(at, entry):
                self._tell("has another message in place of", at, entry)
            elif not is_known:
                if is_ahead and not is_first:
                    self._tell(f"lacks the messages from {following} to", at, entry)
                following, is_first = at + 1, False
                yield at, entry

    def _has_other(self, queue_offset: int, entry: QueueEntry) -> bool:
        is_there = queue_offset * QUEUE_ENTRY.size >= self.files.start
        return is_there and self.entries(queue_offset, 1) != [entry]

    def _tell(self, what: str, queue_offset: int, entry: QueueEntry) -> None:
        self.is_odd = True
        place = f"number {queue_offset}, in the log at {entry.log_offset}"
        log.error("%s %s %s", self._folder, what, place)

    def _fill(self, at: int, end: int) -> None:
        while at < end:
            size = min(end - at, self.files.left_in_file(at))
            self.files.write(at, FILLER * (size // QUEUE_ENTRY.size))
            at += size

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
        size, at_once = QUEUE_ENTRY.size, LEAST_AT_ONCE
        end = self.files.file_starts[-3:][0] // size
        while data := self.files.read(end * size, at_once * size):
            count = _count_entries(data)
            end += count
            if count < len(data) // size:
                break
            at_once = min(2 * at_once, MOST_AT_ONCE)
        self._end_at(end)

    def cut_log(self, log_end: int) -> bool:
        """Forget the entries of records that end beyond `log_end`; return if any did.

        Raises:
            StoreError: the disk refused.
        """
        is_longer = self.log_end > log_end
        if self.last and not is_longer:
            return False  # most queues, at most starts: no file is opened for them
        self._end_at(self._first_beyond(log_end))
        return is_longer

    def count_before(self, log_end: int) -> int:
        """Return how many messages there are, or were, that end at `log_end` or before.

        In other words, the queue offset of the first one after that.
        """
        if self.log_end <= log_end:
            return self.max_offset
        return self._first_beyond(log_end)

    def _first_beyond(self, log_end: int) -> int:
        first = self.files.start // QUEUE_ENTRY.size
        offsets = range(first, self.max_offset)
        return first + bisect_right(offsets, log_end, key=self._log_end)

    def _log_end(self, queue_offset: int) -> int:
        """Return where a message's record ends; see `_message` of fillers."""
        entry = self._message(queue_offset)
        return entry.log_offset + entry.size

    def find_min(self, log_start: int) -> None:
        """Move `min_offset` to the first entry whose record is still in the log."""
        if log_start <= self._log_start:
            return
        self._log_start = log_start
        offsets = range(self.files.start // QUEUE_ENTRY.size, self.max_offset)
        first = self.entries(offsets.start, 1)
        if log_start == 0 and first and first[0].size != FILLER_SIZE:
            self.min_offset = offsets.start  # be it damaged: who reads it is told so
            return
        at = bisect_left(offsets, log_start, key=self._log_offset)
        self.min_offset = offsets[at] if at < len(offsets) else self.max_offset

    def _log_offset(self, queue_offset: int) -> int:
        """Return where a message lies in the log; see `_message` of fillers."""
        return self._message(queue_offset).log_offset

    def _message(self, queue_offset: int) -> QueueEntry:
        """Return an entry; in place of one that is no message's, the one before it.

        Fillers at the queue's start are before all messages.
        """
        size = QUEUE_ENTRY.size
        first = end = queue_offset + 1
        least = max(self.files.start // size, queue_offset - MOST_MISSING)
        while end > least:
            # The entry itself, and only where it is none the ones before, by files.
            in_file = self.files.file_start((end - 1) * size) // size
            first = queue_offset if end > queue_offset else max(least, in_file)
            data = self.files.read(first * size, (end - first) * size)
            if data != FILLER * (
                end - first
            ):  # as a slave has very many that came late
                entries = map(QueueEntry._make, QUEUE_ENTRY.iter_unpack(data))
                if found := next(filter(_is_message, reversed(list(entries))), None):
                    return found
            end = first
        return NO_MESSAGE

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

    def _end_at(self, end: int) -> None:
        """Forget the entries from a queue offset on; all, if only fillers are left."""
        first = self.files.start // QUEUE_ENTRY.size
        last = self._message(end - 1) if end > first else NO_MESSAGE
        has_any = last is not NO_MESSAGE
        self.files.truncate((end if has_any else first) * QUEUE_ENTRY.size)
        self.last = last if has_any else None


def _most_missing(queue_offset: int, later: Placed | None) -> int:
    is_confirmed = later is not None and later[0] == queue_offset + 1
    return MOST_MISSING if is_confirmed else FEW_MISSING


def _is_message(entry: QueueEntry) -> bool:
    return entry.size != FILLER_SIZE and entry.log_offset >= 0 < entry.size


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
