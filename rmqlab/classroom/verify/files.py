"""A store's files as they are read by who changes nothing.

    Files       names, sizes and bytes, by path
    HostFiles   of a folder of this machine, each opened only for reading
    ShelfFiles  of whatever a notebook looks into
    Pieces      one file read forward: a piece at a time is kept

Not here: which file is what (`folder`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError

PIECE_BYTES = 1 << 20
ZEROES = bytes(PIECE_BYTES)


class Files(Protocol):
    """Files that are read only; `Disk` has the same verbs among its own."""

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder, sorted; nothing where there is no such folder.

        Raises:
            StoreError: it is no folder, or may not be read.
        """
        ...

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, None where there is no such file."""
        ...

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Return a piece of a file, fewer bytes at its end.

        Raises:
            StoreError: it is not there, or may not be read.
        """
        ...


class HostFiles:
    """The files of this machine, or of a host that is a folder of it."""

    def __init__(self, host: Path = Path("/")) -> None:
        self._host = host

    def here(self, path: str) -> Path:
        """Return where a path of the host is on this machine."""
        return self._host / path.lstrip("/")

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        with _translated("list", folder):
            try:
                return sorted(entry.name for entry in self.here(folder).iterdir())
            except FileNotFoundError:
                return []

    def size(self, path: str) -> int | None:
        """See `Files.size`."""
        here = self.here(path)
        with _translated("look at", path):
            return here.stat().st_size if here.is_file() else None

    def read(self, path: str, offset: int, size: int) -> bytes:
        """See `Files.read`."""
        with _translated("read", path):
            number = os.open(self.here(path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.pread(number, size, offset)
            finally:
                os.close(number)


class ShelfFiles:
    """The files of a shelf, such as a simulated machine's."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        inside = f"{folder}/"
        paths = self._shelf.below(folder)
        return sorted({path.removeprefix(inside).split("/")[0] for path in paths})

    def size(self, path: str) -> int | None:
        """See `Files.size`."""
        folder, _, _ = path.rpartition("/")
        return self._shelf.size(path) if path in self._shelf.below(folder) else None

    def read(self, path: str, offset: int, size: int) -> bytes:
        """See `Files.read`."""
        return self._shelf.read(path, offset, size)


@contextmanager
def _translated(verb: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {verb} {path}: {error.strerror}") from error


class Part(NamedTuple):
    """One file of a row of files: which bytes of the whole it has."""

    start: int
    path: str
    size: int

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.start + self.size


class Pieces:
    """A file that is read forward: the piece around the last place stays in memory."""

    def __init__(self, files: Files, path: str, piece_bytes: int = PIECE_BYTES) -> None:
        self._files, self._path, self._piece_bytes = files, path, piece_bytes
        self._data, self._at = b"", 0

    def at(self, offset: int, size: int) -> tuple[bytes, int]:
        """Return bytes and where in them `offset` is; `size` follow, if there are."""
        inside = offset - self._at
        if inside < 0 or inside + size > len(self._data):
            wanted = max(size, self._piece_bytes)
            self._data = self._files.read(self._path, offset, wanted)
            self._at, inside = offset, 0
        return self._data, inside


def data_end(files: Files, path: str, start: int, size: int) -> int:
    """Return the offset after the last byte that is not zero, `start` without any."""
    end = size
    while end > start:
        at = max(start, end - PIECE_BYTES)
        data = files.read(path, at, end - at)
        if data != ZEROES[: len(data)]:  # much quicker than to strip a gigabyte
            return at + len(data.rstrip(b"\0"))
        end = at
    return start
