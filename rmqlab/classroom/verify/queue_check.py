"""Every entry of the consume queues that no record vouched for.

    entry ──► its record: this topic, queue, number, size and tag hash (or due time)
          ──► or older than the log, or a filler before the first, or beyond the log

Source: ConsumeQueue.java, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass

from rmqlab.classroom.verify.entries import ENTRY_BYTES, Entries, Seen, walk
from rmqlab.classroom.verify.files import Part, data_end
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder, QueueKey
from rmqlab.classroom.verify.log_check import LogCheck
from rmqlab.classroom.verify.log_scan import LogReader
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.record import properties_of
from rmqlab.store.consume_queue import FILLER_SIZE


@dataclass(slots=True)
class Range:
    """The queue offsets of the oldest message that is there, and of the next one."""

    first: int
    stop: int


class QueueCheck:
    """Looks at all queues, one after the other."""

    def __init__(
        self,
        folder: Folder,
        entries: Entries,
        delays: DelayLevels,
        log: LogCheck,
        findings: Findings,
        *,
        was_crash: bool,
    ) -> None:
        self._folder, self._entries, self._delays = folder, entries, delays
        self._log, self._findings = log, findings
        self._severity = NOTE if was_crash else DAMAGE
        self._reader = LogReader(folder.files, folder.log)
        self.count = 0
        """Entries that were looked at."""
        self.is_beyond = False
        """Whether a queue knows of records beyond the log's end."""
        self.ranges: dict[QueueKey, Range] = {}

    def run(self) -> None:
        """Look at all of them."""
        for key, parts in sorted(self._folder.queues.items()):
            self._queue(key, parts)

    def _queue(self, key: QueueKey, parts: list[Part]) -> None:
        seen = self._log.seen.pop(key, Seen())
        first = stop = parts[0].start // ENTRY_BYTES if parts else 0
        is_leading = True
        for part in parts:
            for number, entry in walk(self._folder.files, part):
                is_filler = entry[1] == FILLER_SIZE
                is_leading &= is_filler
                if is_leading or (not is_filler and entry[0] < self._log.start):
                    first = number + 1
                elif number not in seen:
                    self._look(key, number, entry)
                stop = number + 1
                self.count += 1
            if stop * ENTRY_BYTES < part.end:
                break
        self.ranges[key] = Range(first, stop)
        self._after(key, parts, stop)

    def _after(self, key: QueueKey, parts: list[Part], stop: int) -> None:
        """Note what follows the queue's end."""
        for part in parts:
            if part.end <= stop * ENTRY_BYTES:
                continue
            start = max(0, stop * ENTRY_BYTES - part.start)
            end = data_end(self._folder.files, part.path, start, part.size)
            if end > start:
                what = f"{key[0]} {key[1]} ends with entry {stop - 1}, {end - start}"
                self._findings.add(
                    "after the end",
                    self._severity,
                    self._folder.shown(part.path),
                    start,
                    f"{what} bytes follow",
                )
                return

    def _look(self, key: QueueKey, number: int, entry: tuple[int, int, int]) -> None:
        offset, size, _ = entry
        name = f"entry {number} of {key[0]} {key[1]}"
        if size == FILLER_SIZE:
            what = f"{name} is a filler among messages"
            self._note("stray filler", DAMAGE, key, number, what)
        elif offset >= self._log.end:
            self.is_beyond = True
            what = f"{name} points at {offset}, the log ends at {self._log.end}"
            self._note("entry beyond the log", self._severity, key, number, what)
        elif wrong := self._wrong(key, number, entry):
            self._note("wrong entry", DAMAGE, key, number, f"{name} {wrong}")

    def _note(
        self, kind: str, severity: str, key: QueueKey, number: int, what: str
    ) -> None:
        self._findings.add(kind, severity, *self._entries.place(key, number), what)

    def _wrong(self, key: QueueKey, number: int, entry: tuple[int, int, int]) -> str:
        """Return what is wrong with an entry; empty where nothing is."""
        offset, size, code = entry
        record = self._reader.record_at(offset)
        if record is None:
            return f"points at {offset}, where no sound record starts"
        is_of = record.topic, record.queue_id, record.queue_offset
        if is_of != (*key, number):
            topic, queue_id, at = is_of
            return f"points at {offset}: that is number {at} of {topic} {queue_id}"
        if size != record.size:
            return f"says {size} bytes, the record has {record.size}"
        right = self._delays.entry_code(
            key[0], properties_of(record), record.store_timestamp
        )
        return f"says tag hash {code}, the record's is {right}" * (code != right)
