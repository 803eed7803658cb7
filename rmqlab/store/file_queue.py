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
from rmqlab.store.disk import Disk, DiskFile
from rmqlab.store.layout import NAME_DIGITS, file_name

_NAME = re.compile(rf"[0-9]{{{NAME_DIGITS}}}")


class FileQueue:
    """The files of one folder, written at the end only.

    `start` and `end` are the offsets of the first byte that is there and of the next
    one to be written; everything before `flushed` survives a crash of the machine.
    """

    def __init__(self, disk: Disk, folder: str, file_size: int) -> None:
        self.file_size = file_size
        self.start = self.end = self.flushed = 0
        self._disk, self._folder = disk, folder
        self._files: dict[int, DiskFile] = {}

    def load(self) -> None:
        """Open the files that are there; `end` is then the end of the last one.

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
            self._files[int(name)] = self._disk.open(path, self.file_size)
        if self._files:
            self.start = min(self._files)
            self.end = self.flushed = max(self._files) + self.file_size
        for start in range(self.start, self.end, self.file_size):
            if start not in self._files:
                raise StoreError(
                    f"{self._folder} lacks {file_name(start)}: put it back"
                )

    @property
    def file_starts(self) -> list[int]:
        """The offsets at which files start, ascending."""
        return sorted(self._files)

    @property
    def is_empty(self) -> bool:
        """Whether there is no file yet."""
        return not self._files

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
        file = self._files.get(start)
        if file is None:
            file = self._disk.open(f"{self._folder}/{file_name(start)}", self.file_size)
            if not self._files:
                self.start = self.flushed = start
            self._files[start] = file
        file.write(at - start, data)
        self.end = at + len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on, of one file, before `end`."""
        start = self.file_start(offset)
        file = self._files.get(start)
        if file is None or offset >= self.end:
            return b""
        return file.read(offset - start, min(size, self.end - offset))

    def truncate(self, end: int) -> None:
        """Forget everything from `end` on, on the disk too."""
        for start in self.file_starts:
            if start >= end:
                self._files.pop(start).close()
                self._disk.remove(f"{self._folder}/{file_name(start)}")
            elif start + self.file_size > end:
                self._files[start].cut(end - start)
        self.end = end if self._files else 0
        self.start = min(self._files, default=0)
        self.flushed = min(self.flushed, self.end)

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
            if first <= start < end:
                await self._files[start].flush()
        self.flushed = max(self.flushed, end)
        return end

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
