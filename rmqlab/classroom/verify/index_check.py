"""Every entry of the index: its record has such a key, and its chain leads to it.

    slot ──► newest entry ──► the one before ──► … ──► 0
             │ hash of one of the record's keys, and of this slot
             │ the record's log offset and its time

The file is read once, from its first entry on: what is then the newest of each slot
must be what the next of that slot calls the one before, and in the end what the slot
says.  That needs 4 bytes a slot, whatever number of entries there is.

Source: IndexFile.java, IndexHeader.java, releases 4.4.0 and 4.9.7.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator

from rmqlab.classroom.verify.files import PIECE_BYTES, Part
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder
from rmqlab.classroom.verify.index_shape import hashes_of
from rmqlab.classroom.verify.log_check import LogCheck
from rmqlab.classroom.verify.log_scan import LogReader
from rmqlab.store.index_file import ENTRY, HEADER, SLOT, Entry, Header, Shape

AT_ONCE = PIECE_BYTES // ENTRY.size


class IndexCheck:
    """Looks at all index files, oldest first."""

    def __init__(
        self,
        folder: Folder,
        shape: Shape,
        log: LogCheck,
        findings: Findings,
        safe_ms: int | None,
    ) -> None:
        self._folder, self._shape, self._log = folder, shape, log
        self._findings, self._safe_ms = findings, safe_ms
        self._reader = LogReader(folder.files, folder.log)
        self._offset = -1
        self._hashes: list[int] = []
        self._ms, self._left = 0, 0
        self.count = self.right = 0
        """Entries that were looked at; keys strictly within the index's range that
        have one."""

    def run(self) -> None:
        """Look at all of them."""
        for part in self._folder.index:
            self._file(part)

    def _file(self, part: Part) -> None:
        shown, size = self._folder.shown(part.path), self._shape.file_bytes
        if part.size != size:
            shape = f"{self._shape.slots} slots and {self._shape.entries} entries"
            what = f"{part.size} bytes, a file of {shape} has {size}"
            self._findings.add("wrong size", DAMAGE, shown, None, what)
            return
        header = read_header(self._folder, part)
        # After a crash what the checkpoint does not vouch for is made anew anyway.
        is_full = header.count >= self._shape.entries
        is_safe = is_full and header.end_ms <= (self._safe_ms or 0)
        is_kept = self._safe_ms is None or is_safe
        check = _FileCheck(shown, header, DAMAGE if is_kept else NOTE, self._findings)
        check.header_is_sound(self._shape)
        newest = array("i", bytes(SLOT.size * self._shape.slots))
        for number, entry in self._entries(part, header):
            at = self._shape.entry_at(number)
            slot = entry.key_hash % self._shape.slots
            if entry.previous != newest[slot]:
                check.note(
                    "broken chain",
                    at,
                    f"entry {number} calls {entry.previous} the one before it in slot "
                    f"{slot}, which is {newest[slot]}",
                )
            newest[slot] = number
            if wrong := self._wrong(number, entry, header):
                check.note("wrong index entry", at, f"entry {number} {wrong}")
            self.count += 1
        self._slots(part, newest, check)
        check.header_agrees(newest, self._last)

    def _entries(self, part: Part, header: Header) -> Iterator[tuple[int, Entry]]:
        stop = max(1, min(header.count, self._shape.entries))
        self._last: Entry | None = None
        for first in range(1, stop, AT_ONCE):
            count = min(AT_ONCE, stop - first)
            at = self._shape.entry_at(first)
            data = self._folder.files.read(part.path, at, count * ENTRY.size)
            for number, fields in enumerate(ENTRY.iter_unpack(data), first):
                self._last = Entry(*fields)
                yield number, self._last

    def _wrong(self, number: int, entry: Entry, header: Header) -> str:
        """Return what is wrong with an entry; empty where nothing is."""
        offset = entry.log_offset
        if offset < self._log.start and offset >= 0:
            return ""  # its record was removed with its age
        if offset != self._offset:
            self._record(offset)
        if entry.key_hash not in self._hashes:
            if not self._hashes:
                return f"points at {offset}, where no sound record with keys starts"
            return f"has the hash {entry.key_hash}, no key of record {offset} has"
        seconds = max(0, (self._ms - header.begin_ms) // 1000)
        if number > 1 and entry.seconds != seconds:
            return f"is of second {entry.seconds}, its record is of second {seconds}"
        if self._log.keys.begin < offset < self._log.keys.end and self._left:
            self._left -= 1
            self.right += 1
        return ""

    def _record(self, offset: int) -> None:
        record = self._reader.record_at(offset)
        self._offset = offset
        self._hashes = hashes_of(record) if record else []
        self._left = len(self._hashes)
        self._ms = record.store_timestamp if record else 0

    def _slots(self, part: Part, newest: array[int], check: _FileCheck) -> None:
        """Compare what the slots say with what the entries make of them."""
        step = PIECE_BYTES // SLOT.size
        for first in range(0, self._shape.slots, step):
            wanted = newest[first : first + step]
            at = HEADER.size + first * SLOT.size
            said = array("i")
            said.frombytes(
                self._folder.files.read(part.path, at, len(wanted) * SLOT.size)
            )
            if sys.byteorder == "little":
                said.byteswap()
            if said == wanted:
                continue
            for slot, pair in enumerate(zip(said, wanted, strict=True), first):
                if pair[0] != pair[1]:
                    what = f"slot {slot} says {pair[0]}, its newest entry is {pair[1]}"
                    check.note("broken chain", self._shape.slot_at(slot), what)


def read_header(folder: Folder, part: Part) -> Header:
    """Return a file's header."""
    return Header(*HEADER.unpack(folder.files.read(part.path, 0, HEADER.size)))


class _FileCheck:
    """Findings of one file, all of one severity; and its header."""

    def __init__(
        self, shown: str, header: Header, severity: str, findings: Findings
    ) -> None:
        self._shown, self._header, self._severity = shown, header, severity
        self._findings = findings

    def note(self, kind: str, at: int, what: str) -> None:
        """Note a finding at a byte of the file."""
        self._findings.add(kind, self._severity, self._shown, at, what)

    def header_is_sound(self, shape: Shape) -> None:
        """Note counts that cannot be."""
        header = self._header
        if not 0 <= header.count <= shape.entries:
            what = f"the next entry would be {header.count} of {shape.entries}"
            self.note("index header", 36, what)
        if not 0 <= header.begin_ms <= header.end_ms:
            what = f"from {header.begin_ms} to {header.end_ms} is no span of time"
            self.note("index header", 0, what)

    def header_agrees(self, newest: array[int], last: Entry | None) -> None:
        """Note where the header differs from the entries."""
        header, used = self._header, sum(map(bool, newest))
        # 4.9 counts slots, 4.4 entries; a file that both wrote has a number between.
        if not used <= header.slot_count <= max(used, header.count - 1):
            what = f"{header.slot_count} used slots are said, {used} there are"
            self.note("index header", 32, what)
        if last and header.end_offset != last.log_offset:
            what = f"ends at {header.end_offset}, its last entry at {last.log_offset}"
            self.note("index header", 24, what)
