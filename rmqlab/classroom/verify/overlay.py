"""A disk that keeps every change in memory: what a store would do is done on it.

    read  ──►  pages that were changed, in memory
               └─► bytes of the file below, up to where it was cut
    write ──►  the page, in memory, never more than a bound in all

The store opened on it is the real one, so what it does to its files is what it would
do; the files below are opened only for reading.

Not here: locks (nobody else is on this disk) and flushes (nothing survives).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from rmqlab.classroom.verify.files import Files, data_end
from rmqlab.errors import DiskFull

PAGE_BYTES = 4096
MOST_BYTES = 256 << 20
"""Kept in memory: what a recovery writes, and no more."""


class Change(NamedTuple):
    """What became of one file.

    `first` is the first byte that differs; the ends are those of what is not zero.
    """

    path: str
    what: str
    first: int = 0
    end_before: int = 0
    end_after: int = 0


class _Layer:
    """What was changed of one file; `below` bytes of the old one still show."""

    def __init__(self, path: str, size: int, old_size: int | None) -> None:
        self.path, self.size, self.old_size = path, size, old_size
        self.below = old_size or 0
        self.pages: dict[int, bytearray] = {}


class _OpenFile:
    """See `DiskFile`."""

    def __init__(self, overlay: Overlay, layer: _Layer) -> None:
        self._overlay, self._layer = overlay, layer
        self.size = layer.size

    def read(self, offset: int, size: int) -> bytes:
        """See `DiskFile.read`."""
        return self._overlay.read(self._layer.path, offset, size)

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile.write`."""
        self._overlay.write(self._layer, offset, data)

    def cut(self, offset: int) -> None:
        """See `DiskFile.cut`."""
        self._overlay.cut(self._layer, offset)

    async def flush(self) -> None:
        """See `DiskFile.flush`."""

    def close(self) -> None:
        """See `DiskFile.close`."""


class _Unlocked:
    """A lock that nobody else could want."""

    def release(self) -> None:
        """See `Lock.release`."""


class Overlay:
    """A `Disk` above other files, which it never changes."""

    def __init__(self, below: Files, most_bytes: int = MOST_BYTES) -> None:
        self._below, self._left = below, most_bytes // PAGE_BYTES
        self._most_bytes = most_bytes
        self._layers: dict[str, _Layer] = {}
        self._removed: dict[str, int] = {}
        self._made: defaultdict[str, set[str]] = defaultdict(set)
        """What is new in each folder."""

    def open(self, path: str, size: int) -> _OpenFile:
        """See `Disk.open`."""
        layer = self._layers.get(path)
        if layer is None:
            old_size = None if path in self._removed else self._below.size(path)
            layer = _Layer(path, old_size or size, old_size)
            self._layers[path] = layer
            self._note_made(path)
        return _OpenFile(self, layer)

    def _note_made(self, path: str) -> None:
        while path and self._below.size(path) is None:
            path, _, name = path.rpartition("/")
            self._made[path].add(name)

    def size(self, path: str) -> int | None:
        """See `Disk.size`."""
        if layer := self._layers.get(path):
            return layer.size
        return None if path in self._removed else self._below.size(path)

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        names = self._made.get(folder, set()) | set(self._below.names(folder))
        return sorted(one for one in names if not self._is_gone(f"{folder}/{one}"))

    def _is_gone(self, path: str) -> bool:
        return path in self._removed and path not in self._layers

    def used_ratio(self, path: str) -> float:
        """See `Disk.used_ratio`; what is rehearsed takes no room."""
        return 0.0

    def room(self, path: str) -> tuple[int, int]:
        """See `Disk.room`; likewise."""
        return 0, 0

    def remove(self, path: str) -> None:
        """See `Disk.remove`."""
        if layer := self._layers.pop(path, None):
            self._left += len(layer.pages)
            folder, _, name = path.rpartition("/")
            self._made[folder].discard(name)
        if (size := self._below.size(path)) is not None:
            self._removed[path] = size

    def lock(self, path: str) -> _Unlocked:
        """See `Disk.lock`."""
        return _Unlocked()

    def read_text(self, path: str) -> str | None:
        """See `Disk.read_text`."""
        size = self.size(path)
        return None if size is None else self.read(path, 0, size).decode()

    def replace_text(self, path: str, text: str) -> None:
        """See `Disk.replace_text`; no backup is made, for nobody will read it."""
        data = text.encode()
        self.remove(path)
        self.open(path, len(data)).write(0, data)

    def close(self) -> None:
        """See `Disk.close`."""

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Return a piece of a file as it is with all changes."""
        layer = self._layers.get(path)
        if layer is None:
            return self._below.read(path, offset, size)
        size = max(0, min(size, layer.size - offset))
        shown = max(0, min(size, layer.below - offset))
        data = self._below.read(path, offset, shown) if shown else b""
        data = data.ljust(size, b"\0")
        return _with_pages(layer, offset, data) if layer.pages else data

    def write(self, layer: _Layer, offset: int, data: bytes) -> None:
        """Put `data` over a file.

        Raises:
            DiskFull: more was written than is kept.
        """
        done = 0
        while done < len(data):
            number, start = divmod(offset + done, PAGE_BYTES)
            piece = data[done : done + PAGE_BYTES - start]
            self._page(layer, number)[start : start + len(piece)] = piece
            done += len(piece)

    def _page(self, layer: _Layer, number: int) -> bytearray:
        page = layer.pages.get(number)
        if page is None:
            if self._left <= 0:
                raise DiskFull(
                    f"more than {self._most_bytes} bytes would be written: not tried "
                    "any further"
                )
            self._left -= 1
            old = self.read(layer.path, number * PAGE_BYTES, PAGE_BYTES)
            page = layer.pages[number] = bytearray(old.ljust(PAGE_BYTES, b"\0"))
        return page

    def cut(self, layer: _Layer, offset: int) -> None:
        """Make all bytes of a file from `offset` on zero."""
        layer.below = min(layer.below, offset)
        number, left = divmod(offset, PAGE_BYTES)
        for behind in [one for one in layer.pages if one > number]:
            del layer.pages[behind]
            self._left += 1
        if page := layer.pages.get(number):
            page[left:] = bytes(PAGE_BYTES - left)

    def changes(self) -> Iterator[Change]:
        """Yield what differs from the files below, by path."""
        for path in sorted(self._removed.keys() | self._layers.keys()):
            layer = self._layers.get(path)
            if layer is None:
                end = data_end(self._below, path, 0, self._removed[path])
                yield Change(path, "removed", 0, end)
            elif layer.old_size is None and path not in self._removed:
                yield Change(path, "made", 0, 0, self._data_end(layer))
            elif (first := self._first_change(layer)) is not None:
                before = data_end(self._below, path, 0, self._below.size(path) or 0)
                yield Change(path, "changed", first, before, self._data_end(layer))

    def _data_end(self, layer: _Layer) -> int:
        """Return the offset after a file's last byte that is not zero."""
        end = 0
        for number in sorted(layer.pages, reverse=True):
            if used := len(layer.pages[number].rstrip(b"\0")):
                end = number * PAGE_BYTES + used
                break
        return data_end(self, layer.path, end, max(end, layer.below))

    def _first_change(self, layer: _Layer) -> int | None:
        """Return where a file first differs from the one below."""
        size = self._below.size(layer.path) or 0
        numbers = set(layer.pages)
        if layer.below < size:
            end = data_end(self._below, layer.path, layer.below, size)
            numbers |= set(range(layer.below // PAGE_BYTES, -(-end // PAGE_BYTES)))
        for number in sorted(numbers):
            at = number * PAGE_BYTES
            old = self._below.read(layer.path, at, PAGE_BYTES)
            new = self.read(layer.path, at, PAGE_BYTES)
            if old != new:
                return at + _first_difference(old, new)
        return None


def _first_difference(old: bytes, new: bytes) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    same = min(len(old), len(new))
    return next((at for at, (was, now) in pairs if was != now), same)


def _with_pages(layer: _Layer, offset: int, data: bytes) -> bytes:
    """Return what was read with the changed pages over it."""
    first, last = offset // PAGE_BYTES, (offset + len(data) - 1) // PAGE_BYTES
    wanted = [one for one in range(first, last + 1) if one in layer.pages]
    if not wanted:
        return data
    seen = bytearray(data)
    for number in wanted:
        at = number * PAGE_BYTES - offset
        page = layer.pages[number][max(0, -at) : max(0, len(data) - at)]
        seen[max(0, at) : max(0, at) + len(page)] = page
    return bytes(seen)
