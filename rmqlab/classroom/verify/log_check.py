"""Every record of the log: where it is, what it counts, and whether it has its entry.

    record ──► its own offset, its CRC                        (`log_scan`)
           ──► its queue's messages are counted one by one
           ──► entry QUEUE_OFFSET of its queue points at it, unless it was prepared or
               rolled back

Not here: entries that no record asked for (`queue_check`), keys (`index_check`).
"""

from __future__ import annotations

from collections import Counter, defaultdict

from rmqlab.classroom.verify.entries import NO_ENTRY, Entries, Seen
from rmqlab.classroom.verify.files import Part
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder, QueueKey
from rmqlab.classroom.verify.log_scan import OddBlank, Placed, Unreadable, scan
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.message import keys_of
from rmqlab.protocol.record import Record, properties_of
from rmqlab.store.layout import QUEUE_ENTRY

MOST_HOSTS = 16
SECTOR = bytes(512)


class KeyCount:
    """How many keys the records have: before, within and after the index's range."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        """Offsets of the first and the last record that were entered."""
        self.before = self.within = self.after = 0
        self.first: int | None = None
        """Offset of the first record that lies outside of the range."""

    def add(self, offset: int, keys: int) -> None:
        """Count the keys of the record at `offset`."""
        if self.begin < offset < self.end:
            self.within += keys
        elif offset < self.begin:
            self.before += keys
        elif offset > self.end:
            self.after += keys
        if not self.begin <= offset <= self.end and self.first is None and keys:
            self.first = offset


class LogCheck:
    """Reads the log once; then knows of it what the other checks want to know."""

    def __init__(
        self,
        folder: Folder,
        entries: Entries,
        delays: DelayLevels,
        keys: KeyCount,
        findings: Findings,
        *,
        was_crash: bool,
    ) -> None:
        self._folder, self._entries, self._delays = folder, entries, delays
        self._findings, self._was_crash = findings, was_crash
        self.keys = keys
        self.start = folder.log[0].start if folder.log else 0
        self.end = self.start
        """Where the next record would be written."""
        self.records = self.lost = 0
        """All of them; those at or beyond `cut`."""
        self.cut: int | None = None
        """Where a recovery ends the log."""
        self.last_ms = self.newest_ms = 0
        self.hosts: Counter[str] = Counter()
        self.seen: defaultdict[QueueKey, Seen] = defaultdict(Seen)
        self._expected: dict[QueueKey, int] = {}
        """The queue offset that each queue's next record should have; not known behind
        unreadable records."""
        self._unreadable: list[Unreadable] = []
        """Since the last record: whether the log goes on behind them is not known."""

    def run(self, cut: int | None) -> None:
        """Read the log; `cut` is where a recovery would end it."""
        self.cut = cut
        for part in self._folder.log:
            if part.start != self.end:
                self._expected.clear()  # a file is missing
            self._read(part)
        if self._unreadable:
            self.end = self._unreadable[0].offset

    def _read(self, part: Part) -> None:
        is_whole = True
        for piece in scan(self._folder.files, part):
            is_whole = not isinstance(piece, Unreadable)
            if isinstance(piece, Unreadable):
                self._unreadable.append(piece)
            elif isinstance(piece, OddBlank):
                self._odd_blank(piece)
            else:
                self._goes_on()
                self._record(piece)
        if is_whole:
            self.end = part.end

    def _odd_blank(self, blank: OddBlank) -> None:
        left = blank.part.size - blank.at
        shown = self._folder.shown(blank.part.path)
        what = f"a blank of {blank.size} bytes where {left} are left"
        self._findings.add("odd blank", DAMAGE, shown, blank.at, what)

    def _goes_on(self) -> None:
        """Note what was unreadable: it lies in the middle of the log."""
        if self._unreadable:
            self._expected.clear()
        for one in self._unreadable:
            what = f"{one.size} bytes, {one.data} up to the last that is not 0: "
            shown = self._folder.shown(one.part.path)
            self._findings.add(
                "unreadable record", DAMAGE, shown, one.at, what + one.why
            )
        self._unreadable.clear()

    def _record(self, placed: Placed) -> None:
        record = placed.record
        self.end = record.physical_offset + record.size
        self.records += 1
        self.lost += self.cut is not None and record.physical_offset >= self.cut
        self.last_ms = record.store_timestamp
        self.newest_ms = max(self.newest_ms, self.last_ms)
        host = "{}:{}".format(*record.store_host)
        if host in self.hosts or len(self.hosts) < MOST_HOSTS:
            self.hosts[host] += 1
        self._torn(placed)
        properties = properties_of(record)
        kind = record.sys_flag & SysFlag.TRANSACTION_ROLLBACK
        if kind != SysFlag.TRANSACTION_ROLLBACK:
            self.keys.add(record.physical_offset, len(keys_of(properties)))
        if not kind & SysFlag.TRANSACTION_PREPARED:
            self._counted(placed)
            self._entered(record, properties)

    def _torn(self, placed: Placed) -> None:
        text = placed.record.properties
        if text[:1] == b"\0" or text[-1:] == b"\0" or SECTOR in text:
            severity = NOTE if self._was_crash else DAMAGE
            what = f"{len(text)} bytes of properties, zeroes among them"
            self._add("torn properties", severity, placed, what)

    def _counted(self, placed: Placed) -> None:
        record = placed.record
        key = record.topic, record.queue_id
        wanted = self._expected.get(key, record.queue_offset)
        if record.queue_offset != wanted:
            what = (
                f"record {record.physical_offset} says it is number "
                f"{record.queue_offset} of {key[0]} {key[1]}, the last was {wanted - 1}"
            )
            self._add("queue offset", DAMAGE, placed, what)
        self._expected[key] = record.queue_offset + 1

    def _add(self, kind: str, severity: str, placed: Placed, what: str) -> None:
        shown = self._folder.shown(placed.part.path)
        at = placed.record.physical_offset - placed.part.start
        self._findings.add(kind, severity, shown, at, what)

    def _entered(self, record: Record, properties: dict[str, str]) -> None:
        """Look at the entry that the record should have."""
        key, number = (record.topic, record.queue_id), record.queue_offset
        code = self._delays.entry_code(key[0], properties, record.store_timestamp)
        wanted = QUEUE_ENTRY.pack(record.physical_offset, record.size, code)
        found = self._entries.raw(key, number)
        if found == wanted:
            self.seen[key].add(number)
        elif found == NO_ENTRY:
            kind, severity = "lost entry", DAMAGE
            if self._was_crash:
                kind, severity = "missing entry", NOTE
            what = f"entry {number} of {key[0]} {key[1]}: record at log offset "
            self._findings.add(
                kind,
                severity,
                *self._entries.place(key, number),
                f"{what}{record.physical_offset}",
            )

    def tell_end(self, *, is_missed: bool) -> None:
        """Note what lies behind the last record.

        `is_missed`: a queue or the checkpoint knows of a record that is not here.
        """
        data = sum(one.data for one in self._unreadable)
        if not data:
            return
        one = next(one for one in self._unreadable if one.data)
        what = f"the log ends at {self.end}, {data} bytes follow: {one.why}"
        kind, severity = "torn end", NOTE
        if is_missed and not self._was_crash:
            kind, severity = "lost end", DAMAGE
        self._findings.add(
            kind, severity, self._folder.shown(one.part.path), one.at, what
        )
