"""An index file as rows: its header, the slots that are used, its entries.

A running broker may be ahead of the header that is on the disk: entries behind it are
shown as far as something is written there.
"""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.classroom.dump.index_shape import header_of, shape_of
from rmqlab.classroom.dump.numbered import Window
from rmqlab.classroom.dump.rows import Row, damage
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError
from rmqlab.store.index_file import ENTRY, HEADER, SLOT, Entry, Header, Shape

SLOTS_AT_ONCE = 1 << 16


class IndexReader:
    """Reads one index file; `with_slots`: the used slots, too."""

    def __init__(
        self,
        shelf: Shelf,
        path: str,
        slots: int | None = None,
        *,
        with_slots: bool = True,
        all_bytes: bool = False,
    ) -> None:
        self.path = path
        self._shelf, self._slots = shelf, slots
        self._with_slots, self._all_bytes = with_slots, all_bytes
        self._next = 1
        self._told_header = False

    @property
    def is_complete(self) -> bool:
        """See `Reader.is_complete`."""
        shape = self._shape()
        return shape is not None and self._next >= shape.entries

    def go_to(self, number: int) -> None:
        """See `Reader.go_to`; a number is that of an entry."""
        shape = self._shape()
        if shape is not None and number >= shape.entries:
            raise StoreError(
                f"entry {number} is behind the last one that {self.path} has room "
                f"for: {shape.entries - 1}"
            )
        self._next = max(1, number)

    def go_to_last(self, count: int) -> None:
        """See `Reader.go_to_last`."""
        shape = self._shape()
        if shape is not None:
            known = max(1, header_of(self._shelf, self.path).count - 1)
            beyond = sum(1 for _ in self._entries(shape, known))
            self._next = max(1, known + beyond - count)

    def rows(self) -> Iterator[Row]:
        """See `Reader.rows`; header and slots come the first time only."""
        header, shape = header_of(self._shelf, self.path), self._shape()
        if not self._told_header:
            self._told_header = True
            yield self._header(header, shape)
            if shape is not None and self._with_slots:
                yield from self._slot_rows(shape)
        if shape is None:
            return
        for number, entry in self._entries(shape, self._next):
            row = self._entry_row(shape, header, number, entry)
            if row.is_damage and not self._all_bytes:
                yield row
                return
            self._next = number + 1
            yield row

    def _shape(self) -> Shape | None:
        return shape_of(self._shelf, self.path, self._slots)

    def _header(self, header: Header, shape: Shape | None) -> Row:
        facts = {
            "begin_timestamp": header.begin_ms,
            "end_timestamp": header.end_ms,
            "begin_physical_offset": header.begin_offset,
            "end_physical_offset": header.end_offset,
            "hash_slot_count": header.slot_count,
            "index_count": header.count,
            "slots": shape and shape.slots,
            "entries": shape and shape.entries,
        }
        return Row("index_header", self.path, 0, HEADER.size, facts)

    def _slot_rows(self, shape: Shape) -> Iterator[Row]:
        for first in range(0, shape.slots, SLOTS_AT_ONCE):
            count = min(SLOTS_AT_ONCE, shape.slots - first)
            at = shape.slot_at(first)
            data = self._shelf.read(self.path, at, count * SLOT.size)
            if not any(data):
                continue
            for slot, (number,) in enumerate(SLOT.iter_unpack(data), start=first):
                if number:
                    yield self._slot_row(shape, slot, number)

    def _slot_row(self, shape: Shape, slot: int, number: int) -> Row:
        at = shape.slot_at(slot)
        if not 0 < number < shape.entries:
            problem = (
                f"slot {slot} names entry {number}, there are 1 to {shape.entries - 1}"
            )
            return damage(self.path, at, problem, length=SLOT.size)
        facts = {"slot": slot, "newest_index": number}
        return Row("index_slot", self.path, at, SLOT.size, facts)

    def _entries(self, shape: Shape, number: int) -> Iterator[tuple[int, Entry]]:
        """Yield what is written from an entry's number on."""
        count, window = (
            header_of(self._shelf, self.path).count,
            Window(self._shelf, self.path),
        )
        while number < shape.entries:
            here = window.reach(shape.entry_at(number), ENTRY.size)
            data = window.data[here : here + ENTRY.size]
            if len(data) < ENTRY.size or (number >= count and not any(data)):
                return
            yield number, Entry(*ENTRY.unpack(data))
            number += 1

    def _entry_row(
        self, shape: Shape, header: Header, number: int, entry: Entry
    ) -> Row:
        at = shape.entry_at(number)
        if not 0 <= entry.previous < number or min(entry[:3]) < 0:
            problem = (
                f"entry {number} has key hash {entry.key_hash}, offset "
                f"{entry.log_offset}, {entry.seconds} s and the entry before "
                f"{entry.previous}: none may be negative, the last is below {number}"
            )
            return damage(self.path, at, problem, number=number, length=ENTRY.size)
        facts = {
            "index": number,
            "key_hash": entry.key_hash,
            "slot": entry.key_hash % shape.slots,
            "physical_offset": entry.log_offset,
            "time_diff": entry.seconds,
            "store_timestamp": header.begin_ms + entry.seconds * 1000,
            "previous_index": entry.previous,
        }
        return Row("index_entry", self.path, at, ENTRY.size, facts, number)
