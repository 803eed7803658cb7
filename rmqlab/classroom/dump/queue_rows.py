"""A consume queue as rows: each entry, and the fillers before the first message.

The queue ends at the first entry that was never written.  In SCHEDULE_TOPIC_XXXX the
tags code of an entry is the time at which its message is due.  A damaged entry ends the
rows unless all bytes are asked for: those behind it have their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rmqlab.classroom.dump.numbered import NumberedFile, Window, check_reach
from rmqlab.classroom.dump.rows import Row, damage
from rmqlab.classroom.looking import Shelf
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.consume_queue import FILLER_SIZE, QueueEntry
from rmqlab.store.layout import QUEUE_ENTRY

NOTHING = QueueEntry(0, 0, 0)


class Found(NamedTuple):
    """An entry, and where it was found."""

    file: NumberedFile
    number: int
    entry: QueueEntry

    @property
    def position(self) -> int:
        """Its first byte in the file."""
        return self.number * QUEUE_ENTRY.size - self.file.start

    @property
    def is_filler(self) -> bool:
        """Whether it only fills the place of a message that never was here."""
        return self.entry == QueueEntry(0, FILLER_SIZE, 0)

    @property
    def is_damage(self) -> bool:
        """Whether no record can be where it points."""
        return self.entry.log_offset < 0 or self.entry.size <= 0


class QueueReader:
    """Reads the files of one queue; topic and queue id may be unknown."""

    def __init__(
        self,
        shelf: Shelf,
        files: list[NumberedFile],
        topic: str | None = None,
        queue_id: int | None = None,
        *,
        all_bytes: bool = False,
    ) -> None:
        self.files = files
        self._shelf, self._all_bytes = shelf, all_bytes
        self._of = {"topic": topic, "queue_id": queue_id}
        self._next = _first(files[0])

    @property
    def is_complete(self) -> bool:
        """See `Reader.is_complete`."""
        return self._next >= _end(self.files[-1])

    def go_to(self, number: int) -> None:
        """See `Reader.go_to`; a number is a queue offset."""
        check_reach(self.files, number, QUEUE_ENTRY.size, "queue offset")
        file = next(one for one in self.files if number < _end(one))
        self._next = max(number, _first(file))

    def go_to_last(self, count: int) -> None:
        """See `Reader.go_to_last`."""
        self._next = _first(self.files[0])
        for file in reversed(self.files):
            if written := self.written(file):
                self._next = max(self._next, _first(file) + written - count)
                return

    def written(self, file: NumberedFile) -> int:
        """Return how many entries a file has."""
        return sum(1 for _ in self._entries_of(file, _first(file)))

    def rows(self) -> Iterator[Row]:
        """See `Reader.rows`; fillers that follow each other are one row."""
        for is_filler, run in groupby(self._entries(), lambda one: one.is_filler):
            if is_filler:
                first = next(run)
                yield self._fillers(first, 1 + sum(1 for _ in run))
            else:
                yield from map(self._row, run)

    def _entries(self) -> Iterator[Found]:
        for file in self.files:
            if _end(file) <= self._next:
                continue
            self._next = max(self._next, _first(file))
            for found in self._entries_of(file, self._next):
                if not found.is_damage or self._all_bytes:
                    self._next = found.number + 1
                yield found
                if self._next == found.number:
                    return
            if self._next < _end(file):
                return

    def _entries_of(self, file: NumberedFile, number: int) -> Iterator[Found]:
        """Yield a file's entries, from one on, up to the first that was not written."""
        window = Window(self._shelf, file.path)
        for one in range(number, _end(file)):
            position = one * QUEUE_ENTRY.size - file.start
            here = window.reach(position, QUEUE_ENTRY.size)
            if len(window.data) - here < QUEUE_ENTRY.size:
                return  # it was cut off just now
            entry = QueueEntry(*QUEUE_ENTRY.unpack_from(window.data, here))
            if entry == NOTHING:
                return
            yield Found(file, one, entry)

    def _row(self, found: Found) -> Row:
        entry, path = found.entry, found.file.path
        if found.is_damage:
            problem = (
                f"an entry of offset {entry.log_offset} and size {entry.size}: neither "
                "may be negative, and a record has a size"
            )
            return damage(
                path,
                found.position,
                problem,
                number=found.number,
                length=QUEUE_ENTRY.size,
            )
        facts = {
            **self._of,
            "queue_offset": found.number,
            "physical_offset": entry.log_offset,
            "size": entry.size,
            "tags_code": entry.tags_code,
        }
        if self._of["topic"] == SCHEDULE_TOPIC:
            facts["deliver_timestamp"] = entry.tags_code
        where = path, found.position, QUEUE_ENTRY.size
        return Row("queue_entry", *where, facts, found.number)

    def _fillers(self, first: Found, count: int) -> Row:
        facts = {**self._of, "queue_offset": first.number, "count": count}
        where = first.file.path, first.position, count * QUEUE_ENTRY.size
        return Row("filler", *where, facts, first.number)


def _first(file: NumberedFile) -> int:
    return -(-file.start // QUEUE_ENTRY.size)


def _end(file: NumberedFile) -> int:
    return file.end // QUEUE_ENTRY.size
