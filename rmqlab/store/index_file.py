"""One file of the key index: a hash table on the disk, from key to log offset.

    ┌────────────┬─────────────────────────────┬─────────────────────────────┐
    │ header 40B │ slots, 4B each              │ entries, 20B each           │
    └────────────┴─────────────────────────────┴─────────────────────────────┘
                   number of the newest entry    │ key hash              4B  │
                   whose hash falls here,        │ log offset            8B  │
                   0 where there is none         │ seconds since begin   4B  │
                                                 │ entry before, or 0    4B  │

    header: begin and end time 8B + 8B, begin and end log offset 8B + 8B,
            used slots 4B, number of the next entry 4B (1 in an empty file)

    "orders#k1" ──hash──► slot 17 ──► entry 9 ──► entry 4 ──► 0    newest first

A chain holds all keys of its slot, and two keys may share a hash: who reads a record
found here compares its keys.  A chain leads to ever lower numbers; where a damaged one
does not, it ends.

Not here: which file, and what a record's keys are (`index`).  In RocketMQ the first
entry of a further file counts its seconds from the end of the file before: here it is
the file's begin, so 0.

Source: IndexFile.java, IndexHeader.java, release 4.9.7 (4.4 counts entries, not slots).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rmqlab.errors import ConfigError, StoreError
from rmqlab.protocol.message import java_hash
from rmqlab.store.file_pool import FilePool

HEADER = struct.Struct(">qqqqii")
SLOT = struct.Struct(">i")
ENTRY = struct.Struct(">iqii")

MAX_INT = (1 << 31) - 1
MAX_STEPS = 20_000
"""Along one chain: a key behind that many messages of another one is not found, but
the broker answers on."""


@dataclass(frozen=True)
class Shape:
    """How many slots and entries a file has; entry 0 is never used."""

    slots: int
    entries: int

    def __post_init__(self) -> None:
        """Refuse what no file can be made of.

        Raises:
            ConfigError: too few slots or entries, or too many for one file.
        """
        if self.slots < 1 or self.entries < 2 or self.file_bytes > MAX_INT:
            raise ConfigError(
                f"maxHashSlotNum={self.slots} and maxIndexNum={self.entries} make index"
                f" files of {self.file_bytes} bytes: allowed are at least 1 slot and "
                f"2 entries, and at most {MAX_INT} bytes"
            )

    @property
    def file_bytes(self) -> int:
        """The size of a file."""
        return self.entry_at(self.entries)

    def slot_at(self, key_hash: int) -> int:
        """Return where in the file the slot of a hash is."""
        return HEADER.size + key_hash % self.slots * SLOT.size

    def entry_at(self, number: int) -> int:
        """Return where in the file an entry is."""
        return HEADER.size + self.slots * SLOT.size + number * ENTRY.size


@dataclass(slots=True)
class Header:
    """What a file holds; times are store times in ms."""

    begin_ms: int = 0
    end_ms: int = 0
    begin_offset: int = 0
    end_offset: int = 0
    """Of the last record that was entered: where it starts."""
    slot_count: int = 0
    count: int = 1
    """The number that the next entry gets."""

    def to_bytes(self) -> bytes:
        """Return it as it lies in the file."""
        return HEADER.pack(
            self.begin_ms, self.end_ms, self.begin_offset, self.end_offset,
            self.slot_count, self.count,
        )  # fmt: skip


class Entry(NamedTuple):
    """One key of one message."""

    key_hash: int
    log_offset: int
    seconds: int
    previous: int


def key_hash(topic: str, key: str) -> int:
    """Return the hash by which a message of `topic` with `key` is found."""
    value = abs(java_hash(f"{topic}#{key}"))
    return value if value <= MAX_INT else 0  # Java has no positive of its least integer


class IndexFile:
    """A file at `path`, made where it is not; the header is in memory until `save`."""

    def __init__(self, pool: FilePool, path: str, shape: Shape) -> None:
        self.path, self.shape = path, shape
        self.is_flushed = False
        """Whether all of it survives a crash of the machine."""
        self.is_doubtful = False
        """Whether a flush failed: a later one vouches for nothing, see `unflushed`."""
        self._pool = pool
        self._saved = pool.file(path, shape.file_bytes).read(0, HEADER.size)
        self.header = Header(*HEADER.unpack(self._saved))
        self.header.count = self.header.count or 1
        self._entries: list[Entry] = []
        self._slots: dict[int, int] = {}
        """Not in the file yet: the newest entries, and slots by where they are."""

    @property
    def is_full(self) -> bool:
        """Whether it takes no further entry."""
        return self.header.count >= self.shape.entries

    @property
    def is_sound(self) -> bool:
        """Whether it has entries and a header that can be true."""
        header = self.header
        return (
            0 <= header.slot_count < header.count <= self.shape.entries
            and header.count > 1
            and 0 <= header.begin_offset <= header.end_offset
            and 0 <= header.begin_ms <= header.end_ms
        )

    def put(self, key_hash: int, log_offset: int, store_ms: int) -> bool:
        """Enter a key of the message at `log_offset`; return False where it is full.

        It can be found at once, and is in the file after `save`.
        """
        if self.is_full:
            return False
        header = self.header
        number, previous = header.count, self._newest(key_hash)
        begin_ms = store_ms if number == 1 else header.begin_ms
        seconds = max(0, min((store_ms - begin_ms) // 1000, MAX_INT))
        self._entries.append(Entry(key_hash, log_offset, seconds, previous))
        self._slots[self.shape.slot_at(key_hash)] = number
        self.is_flushed = False
        if number == 1:
            header.begin_ms, header.begin_offset = store_ms, log_offset
        header.end_ms, header.end_offset = max(header.end_ms, store_ms), log_offset
        header.slot_count += previous == 0
        header.count += 1
        return True

    def find(self, key_hash: int, most: int, begin_ms: int, end_ms: int) -> list[int]:
        """Return the log offsets of a hash, newest first, each once.

        Times are compared to the second, as entries have no more.

        Source: IndexFile.selectPhyOffset, release 4.9.7.
        """
        found: dict[int, None] = {}
        for entry in self._chain(key_hash):
            stored_ms = self.header.begin_ms + entry.seconds * 1000
            if len(found) >= most or stored_ms < begin_ms:
                break
            if entry.key_hash == key_hash and stored_ms <= end_ms:
                found[entry.log_offset] = None
        return list(found)

    def has(self, key_hash: int, log_offset: int) -> bool:
        """Whether a hash was entered for the newest message that has it."""
        same = (one for one in self._chain(key_hash) if one.key_hash == key_hash)
        newest = next(same, None)
        return newest is not None and newest.log_offset == log_offset

    def entry(self, number: int) -> Entry:
        """Return an entry by its number, from 1 on."""
        first_new = self.header.count - len(self._entries)
        if number >= first_new:
            return self._entries[number - first_new]
        file = self._pool.file(self.path, self.shape.file_bytes)
        return Entry(*ENTRY.unpack(file.read(self.shape.entry_at(number), ENTRY.size)))

    def _chain(self, key_hash: int) -> Iterator[Entry]:
        """Yield the entries of the hash's slot, newest first."""
        return islice(self._linked(self._newest(key_hash)), MAX_STEPS)

    def _linked(self, number: int) -> Iterator[Entry]:
        while number:
            entry = self.entry(number)
            yield entry
            number = entry.previous if 0 < entry.previous < number else 0

    def _newest(self, key_hash: int) -> int:
        """Return what the slot says, or 0 where that cannot be."""
        at = self.shape.slot_at(key_hash)
        number = self._slots.get(at)
        if number is None:
            file = self._pool.file(self.path, self.shape.file_bytes)
            (number,) = SLOT.unpack(file.read(at, SLOT.size))
        return number if 0 < number < self.header.count else 0

    def save(self) -> None:
        """Write what is new: entries, which lie side by side, slots, and the header.

        A slot comes after the entry that it leads to, so that a failure on the way
        spoils no chain.

        Raises:
            DiskFull, StoreError: call it again.
        """
        data = self.header.to_bytes()
        if data == self._saved:
            return
        file = self._pool.file(self.path, self.shape.file_bytes)
        if self._entries:
            first_new = self.header.count - len(self._entries)
            entries = b"".join(ENTRY.pack(*one) for one in self._entries)
            file.write(self.shape.entry_at(first_new), entries)
        for at, number in self._slots.items():
            file.write(at, SLOT.pack(number))
        file.write(0, data)
        self._saved, self._entries, self._slots = data, [], {}

    async def flush(self) -> None:
        """Make all of it survive a crash of the machine.

        Raises:
            DiskFull, StoreError: the disk refused; nothing is promised.
        """
        if self.is_flushed:
            return
        self.save()
        self.is_flushed = True  # unless an entry comes meanwhile
        try:
            await self._pool.flush(self.path, self.shape.file_bytes)
        except BaseException as error:
            self.is_flushed = False
            self.is_doubtful |= isinstance(error, StoreError)
            raise
