"""The open files of a store, never more than a bound.

A broker with tens of thousands of queues has as many files and more, and an operating
system that grants a process 1,024.  A file is opened when it is needed; where too many
are open, the one that was not used for longest is closed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rmqlab.store.disk import Disk, DiskFile

MOST_OPEN = 512


@dataclass(slots=True)
class _Open:
    file: DiskFile
    flushing: int = 0
    """Flushes under way: it must not be closed under them."""


class FilePool:
    """Opens files by path and keeps those open that were used last."""

    def __init__(self, disk: Disk, most: int = MOST_OPEN) -> None:
        self._disk, self._most = disk, most
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def __len__(self) -> int:
        """Return how many files are open."""
        return len(self._open)

    def file(self, path: str, size: int) -> DiskFile:
        """Return the file at `path`, made with `size` zero bytes where it is not.

        It is for now: the next call may close it.

        Raises:
            DiskFull, StoreError: it cannot be made or opened.
        """
        return self._opened(path, size).file

    def _opened(self, path: str, size: int) -> _Open:
        found = self._open.get(path)
        if found is None:
            self._make_room()
            found = self._open[path] = _Open(self._disk.open(path, size))
        self._open.move_to_end(path)
        return found

    def _make_room(self) -> None:
        while len(self._open) >= self._most:
            idle = (path for path, one in self._open.items() if not one.flushing)
            if (oldest := next(idle, None)) is None:
                return
            self._open.pop(oldest).file.close()

    async def flush(self, path: str, size: int) -> None:
        """Make everything written to the file survive a crash of the machine.

        Raises:
            StoreError: the disk refused; nothing is promised.
        """
        found = self._opened(path, size)
        found.flushing += 1
        try:
            await found.file.flush()
        finally:
            found.flushing -= 1
            if self._open.get(path) is not found and not found.flushing:
                found.file.close()  # it was removed meanwhile

    def remove(self, path: str) -> None:
        """Close and remove a file; fine where there is none."""
        found = self._open.pop(path, None)
        if found and not found.flushing:
            found.file.close()
        self._disk.remove(path)

    def close(self) -> None:
        """Close all files; one that is being flushed, after that."""
        while self._open:
            _, found = self._open.popitem()
            if not found.flushing:
                found.file.close()
