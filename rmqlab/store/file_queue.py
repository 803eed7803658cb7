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

import asyncio
import contextlib
import re
from dataclasses import replace
from zlib import crc32

from rmqlab.errors import StoreError
from rmqlab.store.disk import Disk, DiskFile
from rmqlab.store.file_pool import FilePool
from rmqlab.store.layout import NAME_DIGITS, file_name
from rmqlab.store.unflushed import CHUNK_BYTES, Span, Unflushed, checksum_of

MOST_UNFLUSHED_BYTES = 16 << 20
"""While flushes fail: all of it is written again before each attempt."""

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
        self._unflushed = Unflushed(file_size)
        self._has_failed = False
        """Whether the last flush did."""
        self._is_doubtful = False
        """Whether all that is not flushed is to be written again before."""
        self._torn_at: int | None = None
        """Where a write failed that may have left a part."""
        self._lost = ""
        """Why nothing can be added any more, if so."""

    def load(self) -> None:
        """Find the files that are there; `end` is then the end of the last one.

        Raises:
            StoreError: a file has another name or size than this queue would give it,
                or one is missing between two others.
        """
        for name in self._disk.names(self._folder):
            path = f"{self._folder}/{name}"
            size, is_named = self._disk.size(path), _NAME.fullmatch(name) is not None
            if is_named and size == 0:
                continue  # its maker died before it got its size
            if is_named and size not in (None, self.file_size):
                raise StoreError(
                    f"{path} has {size} bytes, the settings say {self.file_size}: "
                    "length not matched message store config value, please check it "
                    "manually"
                )
            if not is_named or size is None or int(name) % self.file_size:
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
        """Whether nothing is in it: then the next write decides where it starts."""
        return self.start == self.end

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

        Raises:
            DiskFull, StoreError: nothing was added.
        """
        if len(data) > self.left_in_file(at):
            raise StoreError(
                f"{len(data)} bytes at offset {at} of {self._folder} would cross the "
                f"end of a file: each has {self.file_size}"
            )
        self._check_health()
        if self.is_empty:
            self._begin(self.file_start(at))
        try:
            self._file(at).write(at % self.file_size, data)
        except StoreError:
            self._torn_at = at
            with contextlib.suppress(StoreError):  # else before the next write
                self._mend(at)
            raise
        start = self.file_start(at)
        self._paths[start] = self._path(start)
        self._unflushed.wrote(at, data)
        self.end = at + len(data)

    def _begin(self, start: int) -> None:
        """Have the first file start here; one that a recovery emptied may not do so."""
        for other in self.file_starts:
            if other != start:
                self._pool.remove(self._paths[other])
                del self._paths[other]
        self.start = self.end = self.flushed = start

    def _check_health(self) -> None:
        """Refuse to go on where earlier writes or flushes came to a bad end."""
        if self._lost:
            raise StoreError(self._lost)
        waiting = self.end - self.flushed
        if self._has_failed and waiting > MOST_UNFLUSHED_BYTES:
            raise StoreError(
                f"{waiting} bytes of {self._folder} could not be flushed, at most "
                f"{MOST_UNFLUSHED_BYTES} may wait for a disk that fails: mend it"
            )
        if self._torn_at is not None:
            self._mend(self._torn_at)

    def _mend(self, at: int) -> None:
        """Cut off what a failed write may have left: it must not come to life.

        A shorter record in its place would have the rest of it behind itself, and a
        recovery look there for messages.
        """
        self._file(at).cut(at % self.file_size)
        self._torn_at = None

    def _path(self, start: int) -> str:
        return self._paths.get(start) or f"{self._folder}/{file_name(start)}"

    def _file(self, offset: int) -> DiskFile:
        """Return the file that holds `offset`, made where it is not."""
        return self._pool.file(self._path(self.file_start(offset)), self.file_size)

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on, of one file, before `end`."""
        if self.file_start(offset) not in self._paths or offset >= self.end:
            return b""
        size = min(size, self.end - offset)
        return self._file(offset).read(offset % self.file_size, size)

    def truncate(self, end: int) -> None:
        """Forget everything from `end` on, on the disk too."""
        for start in reversed(self.file_starts):
            if start >= end and start > self.start:
                self._pool.remove(self._paths.pop(start))
            elif start + self.file_size > end:
                self._file(start).cut(end - start)
        self.end = end
        self.flushed = min(self.flushed, self.end)
        if any(span.end > end for span in self._unflushed.spans):
            self.doubt(self._unflushed.spans[0].start)

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

    def drop_all(self) -> None:
        """Remove all files; nothing may be added any more.

        Raises:
            StoreError: the disk refused; call again.
        """
        for start in reversed(self.file_starts):
            self._pool.remove(self._paths[start])
            del self._paths[start]
        self._unflushed.spans.clear()
        self.start = self.flushed = self.end

    def doubt(self, offset: int) -> None:
        """Take nothing from `offset` on for flushed, which is there already.

        Who wrote it may have died before it could, or after it could not: it is written
        again before it is flushed.
        """
        self.flushed = min(self.flushed, offset)
        self._unflushed.spans.clear()
        for file_start in self.file_starts:
            start = max(file_start, offset)
            end = min(file_start + self.file_size, self.end)
            if start < end:
                file = self._file(file_start)
                checksum = checksum_of(file, start - file_start, end - file_start)
                self._unflushed.spans.append(Span(start, end, checksum))
        self._unflushed.seal()
        self._is_doubtful = True

    async def flush(self) -> int:
        """Make what is written now survive a crash; return up to where.

        Raises:
            DiskFull, StoreError: the disk refused; `flushed` stays where it was.
        """
        if self._is_doubtful:
            await self._write_again()
        end = self.end
        first = self.file_start(self.flushed)
        if not self._has_failed:  # else there were ever more spans
            self._unflushed.seal()
        try:
            for start in self.file_starts:
                if first <= start < end and start in self._paths:  # not dropped
                    await self._pool.flush(self._paths[start], self.file_size)
        except BaseException:  # who is cancelled never learns how it went
            self._has_failed = self._is_doubtful = True
            raise
        self._has_failed = False
        self._unflushed.forget(end)
        self.flushed = max(self.flushed, end)
        return end

    async def _write_again(self) -> None:
        """Write what no flush has made safe; see `unflushed`.

        After a crash that may be much, so others have their turn after each piece.
        """
        for span in [replace(one) for one in self._unflushed.spans]:  # they may grow
            checksum = 0
            for at in range(span.start, span.end, CHUNK_BYTES):
                data = self.read(at, min(CHUNK_BYTES, span.end - at))
                if not data:
                    break  # removed meanwhile
                checksum = crc32(data, checksum)
                self._file(at).write(at % self.file_size, data)
                await asyncio.sleep(0)
            else:
                self._expect(span, checksum)
        self._is_doubtful = False

    def _expect(self, span: Span, checksum: int) -> None:
        """Go on only if what was written again is what was written once."""
        if checksum != span.checksum:
            path, at = self._path(self.file_start(span.start)), span.start
            self._lost = (
                f"{path} lost bytes from {at % self.file_size} on when a flush failed:"
                " nothing can be added before the broker is started again, which "
                "cuts them off"
            )
            raise StoreError(self._lost)
