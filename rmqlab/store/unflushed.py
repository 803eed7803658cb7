"""What was written to a queue of files and is not known to be safe yet.

A flush that fails says nothing of the next one.  The kernel tells an error once, and
then may take the pages that it could not write for clean: a second flush succeeds, and
the bytes are nowhere.  (RocketMQ believes the second flush.)  So what a failed flush
was to make safe is written again before the next one.  It has to be read back for that,
and the kernel may have dropped it, too: it counts only with the checksum of what was
once written.

Source: T. Ts'o and others, "PostgreSQL's fsync() surprise", LWN 2018;
A. Rebello and others, "Can Applications Recover from fsync Failures?", 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from rmqlab.store.disk import DiskFile

CHUNK_BYTES = 1 << 20


@dataclass(slots=True)
class Span:
    """Bytes of one file, by their offsets in the queue of files."""

    start: int
    end: int
    checksum: int


def checksum_of(file: DiskFile, start: int, end: int) -> int:
    """Return the checksum of a file's bytes, read piece by piece.

    Raises:
        StoreError: the disk refused.
    """
    checksum = 0
    for at in range(start, end, CHUNK_BYTES):
        checksum = crc32(file.read(at, min(CHUNK_BYTES, end - at)), checksum)
    return checksum


class Unflushed:
    """The spans, ascending.  One grows until a flush begins."""

    def __init__(self, file_size: int) -> None:
        self._file_size = file_size
        self.spans: list[Span] = []
        self._growing: Span | None = None

    def wrote(self, at: int, data: bytes) -> None:
        """Note that `data` was written at `at`, in one file."""
        span = self._growing
        if span is None or span.end != at or at % self._file_size == 0:
            span = self._growing = Span(at, at, 0)
            self.spans.append(span)
        span.checksum = crc32(data, span.checksum)
        span.end += len(data)

    def seal(self) -> None:
        """A flush begins: what is written from now on is none of its business."""
        self._growing = None

    def forget(self, end: int) -> None:
        """A flush went well that began at `end`."""
        if self._growing and self._growing.end <= end:
            self._growing = None
        self.spans = [one for one in self.spans if one.end > end]
