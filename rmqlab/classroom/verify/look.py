"""A store looked at as a whole: every file against the others, then its next start.

files ──► commit log ──► consume queues ──► index ──► checkpoint, tables
  │            ▲
  └► rehearsal ┘ where a recovery would end the log
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rmqlab.classroom.verify.entries import Entries
from rmqlab.classroom.verify.files import Files, HostFiles
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder, QueueKey, read_settings
from rmqlab.classroom.verify.index_check import IndexCheck, read_header
from rmqlab.classroom.verify.index_shape import find_shape
from rmqlab.classroom.verify.life_check import (
    Life,
    check_hosts,
    check_times,
    look_at_life,
)
from rmqlab.classroom.verify.log_check import KeyCount, LogCheck
from rmqlab.classroom.verify.log_scan import LogReader
from rmqlab.classroom.verify.queue_check import QueueCheck, Range
from rmqlab.classroom.verify.rehearsal import rehearse
from rmqlab.classroom.verify.report import Moved, Report
from rmqlab.classroom.verify.table_check import TableCheck
from rmqlab.config import Property
from rmqlab.protocol.delays import DelayLevels
from rmqlab.settings import StoreConfig
from rmqlab.store.index_file import HEADER, Shape
from rmqlab.store.layout import StorePaths

SHAPING = {
    "mappedFileSizeCommitLog": "mapped_file_size_commit_log",
    "mappedFileSizeConsumeQueue": "mapped_file_size_consume_queue",
    "maxHashSlotNum": "max_hash_slot_num",
    "maxIndexNum": "max_index_num",
}
"""The settings that decide over the files' sizes."""


def verify(
    paths: StorePaths, given: Iterable[Property] = (), files: Files | None = None
) -> Report:
    """Look at the store; with the `given` settings a broker would start.

    Raises:
        NotAStore: there is none.
        StoreError: something may not be read.
        ConfigError: a setting cannot be used.
    """
    return _Look(paths, list(given), files or HostFiles()).report


class _Look:
    """One look; each step uses what the ones before it found."""

    def __init__(self, paths: StorePaths, given: list[Property], files: Files) -> None:
        self._findings = Findings()
        self._folder = Folder(files, paths)
        self._folder.find(self._findings)
        self._config = self._folder.config(given)
        self._shape = self._find_shape(given)
        self._start_config = self._for_start(given)
        self._folder.check(self._config, self._findings)
        self._life = look_at_life(self._folder, self._findings)
        self.report = self._begun()
        self._look()

    def _find_shape(self, given: list[Property]) -> Shape | None:
        """Find the index's shape: the files tell it, or the given settings."""
        folder, config = self._folder, self._config
        reader = LogReader(folder.files, folder.log)
        found = find_shape(folder.files, folder.index, reader)
        if found:
            config.max_hash_slot_num = found.slots
            config.max_index_num = found.entries
        named = {one.key for one in given} & {"maxHashSlotNum", "maxIndexNum"}
        if found or named or not folder.index:
            return Shape(config.max_hash_slot_num, config.max_index_num)
        return None

    def _for_start(self, given: list[Property]) -> StoreConfig:
        """Return the settings with which a broker would start: the given ones count."""
        config = replace(self._config)
        read_settings(given, config)
        for key, name in SHAPING.items():
            wanted, there = getattr(config, name), getattr(self._config, name)
            if wanted != there:
                what = f"{key}={wanted}, the files there have {there}"
                self._findings.add("other settings", DAMAGE, ".", None, what)
        return config

    def _begun(self) -> Report:
        config, life = self._config, self._life
        how = "running" if life.is_running else "crashed" if life.was_crash else ""
        settings = {key: getattr(config, name) for key, name in SHAPING.items()}
        root = self._folder.paths.root
        report = Report(root, how or "stopped", settings, findings=self._findings)
        report.rehearsal, _ = rehearse(
            self._folder.files, self._folder.paths, self._start_config
        )
        return report

    def _look(self) -> None:
        folder, life, report = self._folder, self._life, self.report
        delays = DelayLevels(self._config.message_delay_level)
        entries = Entries(folder, self._config.mapped_file_size_consume_queue)
        was_crash, findings = life.was_crash, self._findings
        log = LogCheck(
            folder, entries, delays, self._key_range(), findings, was_crash=was_crash
        )
        did = report.rehearsal
        log.run(None if did.refused else did.log_end)
        queues = QueueCheck(folder, entries, delays, log, findings, was_crash=was_crash)
        queues.run()
        is_missed = queues.is_beyond or life.log_ms > log.newest_ms
        log.tell_end(is_missed=is_missed)
        check_times(folder, life, log, findings)
        check_hosts(log, findings)
        index = self._index(log, life)
        severity = NOTE if life.is_running else DAMAGE
        tables = TableCheck(folder, self._ranges(queues), findings, severity)
        tables.run()
        self._tell(log, queues, index, tables)

    def _ranges(self, queues: QueueCheck) -> dict[QueueKey, Range]:
        """Return what offsets each queue has once its broker has started."""
        ends = self.report.rehearsal.queues
        new = {key: Range(0, end) for key, end in ends.items()}
        return new | {
            key: Range(one.first, ends.get(key, one.stop))
            for key, one in queues.ranges.items()
        }

    def _key_range(self) -> KeyCount:
        """Return which records the index should have, by the headers of its files."""
        found = [
            read_header(self._folder, part)
            for part in self._folder.index
            if part.size >= HEADER.size
        ]
        known = [header for header in found if header.count > 1]
        if not known:
            return KeyCount(-1, -1)
        return KeyCount(known[0].begin_offset, known[-1].end_offset)

    def _index(self, log: LogCheck, life: Life) -> int:
        """Look at the index; return how many entries it has."""
        if not self._config.message_index_enable:
            return 0
        if self._shape is None:
            first = self._folder.index[0]
            what = f"{len(self._folder.index)} files of {first.size} bytes"
            shown = self._folder.shown(first.path)
            self._findings.add("unknown shape", DAMAGE, shown, None, what)
            return 0
        safe_ms = life.index_ms if life.was_crash else None
        check = IndexCheck(self._folder, self._shape, log, self._findings, safe_ms)
        check.run()
        self._missing_keys(log.keys, check.right)
        return check.count

    def _missing_keys(self, keys: KeyCount, right: int) -> None:
        within = max(0, keys.within - right)
        if not (keys.before or within or keys.after):
            return
        where = f", first the record at log offset {keys.first}" * bool(
            keys.first is not None
        )
        what = (
            f"{keys.before + within + keys.after} keys of records in the log: "
            f"{keys.before} before its range, {within} in it, {keys.after} after it"
        )
        self._findings.add("not in the index", NOTE, "index", None, what + where)

    def _tell(
        self, log: LogCheck, queues: QueueCheck, index: int, tables: TableCheck
    ) -> None:
        report, folder = self.report, self._folder
        report.log_start, report.log_end = log.start, log.end
        report.records, report.lost_records = log.records, log.lost
        report.hosts = dict(log.hosts.most_common())
        ends = {key: found.stop for key, found in queues.ranges.items()}
        report.moved = [
            Moved(*key, ends.get(key, 0), after)
            for key, after in sorted(report.rehearsal.queues.items())
            if after != ends.get(key, 0)
        ]
        queue_files = sum(map(len, folder.queues.values()))
        report.looked_at = {
            "files": f"{len(folder.log)} of the log, {queue_files} of "
            f"{len(folder.queues)} queues, {len(folder.index)} of the index",
            "commit log": f"{log.records} records, {log.start} to {log.end}",
            "consume queues": f"{queues.count} entries",
            "index": f"{index} entries",
            "checkpoint": "3 times against the records' store times",
            "life": "abort, lock, store hosts",
            "tables": ", ".join(tables.names) or "none",
        }
