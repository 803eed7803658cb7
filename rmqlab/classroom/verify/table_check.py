"""The broker's tables: readable, and their offsets within the queues.

    config/consumerOffset.json   topic@group ──► queue ──► offset
    config/delayOffset.json      level ──► offset, in queue level − 1 of the schedule

Source: ConfigManager.java, ConsumerOffsetManager.java, ScheduleMessageService.java,
release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder, QueueKey
from rmqlab.classroom.verify.queue_check import Range
from rmqlab.errors import StoreError, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.message import SCHEDULE_TOPIC

OFFSETS, DELAYS = "consumerOffset.json", "delayOffset.json"
MAIN_KEY = {
    "topics.json": "topicConfigTable",
    "subscriptionGroup.json": "subscriptionGroupTable",
    OFFSETS: "offsetTable",
    DELAYS: "offsetTable",
    "consumerFilter.json": "filterDataByTopic",
}
"""What each table keeps its rows under."""
MOST_BYTES = 64 << 20


class TableCheck:
    """Looks at every .json file of the store's config folder."""

    def __init__(
        self,
        folder: Folder,
        ranges: dict[QueueKey, Range],
        findings: Findings,
        severity: str,
    ) -> None:
        self._folder, self._ranges, self._findings = folder, ranges, findings
        self._severity = severity
        """Of an offset ahead: a running broker's queues have grown meanwhile."""
        self.names: list[str] = []
        """Tables that were read."""

    def run(self) -> None:
        """Look at all of them."""
        there = self._folder.files.names(self._folder.paths.config("")[:-1])
        wanted = {name.removesuffix(".bak") for name in there}
        for name in sorted(one for one in wanted if one.endswith(".json")):
            table = self._read(name)
            if table is None:
                continue
            self.names.append(name)
            if name in (OFFSETS, DELAYS):
                self._offsets(name, table[MAIN_KEY[name]])

    def _read(self, name: str) -> Any:
        """Return what a table holds, as a broker would read it; None for nothing."""
        path = self._folder.paths.config(name)
        try:
            return self._loaded(path, name)
        except (StoreError, WireError) as error:
            why = str(error)
        try:
            found = self._loaded(f"{path}.bak", name)
        except (StoreError, WireError):
            self._note("unreadable table", DAMAGE, path, f"nor its backup: {why}")
            return None
        self._note("backup used", NOTE, path, why)
        return found

    def _loaded(self, path: str, name: str) -> Any:
        size = self._folder.files.size(path)
        if not size or size > MOST_BYTES:
            raise StoreError("there is none" if size is None else f"{size} bytes")
        found = fastjson.loads(self._folder.files.read(path, 0, size))
        key = MAIN_KEY.get(name)
        if key and not (isinstance(found, dict) and isinstance(found.get(key), dict)):
            raise WireError(f"it has no {key}")
        return found

    def _note(self, kind: str, severity: str, path: str, what: str) -> None:
        self._findings.add(kind, severity, self._folder.shown(path), None, what)

    def _offsets(self, name: str, table: dict[Any, Any]) -> None:
        path = self._folder.paths.config(name)
        rows = _of_groups(table) if name == OFFSETS else _of_levels(table)
        for who, key, offset in rows:
            where = f"{who} is at {offset} of {key[0]} {key[1]}"
            known = self._ranges.get(key)
            if known is None:
                if offset:
                    self._note("offset of no queue", NOTE, path, where)
            elif offset > known.stop:
                what = f"{where}, which ends at {known.stop}"
                self._note("offset ahead", self._severity, path, what)
            elif offset < known.first:
                what = f"{where}, which begins at {known.first}"
                self._note("offset behind", NOTE, path, what)


def _of_groups(table: dict[Any, Any]) -> Iterator[tuple[str, QueueKey, int]]:
    for key, queues in table.items():
        topic, _, group = str(key).rpartition("@")
        for queue_id, offset in queues.items() if isinstance(queues, dict) else ():
            if _is_whole(queue_id) and _is_whole(offset):
                yield f"group {group}", (topic, int(queue_id)), int(offset)


def _of_levels(table: dict[Any, Any]) -> Iterator[tuple[str, QueueKey, int]]:
    for level, offset in table.items():
        if _is_whole(level) and _is_whole(offset):
            yield f"level {level}", (SCHEDULE_TOPIC, int(level) - 1), int(offset)


def _is_whole(value: Any) -> bool:
    return str(value).lstrip("-").isdecimal()
