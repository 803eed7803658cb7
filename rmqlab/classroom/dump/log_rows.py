"""The commit log as rows: each record, and the blank at a file's end.

The log ends at the first byte that was never written.  Where bytes are damaged, it is
not known where the next record starts: there the rows end, unless all bytes are asked
for; then the next record that says its own place is looked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from rmqlab.classroom.dump.numbered import NumberedFile, Window, check_reach
from rmqlab.classroom.dump.record_facts import record_facts
from rmqlab.classroom.dump.rows import Row, damage
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import (
    BLANK_MAGIC,
    FIXED_BYTES,
    MAGIC,
    SIZE_AND_MAGIC,
    Blank,
    decode,
)

MAX_RECORD_BYTES = 64 << 20
"""Sixteen times what maxMessageSize is by default."""
MAGIC_BYTES = SIZE_AND_MAGIC.pack(0, MAGIC)[4:]
MAGIC_AT = 4


class Place(NamedTuple):
    """Where a record or a blank is in the log, by its first eight bytes only."""

    offset: int
    size: int
    is_blank: bool


def walk(shelf: Shelf, file: NumberedFile, offset: int) -> Iterator[Place]:
    """Yield the places of one file, from `offset` on, up to where there is none."""
    window = Window(shelf, file.path)
    while file.end - offset >= SIZE_AND_MAGIC.size:
        here = window.reach(offset - file.start, SIZE_AND_MAGIC.size)
        if len(window.data) - here < SIZE_AND_MAGIC.size:
            return  # it was cut off just now
        size, magic = SIZE_AND_MAGIC.unpack_from(window.data, here)
        if magic == BLANK_MAGIC:
            yield Place(offset, file.end - offset, is_blank=True)
            return
        if magic != MAGIC or not FIXED_BYTES <= size <= file.end - offset:
            return
        yield Place(offset, size, is_blank=False)
        offset += size


class LogReader:
    """Reads commit-log files, oldest first."""

    def __init__(
        self,
        shelf: Shelf,
        files: list[NumberedFile],
        at: int | None = None,
        *,
        all_bytes: bool = False,
    ) -> None:
        self.files = files
        self._shelf, self._all_bytes = shelf, all_bytes
        self._next = files[0].start if at is None else at

    @property
    def is_complete(self) -> bool:
        """See `Reader.is_complete`."""
        return self._next >= self.files[-1].end

    def go_to(self, number: int) -> None:
        """See `Reader.go_to`; a number is an offset in the log.

        Where no record starts at the offset, those before it show which is next.
        """
        check_reach(self.files, number, 1, "offset")
        file = next(one for one in self.files if number < one.end)
        if number <= file.start:
            self._next = file.start
            return
        here = self._row(Window(self._shelf, file.path), file, number)
        if here is not None and here.kind == "record":
            self._next = number
            return
        self._next = file.start
        for place in walk(self._shelf, file, file.start):
            if place.offset >= number:
                return
            self._next = place.offset + place.size

    def go_to_last(self, count: int) -> None:
        """See `Reader.go_to_last`; blanks are not counted."""
        for file in reversed(self.files):
            records = (
                place.offset
                for place in walk(self._shelf, file, file.start)
                if not place.is_blank
            )
            found = deque(records, maxlen=count)
            if found:
                self._next = found[0]
                count -= len(found)
            if not count:
                return

    def rows(self) -> Iterator[Row]:
        """See `Reader.rows`."""
        for file in self.files:
            if file.end <= self._next:
                continue
            if file.start > self._next:
                yield self._missing(file)
                if not self._all_bytes:
                    return
                self._next = file.start
            yield from self._rows_of(file)
            if self._next < file.end:
                return

    def _missing(self, file: NumberedFile) -> Row:
        lacking = file.start - self._next
        problem = f"no file has the {lacking} bytes of the log from {self._next} on"
        return damage(file.path, 0, problem, number=self._next)

    def _rows_of(self, file: NumberedFile) -> Iterator[Row]:
        window = Window(self._shelf, file.path)
        while self._next < file.end:
            row = self._row(window, file, self._next)
            if row is None or row.is_damage:
                row = self._passed_over(row, file) if self._all_bytes else row
                if row is not None:
                    yield row
                if not self._all_bytes:
                    return
                continue
            self._next += row.length
            yield row

    def _row(self, window: Window, file: NumberedFile, offset: int) -> Row | None:
        """Return what starts at an offset; None: nothing was written there."""
        position = offset - file.start
        try:
            return _read(window, file, position)
        except CorruptRecord:
            window.refresh(position, SIZE_AND_MAGIC.size)
        try:  # a running broker was just writing it, perhaps
            return _read(window, file, position)
        except CorruptRecord as error:
            size = int.from_bytes(window.data[:MAGIC_AT], signed=True)
            length = size if FIXED_BYTES <= size <= file.end - offset else 0
            return damage(file.path, position, str(error), number=offset, length=length)

    def _passed_over(self, row: Row | None, file: NumberedFile) -> Row | None:
        """Move to the next record of the file, or to its end, and say over what."""
        start = self._next
        self._next = self._plausible(file, start + 1)
        length = self._next - start
        if row is not None:
            return row._replace(length=length)
        if self._next == file.end:
            return None
        facts = {"physical_offset": start, "size": length}
        return Row("unwritten", file.path, start - file.start, length, facts, start)

    def _plausible(self, file: NumberedFile, offset: int) -> int:
        """Return where the next record is that says that it is there."""
        finder, window = (Window(self._shelf, file.path) for _ in range(2))
        for at in finder.find(MAGIC_BYTES, offset - file.start + MAGIC_AT):
            found = self._row(window, file, file.start + at - MAGIC_AT)
            if found is not None and found.kind == "record":
                return file.start + at - MAGIC_AT
        return file.end


def _read(window: Window, file: NumberedFile, position: int) -> Row | None:
    """Return the row at a file's position; None: nothing was written there.

    Raises:
        CorruptRecord: it is neither record nor blank, or that of another place.
    """
    left = file.size - position
    here = window.reach(position, SIZE_AND_MAGIC.size)
    head = window.data[here : here + SIZE_AND_MAGIC.size]
    if not any(head):
        return None
    size = int.from_bytes(head[:MAGIC_AT], signed=True)
    if head[MAGIC_AT:] == MAGIC_BYTES and FIXED_BYTES <= size <= left:
        if size > MAX_RECORD_BYTES:
            raise CorruptRecord(f"size {size}, read are at most {MAX_RECORD_BYTES}")
        here = window.reach(position, size)
    found, offset = decode(window.data, here), file.start + position
    if isinstance(found, Blank):
        if found.size != left:
            raise CorruptRecord(f"a blank of {found.size} bytes where {left} are left")
        facts = {"physical_offset": offset, "size": left}
        return Row("blank", file.path, position, left, facts, offset)
    if found.physical_offset != offset:
        raise CorruptRecord(
            f"a record that says its offset is {found.physical_offset}, at {offset}"
        )
    return Row("record", file.path, position, found.size, record_facts(found), offset)
