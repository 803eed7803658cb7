"""Entries of consume queues by their numbers, and which of them were seen to be right.

Not here: what they should be (`log_check`), those that are not (`queue_check`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.classroom.verify.files import Files, Part
from rmqlab.classroom.verify.folder import Folder, QueueKey
from rmqlab.store.layout import QUEUE_ENTRY, file_name

ENTRY_BYTES = QUEUE_ENTRY.size
NO_ENTRY = bytes(ENTRY_BYTES)
WINDOW_BYTES = 128 * ENTRY_BYTES
MOST_WINDOWS = 4096
MOST_RUNS = 100
"""Of one queue: entries beyond that are looked at once more, that is all."""


class Seen:
    """The numbers of a queue's entries that are right, as runs without a gap."""

    __slots__ = ("runs",)

    def __init__(self) -> None:
        self.runs: list[list[int]] = []

    def add(self, number: int) -> None:
        """Note one, best in ascending order."""
        if self.runs and self.runs[-1][1] == number:
            self.runs[-1][1] = number + 1
        elif len(self.runs) < MOST_RUNS:
            self.runs.append([number, number + 1])

    def __contains__(self, number: int) -> bool:
        """Whether it was noted."""
        return any(first <= number < stop for first, stop in self.runs)


class Entries:
    """Bytes of entries, a window of each queue kept for the next question."""

    def __init__(self, folder: Folder, file_size: int) -> None:
        self._folder, self._file_size = folder, file_size
        self._paths = {
            key: {part.start: part.path for part in parts}
            for key, parts in folder.queues.items()
        }
        self._windows: dict[QueueKey, tuple[int, bytes]] = {}

    def raw(self, key: QueueKey, number: int) -> bytes:
        """Return an entry's 20 bytes; zeroes where no file has it."""
        first, data = self._windows.get(key, (0, b""))
        at = (number - first) * ENTRY_BYTES
        if not 0 <= at < len(data):
            data, at = self._window(key, number), 0
        return data[at : at + ENTRY_BYTES] or NO_ENTRY

    def _window(self, key: QueueKey, number: int) -> bytes:
        start, at = self._place(number)
        path = self._paths.get(key, {}).get(start)
        if path is None:
            return b""
        if len(self._windows) >= MOST_WINDOWS:
            self._windows.clear()
        data = self._folder.files.read(path, at, WINDOW_BYTES)
        self._windows[key] = number, data
        return data

    def _place(self, number: int) -> tuple[int, int]:
        """Return where the entry's file starts, and where in it the entry is."""
        byte = number * ENTRY_BYTES
        return byte - byte % self._file_size, byte % self._file_size

    def place(self, key: QueueKey, number: int) -> tuple[str, int]:
        """Return the file, as it is shown, and the byte of an entry."""
        start, at = self._place(number)
        path = f"{self._folder.paths.consume_queue(*key)}/{file_name(start)}"
        return self._folder.shown(path), at


def walk(files: Files, part: Part) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Yield each entry of a file with its number, up to the first that is none."""
    number, at = part.start // ENTRY_BYTES, 0
    while at < part.size:
        data = files.read(part.path, at, WINDOW_BYTES * 16)
        for entry in QUEUE_ENTRY.iter_unpack(data):
            if entry[0] < 0 or entry[1] <= 0:
                return
            yield number, entry
            number += 1
        at += WINDOW_BYTES * 16
