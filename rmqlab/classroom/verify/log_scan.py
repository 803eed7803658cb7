"""The commit log read from its first byte to its last, whatever lies there.

    ┌────────┬────────┬───────────┬────────┬───────┐┌────────┬──────────────
    │ record │ record │ unreadable│ record │ blank ││ record │ 0 0 0 0 0 0 …
    └────────┴────────┴───────────┴────────┴───────┘└────────┴──────────────
                       goes on at the next record             the rest

A broker stops at the first bytes that are no record.  Here the search goes on: what
says of itself, rightly, where in the log it is, is a record.

Not here: what the records should be (`log_check`).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from rmqlab.classroom.verify.files import PIECE_BYTES, Files, Part, Pieces, data_end
from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import FIXED_BYTES, HEAD, MAGIC, Blank, Record, decode
from rmqlab.store.commit_log import fault_of

_MAGIC = struct.pack(">I", MAGIC)
MAGIC_AT, OFFSET_AT = 4, 28
MOST_BYTES = 64 << 20
"""Of a record: a longer one is not believed."""
NEAR_BYTES = 1 << 16
"""Read at once around a record that is asked for by its offset."""
_OFFSET = struct.Struct(">q")


class Unreadable(NamedTuple):
    """Bytes of a file that are no record; `data` of them are up to the last not 0."""

    part: Part
    at: int
    size: int
    data: int
    why: str

    @property
    def offset(self) -> int:
        """Where it starts in the log."""
        return self.part.start + self.at


class OddBlank(NamedTuple):
    """A blank that says another length than what is left of its file."""

    part: Part
    at: int
    size: int


class Placed(NamedTuple):
    """A record, and the file that it is in."""

    part: Part
    record: Record


Piece = Placed | Unreadable | OddBlank


def scan(files: Files, part: Part) -> Iterator[Piece]:
    """Yield what a file of the log has, from its start to its end."""
    pieces = Pieces(files, part.path)
    at = 0
    while at < part.size:
        try:
            found = record_in(pieces, part, at, check_crc=True)
        except CorruptRecord as error:
            after = _next_record(files, part, at + 1)
            data = data_end(files, part.path, at, after) - at
            yield Unreadable(part, at, after - at, data, str(error))
            at = after
            continue
        if isinstance(found, Blank):
            if found.size != part.size - at:
                yield OddBlank(part, at, found.size)
            return
        yield Placed(part, found)
        at += found.size


def record_in(
    pieces: Pieces, part: Part, at: int, *, check_crc: bool
) -> Record | Blank:
    """Return what starts at byte `at` of a file of the log.

    Raises:
        CorruptRecord: no record of this place.
    """
    data, inside = pieces.at(at, HEAD.size)
    size = int.from_bytes(data[inside : inside + 4], signed=True)
    is_named = data[inside + MAGIC_AT : inside + MAGIC_AT + 4] == _MAGIC
    if is_named and FIXED_BYTES <= size <= min(part.size - at, MOST_BYTES):
        data, inside = pieces.at(at, size)
    found = decode(data, inside, check_crc=check_crc)
    if isinstance(found, Blank):
        return found
    if why := fault_of(found, part.start + at):
        raise CorruptRecord(why)
    return found


def _next_record(files: Files, part: Part, at: int) -> int:
    """Return where the next record starts that is where it says; else the end."""
    pieces = Pieces(files, part.path)
    while at < part.size:
        data = files.read(part.path, at, PIECE_BYTES + HEAD.size)
        if not data:
            return part.size
        for inside in _candidates(data, part.start + at):
            try:
                record_in(pieces, part, at + inside, check_crc=False)
            except CorruptRecord:
                continue
            return at + inside
        at += PIECE_BYTES
    return part.size


def _candidates(data: bytes, offset: int) -> Iterator[int]:
    """Yield where in `data`, which is at `offset` of the log, a record may start."""
    found = data.find(_MAGIC)
    while found >= 0:
        start = found - MAGIC_AT
        if start >= 0 and start + HEAD.size <= len(data):
            (said,) = _OFFSET.unpack_from(data, start + OFFSET_AT)
            if said == offset + start:
                yield start
        found = data.find(_MAGIC, found + 1)


class LogReader:
    """Records by their offset in the log, best asked for in ascending order."""

    def __init__(self, files: Files, parts: list[Part]) -> None:
        self._files, self._parts = files, parts
        self._starts = [part.start for part in parts]
        self._pieces: Pieces | None = None
        self._part: Part | None = None

    def record_at(self, offset: int) -> Record | None:
        """Return the record that starts at `offset`, whole and sound; else None."""
        found = bisect_right(self._starts, offset) - 1
        if found < 0 or offset >= self._parts[found].end:
            return None
        part = self._parts[found]
        if self._pieces is None or part is not self._part:
            self._part = part
            self._pieces = Pieces(self._files, part.path, NEAR_BYTES)
        try:
            record = record_in(self._pieces, part, offset - part.start, check_crc=True)
        except CorruptRecord:
            return None
        return record if isinstance(record, Record) else None
