"""The disk of this machine.

One write is one `pwrite`: a full disk then is an error that a producer sees, where a
mapped file would kill the process.  `fdatasync` may take long, so it runs on a thread,
one of the only two in the system: on the loop it would stop the whole node.

A small text is renamed into place at once and flushed on that thread.  Its file system
may order the two otherwise, so the text before stays as a backup until then.

Not here: a cache (the operating system has one).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rmqlab.errors import DiskFull, StoreError, StoreLocked

log = logging.getLogger(__name__)

CUT_BYTES = 1 << 20
"""Looked at, and made zeroes, at once."""

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the second
_held: set[str] = set()
"""Lock files of this process: the kernel would grant it the same lock twice."""


@contextlib.contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(doing, error) from error


def _refusal(doing: str, error: OSError) -> StoreError:
    kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreError
    return kind(f"{doing}: {error.strerror}")


def _opened(path: str) -> int:
    """Open a file to be read and written, made with its folders where it is not."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:  # only then: a busy pool opens the same files often
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


class RealFile:
    """An open file of this machine; see `DiskFile`."""

    def __init__(self, path: str, size: int, flusher: ThreadPoolExecutor) -> None:
        self._path, self._flusher = path, flusher
        with _translated(f"cannot open {path}"):
            self._fd = _opened(path)
            self.size = os.fstat(self._fd).st_size
            if self.size == 0:
                os.ftruncate(self._fd, size)  # takes no room before it is written
                self.size = size

    def read(self, offset: int, size: int) -> bytes:
        """See `DiskFile.read`."""
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            raise self._refusal("read", offset, error) from error

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile.write`."""
        try:
            written = os.pwrite(self._fd, data, offset)
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], offset + written)
        except OSError as error:
            raise self._refusal("write", offset, error) from error

    def _refusal(self, verb: str, offset: int, error: OSError) -> StoreError:
        return _refusal(f"cannot {verb} {self._path} at byte {offset}", error)

    def cut(self, offset: int) -> None:
        """See `DiskFile.cut`."""
        # Not by making the file shorter and long again: who dies, or is refused, in
        # between leaves a file that no broker starts with.
        with _translated(f"cannot cut {self._path} at byte {offset}"):
            for start, end in self._written(offset):
                for at in range(start, end, CUT_BYTES):
                    data = os.pread(self._fd, min(CUT_BYTES, end - at), at)
                    if data != bytes(len(data)):
                        self.write(at, bytes(len(data)))

    def _written(self, offset: int) -> Iterator[tuple[int, int]]:
        """Yield from where to where bytes may be that are no zeroes.

        The rest are holes, which is most of a young file: they are not even read.
        """
        if not hasattr(os, "SEEK_DATA"):
            yield offset, self.size
            return
        while offset < self.size:
            try:
                offset = os.lseek(self._fd, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:  # which says that there are none
                    raise
                return
            end = os.lseek(self._fd, offset, os.SEEK_HOLE)
            yield offset, end
            offset = end

    async def flush(self) -> None:
        """See `DiskFile.flush`."""
        with _translated(f"cannot flush {self._path}"):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._flusher, _sync, self._fd)

    def close(self) -> None:
        """See `DiskFile.close`."""
        os.close(self._fd)


class RealLock:
    """A lock on the first byte of a file, as Java's FileChannel takes it."""

    def __init__(self, path: str) -> None:
        if path in _held:
            raise StoreLocked("Lock failed,MQ already started")
        with contextlib.ExitStack() as opened, _translated(f"cannot lock {path}"):
            self._fd = _opened(path)
            opened.callback(os.close, self._fd)
            self._take()
            os.pwrite(self._fd, b"lock", 0)
            opened.pop_all()
        self._path = path
        _held.add(path)

    def _take(self) -> None:
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except (BlockingIOError, PermissionError) as error:  # EAGAIN or EACCES
            raise StoreLocked("Lock failed,MQ already started") from error

    def release(self) -> None:
        """Give the lock up; the file stays, as RocketMQ leaves it."""
        _held.discard(self._path)
        os.close(self._fd)


def _partition(path: str) -> os.statvfs_result:
    """Ask about the disk of a path, or of the folder that will hold it."""
    there = Path(path)
    while not there.exists() and there != there.parent:
        there = there.parent
    with _translated(f"cannot ask how full the disk of {path} is"):
        return os.statvfs(there)


class RealDisk:
    """The files of this machine; see `Disk`."""

    def __init__(self) -> None:
        self._flusher = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._unsafe: dict[str, int] = {}
        """Texts that are not flushed yet, each with the number of its last change."""

    def open(self, path: str, size: int) -> RealFile:
        """See `Disk.open`."""
        return RealFile(path, size, self._flusher)

    def size(self, path: str) -> int | None:
        """See `Disk.size`."""
        with _translated(f"cannot look at {path}"):
            try:
                return Path(path).stat().st_size
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        with _translated(f"cannot list {folder}"):
            try:
                return sorted(entry.name for entry in Path(folder).iterdir())
            except FileNotFoundError:
                return []

    def used_ratio(self, path: str) -> float:
        """See `Disk.used_ratio`; counted as `df` does, in whole percents.

        Source: UtilAll.getDiskPartitionSpaceUsedPercent, release 4.9.7.
        """
        found = _partition(path)
        used = found.f_blocks - found.f_bfree
        return math.ceil(100 * used / max(1, used + found.f_bavail)) / 100

    def room(self, path: str) -> tuple[int, int]:
        """See `Disk.room`."""
        found = _partition(path)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def remove(self, path: str) -> None:
        """See `Disk.remove`."""
        with _translated(f"cannot remove {path}"):
            Path(path).unlink(missing_ok=True)

    def lock(self, path: str) -> RealLock:
        """See `Disk.lock`."""
        return RealLock(path)

    def read_text(self, path: str) -> str | None:
        """See `Disk.read_text`."""
        with _translated(f"cannot read {path}"):
            try:
                return Path(path).read_text("utf-8")
            except FileNotFoundError:
                return None

    def replace_text(self, path: str, text: str) -> None:
        """See `Disk.replace_text`."""
        new, old, backup = Path(f"{path}.tmp"), Path(path), Path(f"{path}.bak")
        with _translated(f"cannot write {path}"):
            old.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text, "utf-8")
            if old.exists() and not (path in self._unsafe and backup.exists()):
                old.replace(backup)
            new.replace(old)
        number = self._unsafe[path] = self._unsafe.get(path, 0) + 1
        self._flusher.submit(self._flush_text, path, number)

    def _flush_text(self, path: str, number: int) -> None:
        """Make a text safe; on the thread.  Until it is, its backup stays."""
        try:
            for one in (path, Path(path).parent):
                fd = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
        except FileNotFoundError:
            return  # somebody removed it meanwhile
        except OSError as error:
            log.error("cannot flush %s: %s", path, error.strerror)  # noqa: TRY400
            return
        if self._unsafe.get(path) == number:
            del self._unsafe[path]

    def close(self) -> None:
        """End the flushing thread once it is idle."""
        self._flusher.shutdown(wait=True)
