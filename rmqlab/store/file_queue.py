"""Fixed-size files laid end to end as one long one.

    offset 0            file_size           2 × file_size      end
    ├───────────────────┼───────────────────┼──────────────────┤··········
    00000000000000000000 00000000000000001024 00000000000000002048

A file has its full size from its making; bytes never written read as zeroes.  A write
never crosses from one file into the next: what must not be torn does not fit the rest
of a file is the caller's to know.

Source: MappedFileQueue.java, MappedFile.java, release 4.9.7.
"""

from __future__ import annotations

import re

from rmqlab.errors import StoreError
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.layout import NAME_DIGITS, file_name

_NAME = re.compile(rf"[0-9]{{{NAME_DIGITS}}}")


class FileQueue:
    """The files of one folder, written at the end only.

    `start` and `end` are the offsets of the first byte that is there and of the next
    one to be written; everything before `flushed` survives a crash of the machine.
    """

    def __init__(self, disk: Disk, pool: FilePool, folder: str, file_size: int) -> None:
        self.file_size = file_size
        self.start = self.end = self.flushed = 0
        self._disk, self._pool, self._folder = disk, pool, folder
        self._paths: dict[int, str] = {}
        """By the offset at which the file starts, ascending."""

    def load(self) -> None:
        """Find the files that are there; `end` is then the end of the last one.

        Raises:
            StoreError: a file has another name or size than this queue would give it,
                or one is missing between two others.
        """
        for name in self._disk.names(self._folder):
            path = f"{self._folder}/{name}"
            size, is_named = self._disk.size(path), _NAME.fullmatch(name) is not None
            if is_named and size != self.file_size:
                raise StoreError(
                    f"{path} has {size} bytes, the settings say {self.file_size}: "
                    "length not matched message store config value, please check it "
                    "manually"
                )
            if not is_named or int(name) % self.file_size:
                raise StoreError(f"{path} is no file of a store: move it elsewhere")
            self._paths[int(name)] = path
        if self._paths:
            self.start = min(self._paths)
            self.end = self.flushed = max(self._paths) + self.file_size
        for start in range(self.start, self.end, self.file_size):
            if start not in self._paths:
                raise StoreError(
                    f"{self._folder} lacks {file_name(start)}: put it back"
                )

    @property
    def file_starts(self) -> list[int]:
        """The offsets at which files start, ascending."""
        return list(self._paths)

    @property
    def is_empty(self) -> bool:
        """Whether there is no file yet."""
        return not self._paths

    def file_start(self, offset: int) -> int:
        """Return where the file that holds `offset` starts."""
        return offset - offset % self.file_size

    def left_in_file(self, offset: int) -> int:
        """Return the bytes from `offset` to the end of its file."""
        return self.file_size - offset % self.file_size

    def append(self, data: bytes) -> int:
        """Write `data` at the end and return where it starts.

        Raises:
            DiskFull, StoreError: nothing was added.
        """
        at = self.end
        self.write(at, data)
        return at

    def write(self, at: int, data: bytes) -> None:
        """Write `data` at `at`, in one file; `end` is then after it.

        In a queue without a file, `at` decides where the first one starts.

        Raises:
            DiskFull, StoreError: nothing was added.
        """
        if len(data) > self.left_in_file(at):
            raise StoreError(
                f"{len(data)} bytes at offset {at} of {self._folder} would cross the "
                f"end of a file: each has {self.file_size}"
            )
        start = self.file_start(at)
        path = self._paths.get(start) or f"{self._folder}/{file_name(start)}"
        self._pool.file(path, self.file_size).write(at - start, data)
        if start not in self._paths:
            if not self._paths:
                self.start = self.flushed = start
            self._paths[start] = path
        self.end = at + len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on, of one file, before `end`."""
        start = self.file_start(offset)
        path = self._paths.get(start)
        if path is None or offset >= self.end:
            return b""
        file = self._pool.file(path, self.file_size)
        return file.read(offset - start, min(size, self.end - offset))

    def truncate(self, end: int) -> None:
        """Forget everything from `end` on, on the disk too."""
        for start in reversed(self.file_starts):
            if start >= end:
                self._pool.remove(self._paths.pop(start))
            elif start + self.file_size > end:
                self._pool.file(self._paths[start], self.file_size).cut(end - start)
        self.end = end if self._paths else 0
        self.start = min(self._paths, default=0)
        self.flushed = min(self.flushed, self.end)

    def drop_first(self) -> None:
        """Remove the oldest file; never the last one.

        Raises:
            StoreError: the disk refused; the file still belongs to the queue.
        """
        if len(self._paths) > 1:
            self._pool.remove(self._paths[self.start])
            del self._paths[self.start]
            self.start += self.file_size
            self.flushed = max(self.flushed, self.start)

    def doubt(self) -> None:
        """Take nothing for flushed: who wrote this may have died before it could."""
        self.flushed = self.start

    async def flush(self) -> int:
        """Make what is written now survive a crash; return up to where.

        Raises:
            StoreError: the disk refused; `flushed` stays where it was.
        """
        end = self.end
        first = self.file_start(self.flushed)
        for start in self.file_starts:
            if first <= start < end and start in self._paths:  # not dropped meanwhile
                await self._pool.flush(self._paths[start], self.file_size)
        self.flushed = max(self.flushed, end)
        return end
