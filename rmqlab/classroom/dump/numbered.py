"""Files named by the offset of their first byte, read piece by piece.

00000000000000000000   00000000000001048576   00000000000002097152
├──────────────────────┼──────────────────────┼─────────────────────
a window of it is in memory, never a file
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError
from rmqlab.store.layout import NAME_DIGITS

WINDOW_BYTES = 1 << 20
"""Read at once."""

_NAME = re.compile(rf"[0-9]{{{NAME_DIGITS}}}")


class NumberedFile(NamedTuple):
    """One of the files: the offset of its first byte, where it is, its bytes."""

    start: int
    path: str
    size: int

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.start + self.size


def is_numbered(path: str) -> bool:
    """Whether a file's name is an offset."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None


def numbered(shelf: Shelf, paths: Iterable[str]) -> list[NumberedFile]:
    """Return files by the offsets that their names say."""
    found = (
        NumberedFile(int(path.rpartition("/")[2]), path, shelf.size(path))
        for path in paths
        if is_numbered(path)
    )
    return sorted(found)


def check_reach(files: list[NumberedFile], offset: int, unit: int, what: str) -> None:
    """Refuse a place behind all files; `unit` bytes count as one.

    Raises:
        StoreError: it is.
    """
    start, end = files[0].start // unit, files[-1].end // unit
    if offset >= end:
        raise StoreError(
            f"{what} {offset} is behind the last file, {files[-1].path}, which ends at "
            f"{end}: ask for one from {start} on"
        )


class Window:
    """The piece of a file that is looked at."""

    def __init__(self, shelf: Shelf, path: str) -> None:
        self.data = b""
        self._shelf, self._path = shelf, path
        self._at = 0

    def reach(self, position: int, size: int) -> int:
        """Have `size` bytes of the file in `data`, and return where they are there.

        They are fewer at the file's end.
        """
        place = position - self._at
        if place < 0 or place + size > len(self.data):
            self.refresh(position, size)
            return 0
        return place

    def refresh(self, position: int, size: int) -> None:
        """Read anew, from `position` on: a running broker may have written it."""
        self._at = position
        wanted = max(size, WINDOW_BYTES)
        self.data = self._shelf.read(self._path, position, wanted)

    def find(self, pattern: bytes, position: int) -> Iterator[int]:
        """Yield where in the file a pattern is, from `position` on."""
        keep = len(pattern) - 1
        while piece := self._shelf.read(self._path, position, WINDOW_BYTES):
            at = piece.find(pattern)
            while at >= 0:
                yield position + at
                at = piece.find(pattern, at + 1)
            if len(piece) <= keep:
                return
            position += len(piece) - keep
