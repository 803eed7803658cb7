"""Which files a store's folder has, and which of them are what their names say.

Files of one kind have one size.  It is a setting, but the files tell it, too: the size
that most of them have, unless another is given.

Not here: what is in them.

Source: MappedFileQueue.load, IndexService.load, release 4.9.7.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from rmqlab.classroom.verify.files import Files, Part
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.config import Property, read
from rmqlab.errors import StoreError
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import NAME_DIGITS, QUEUE_ENTRY, StorePaths, file_name

QueueKey = tuple[str, int]
LOOKED_AT = {
    "commitlog", "consumequeue", "index", "checkpoint", "abort", "lock", "config"
}  # fmt: skip
OF_A_STORE = {"commitlog", "consumequeue", "index", "checkpoint"}
MOST_FILE_BYTES = 2**31 - 1
"""No setting of RocketMQ makes a file longer: its sizes are Java's int."""
_BY_OFFSET = re.compile(rf"[0-9]{{{NAME_DIGITS}}}")
_BY_TIME = re.compile(r"[0-9]{17}")


class NotAStore(StoreError):
    """A folder that is no store's; the text says what would be one."""


@dataclass
class Folder:
    """The files of a store that can be looked into, each kind in its order."""

    files: Files
    paths: StorePaths
    log: list[Part] = field(default_factory=list)
    queues: dict[QueueKey, list[Part]] = field(default_factory=dict)
    index: list[Part] = field(default_factory=list)
    """Their `start` is the number of their name: a time."""

    def shown(self, path: str) -> str:
        """Return a path as findings name it: below the store."""
        return path.removeprefix(f"{self.paths.root}/")

    def find(self, findings: Findings) -> None:
        """Find all files; note what is none of a store.

        Raises:
            NotAStore: there is no store here.
            StoreError: something may not be read.
        """
        there = self.files.names(self.paths.root)
        if not OF_A_STORE & set(there):
            raise NotAStore(
                f"{self.paths.root} has no commitlog, consumequeue, index or checkpoint"
                ": name the folder that storePathRootDir names"
            )
        for name in sorted(set(there) - LOOKED_AT):
            findings.add("not looked at", NOTE, name, None, f"{name} is passed over")
        self.log = self._parts(self.paths.commit_log, _BY_OFFSET, findings)
        self.index = self._parts(f"{self.paths.root}/index", _BY_TIME, findings)
        for topic in self._names(self.paths.consume_queues, findings):
            for queue_id in self._names(
                f"{self.paths.consume_queues}/{topic}", findings
            ):
                self._list_queue(topic, queue_id, findings)

    def _names(self, folder: str, findings: Findings) -> list[str]:
        try:
            return self.files.names(folder)
        except StoreError as error:
            findings.add("strange file", DAMAGE, self.shown(folder), None, str(error))
            return []

    def _list_queue(self, topic: str, queue_id: str, findings: Findings) -> None:
        folder = f"{self.paths.consume_queues}/{topic}/{queue_id}"
        if queue_id.isascii() and queue_id.isdecimal():
            parts = self._parts(folder, _BY_OFFSET, findings)
            self.queues[topic, int(queue_id)] = parts
        else:
            what = f"{queue_id} is no number of a queue"
            findings.add("strange file", DAMAGE, self.shown(folder), None, what)

    def _parts(
        self, folder: str, pattern: re.Pattern[str], findings: Findings
    ) -> list[Part]:
        parts = []
        for name in self._names(folder, findings):
            path = f"{folder}/{name}"
            size, is_named = self.files.size(path), pattern.fullmatch(name)
            if is_named and size == 0:
                what = f"{name} has no byte"
                findings.add("file without size", NOTE, self.shown(path), None, what)
            elif is_named and size is not None:
                parts.append(Part(int(name), path, size))
            else:
                what = f"{name} is no file's name here"
                findings.add("strange file", DAMAGE, self.shown(path), None, what)
        return parts

    def config(self, given: Iterable[Property]) -> StoreConfig:
        """Return the settings that the files have; the given ones where none tells."""
        config = StoreConfig()
        read_settings(given, config)
        if size := _commonest(self.log):
            config.mapped_file_size_commit_log = size
        queue_parts = (part for parts in self.queues.values() for part in parts)
        if size := _commonest(queue_parts, QUEUE_ENTRY.size):
            config.mapped_file_size_consume_queue = size
        return config

    def check(self, config: StoreConfig, findings: Findings) -> None:
        """Keep the files that have their size and place; note the others."""
        size = config.mapped_file_size_commit_log
        self.log = self._sound(self.log, self.paths.commit_log, size, findings)
        size = config.mapped_file_size_consume_queue
        for (topic, queue_id), parts in self.queues.items():
            folder = self.paths.consume_queue(topic, queue_id)
            self.queues[topic, queue_id] = self._sound(parts, folder, size, findings)

    def _sound(
        self, parts: list[Part], folder: str, size: int, findings: Findings
    ) -> list[Part]:
        right = []
        for part in parts:
            shown = self.shown(part.path)
            if part.size != size:
                what = f"{part.size} bytes, the others have {size}"
                findings.add("wrong size", DAMAGE, shown, None, what)
            elif part.start % size:
                what = f"{part.start} is no multiple of the files' size, {size}"
                findings.add("strange file", DAMAGE, shown, None, what)
            else:
                right.append(part)
        starts = {part.start for part in parts}
        for before, after in pairwise(right):
            for start in range(before.end, after.start, size):
                if start not in starts:
                    shown = self.shown(f"{folder}/{file_name(start)}")
                    what = f"files before and after it are there ({size} bytes each)"
                    findings.add("missing file", DAMAGE, shown, None, what)
                    break  # a gap is one finding, however wide a name makes it
        return right


def read_settings(given: Iterable[Property], config: StoreConfig) -> None:
    """Set what is given; a queue's files have whole entries, whatever is set."""
    read(given, config)
    whole = -(-config.mapped_file_size_consume_queue // QUEUE_ENTRY.size)
    config.mapped_file_size_consume_queue = max(1, whole) * QUEUE_ENTRY.size


def _commonest(parts: Iterable[Part], unit: int = 1) -> int:
    """Return the size of whole units that most files have; of two, the larger."""
    sizes = Counter(
        part.size
        for part in parts
        if part.size % unit == 0 and part.size <= MOST_FILE_BYTES
    )
    return max(sizes, key=lambda size: (sizes[size], size), default=0)
