"""The seam to the files.  The store touches the disk through these few verbs only.

`real_disk` does them with the operating system; a simulation has its own, on which
what was not flushed can be lost, and which can be full, slow or broken.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol


class DiskFile(Protocol):
    """An open file of fixed size; bytes never written read as zeroes."""

    size: int

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on; fewer at the file's end."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`: all of it, or an error and perhaps a part of it.

        Raises:
            DiskFull: there is no room.
            StoreError: the disk refused otherwise.
        """
        ...

    def cut(self, offset: int) -> None:
        """Make every byte from `offset` on read as zero again.

        What a crash left behind must not come to life when later writes end just
        before it.
        """
        ...

    def flush(self) -> Awaitable[None]:
        """Make everything written so far survive a crash of the machine.

        Only this may take long; it never stops the event loop.

        Raises:
            StoreError: the disk refused; nothing is promised, not even by a later
                flush that succeeds: what matters must be written again.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Lock(Protocol):
    """A lock file that is held."""

    def release(self) -> None:
        """Give it up."""
        ...


class Disk(Protocol):
    """The files of a machine, by path."""

    def open(self, path: str, size: int) -> DiskFile:
        """Open a file, made with `size` zero bytes (and its folders) where it is not.

        Raises:
            DiskFull, StoreError: it cannot be made or opened.
        """
        ...

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, None where there is no such file."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder, sorted; nothing where there is no such folder.

        Raises:
            StoreError: it is no folder.
        """
        ...

    def used_ratio(self, path: str) -> float:
        """Return how full the disk is that holds `path`, or will: 0.0 to 1.0.

        Raises:
            StoreError: it cannot be asked.
        """
        ...

    def room(self, path: str) -> tuple[int, int]:
        """Return the bytes of the disk that holds `path`: all, and those free.

        Raises:
            StoreError: it cannot be asked.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a file; fine where there is none.

        Raises:
            StoreError: the disk refused.
        """
        ...

    def lock(self, path: str) -> Lock:
        """Hold the lock file at `path`, made where it is not.

        Raises:
            StoreLocked: another broker holds it.
            DiskFull, StoreError: it cannot be made or locked.
        """
        ...

    def read_text(self, path: str) -> str | None:
        """Return a small file's text, None where there is no such file.

        Raises:
            StoreError: the disk refused.
        """
        ...

    def replace_text(self, path: str, text: str) -> None:
        """Put a small file in place; never waits for the disk.

        A process's death leaves the old or the new one.  So may a machine's crash soon
        after, or no sound one: then ``PATH.bak`` is the last one that was safe.

        Raises:
            DiskFull, StoreError: the old file is still in place.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
