"""How many slots and entries an index file has, which the file itself does not say.

A broker knows it from maxHashSlotNum and maxIndexNum.  Who has only the file tries the
default proportion, and then whatever puts the first and the last entry where they point
at the records that the header names.
"""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.classroom.dump.numbered import WINDOW_BYTES
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import ConfigError, StoreError
from rmqlab.store.index_file import ENTRY, HEADER, SLOT, Entry, Header, Shape

ENTRIES_A_SLOT = 4
"""5,000,000 slots and 20,000,000 entries, by default."""
MOST_TRIED = 2000


def header_of(shelf: Shelf, path: str) -> Header:
    """Return a file's header.

    Raises:
        StoreError: the file is too short to have one.
    """
    data = shelf.read(path, 0, HEADER.size)
    if len(data) < HEADER.size:
        raise StoreError(
            f"{path} has {len(data)} bytes: an index file's header alone has "
            f"{HEADER.size}"
        )
    return Header(*HEADER.unpack(data))


def shape_of(shelf: Shelf, path: str, slots: int | None = None) -> Shape | None:
    """Return the shape of an index file; None where it has no entry to tell it by.

    Raises:
        StoreError: it cannot be found out, or the file has not so many `slots`.
    """
    size = shelf.size(path)
    if slots is not None:
        return _shape(path, size, slots)
    header = header_of(shelf, path)
    if header.count <= 1:
        return None
    found = next((one for one in _tries(shelf, path, size, header.count)), None)
    if found is None:
        raise StoreError(
            f"{path} has {size} bytes, and how many of them are slots cannot be told "
            "from what is in them: give its broker's maxHashSlotNum as --slots"
        )
    return found


def _shape(path: str, size: int, slots: int) -> Shape:
    left = size - HEADER.size - slots * SLOT.size
    try:
        shape = Shape(slots, left // ENTRY.size)
    except ConfigError as error:
        raise StoreError(f"{path} has {size} bytes: {error}") from None
    if left % ENTRY.size:
        raise StoreError(
            f"{path} has {size} bytes: behind {slots} slots there would be "
            f"{left / ENTRY.size:.1f} entries; maxHashSlotNum must be another number"
        )
    return shape


def _tries(shelf: Shelf, path: str, size: int, count: int) -> Iterator[Shape]:
    """Yield the shapes that agree with header, first and last entry."""
    for tried, slots in enumerate(_slots(shelf, path, size, count)):
        if tried == MOST_TRIED:
            return
        shape = Shape(slots, (size - HEADER.size - slots * SLOT.size) // ENTRY.size)
        if count <= shape.entries and _agrees(shelf, path, shape):
            yield shape


def _slots(shelf: Shelf, path: str, size: int, count: int) -> Iterator[int]:
    """Yield how many slots there may be: the usual number, then likelier ones first."""
    slots, rest = divmod(size - HEADER.size, SLOT.size + ENTRIES_A_SLOT * ENTRY.size)
    if slots > 0 and not rest:
        yield slots
    # The last byte that is not zero is of the last entry, or of one behind it that the
    # header does not know yet.
    last = _last_written(shelf, path, size)
    most = (last - HEADER.size - (count - 1) * ENTRY.size) // SLOT.size
    entry_slots = ENTRY.size // SLOT.size
    remainder = (size - HEADER.size) // SLOT.size % entry_slots
    yield from range(most - (most - remainder) % entry_slots, 0, -entry_slots)


def _last_written(shelf: Shelf, path: str, size: int) -> int:
    """Return where the last byte is that is not zero; -1 where all are."""
    for start in range((size - 1) // WINDOW_BYTES * WINDOW_BYTES, -1, -WINDOW_BYTES):
        written = shelf.read(path, start, WINDOW_BYTES).rstrip(b"\0")
        if written:
            return start + len(written) - 1
    return -1


def _agrees(shelf: Shelf, path: str, shape: Shape) -> bool:
    header = header_of(shelf, path)
    first, last = (
        Entry(*ENTRY.unpack(shelf.read(path, shape.entry_at(number), ENTRY.size)))
        for number in (1, header.count - 1)
    )
    slot = shelf.read(path, shape.slot_at(last.key_hash), SLOT.size)
    return (
        (first.log_offset, first.previous) == (header.begin_offset, 0)
        and last.log_offset == header.end_offset
        and SLOT.unpack(slot)[0] >= header.count - 1
    )
