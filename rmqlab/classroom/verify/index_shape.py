"""How many slots and entries an index file has, found out from the file itself.

The file's size is 40 + 4 × slots + 20 × entries, which many shapes have.  But its
first entry is known: the hash of a key of the record at the header's begin offset, that
offset, no seconds, no entry before.  Where those bytes lie, the entries begin.

Without that record, the shape is the one of the settings' usual ratio: 1 slot to 4
entries.
"""

from __future__ import annotations

from collections.abc import Iterable

from rmqlab.classroom.verify.files import PIECE_BYTES, Files, Part
from rmqlab.classroom.verify.log_scan import LogReader
from rmqlab.errors import ConfigError
from rmqlab.protocol.message import keys_of
from rmqlab.protocol.record import Record, properties_of
from rmqlab.store.index_file import ENTRY, HEADER, MAX_INT, SLOT, Shape, key_hash

RATIO = 4


def hashes_of(record: Record) -> list[int]:
    """Return the hashes of a record's keys, in the order in which they are entered."""
    return [key_hash(record.topic, key) for key in keys_of(properties_of(record))]


def find_shape(files: Files, parts: Iterable[Part], reader: LogReader) -> Shape | None:
    """Return the shape of the first file that tells it; None where none does."""
    known = list(parts)
    for part in known:
        if shape := _from_first_entry(files, part, reader):
            return shape
    return next(filter(None, (_from_ratio(part.size) for part in known)), None)


def _from_first_entry(files: Files, part: Part, reader: LogReader) -> Shape | None:
    if part.size < HEADER.size:
        return None
    header = HEADER.unpack(files.read(part.path, 0, HEADER.size))
    record = reader.record_at(header[2])
    if record is None:
        return None
    for one in hashes_of(record):
        at = _find(files, part, ENTRY.pack(one, record.physical_offset, 0, 0)[:12])
        if at is not None and (shape := _shape_with(part.size, at)):
            return shape
    return None


def _find(files: Files, part: Part, wanted: bytes) -> int | None:
    at = HEADER.size
    while at < part.size:
        found = files.read(part.path, at, PIECE_BYTES + len(wanted)).find(wanted)
        if found >= 0:
            return at + found
        at += PIECE_BYTES
    return None


def _shape_with(size: int, first_entry_at: int) -> Shape | None:
    slots, odd = divmod(first_entry_at - ENTRY.size - HEADER.size, SLOT.size)
    entries, rest = divmod(size - first_entry_at, ENTRY.size)
    return None if odd or rest else _shape(slots, entries + 1)


def _from_ratio(size: int) -> Shape | None:
    slots, rest = divmod(size - HEADER.size, SLOT.size + RATIO * ENTRY.size)
    return None if rest else _shape(slots, RATIO * slots)


def _shape(slots: int, entries: int) -> Shape | None:
    try:
        return Shape(slots, min(entries, MAX_INT))
    except ConfigError:
        return None
