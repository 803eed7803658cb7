"""Three times that say up to when each kind of file is on the disk.

    ┌───────────────┬───────────────────┬──────────┬────────┬───────────────────┐
    │ commit log 8B │ consume queues 8B │ index 8B │ zeroes │ queued  8B and 8B │
    └───────────────┴───────────────────┴──────────┴────────┴───────────────────┘
    store times of messages, in ms;           4,096 bytes in all

After a crash recovery starts in the newest log file whose first message is no younger
than the checkpoint: everything older is known to be safe.

Times are wrong where a clock was set back, and know nothing of a queue that lost its
end.  So in the last bytes, where RocketMQ has zeroes and never looks, there is a log
offset before which all records are in queues on the disk, and how many messages all
queues had then.

Source: StoreCheckpoint.java, release 4.9.7.
"""

from __future__ import annotations

import logging
import struct
from typing import NamedTuple

from rmqlab.store.disk import Disk

log = logging.getLogger(__name__)

TIMES = struct.Struct(">qqq")
QUEUED = struct.Struct(">qq")
FILE_BYTES = 4096
QUEUED_AT = FILE_BYTES - QUEUED.size
MARGIN_MS = 3000
"""Taken off the times when reading: two messages may share a millisecond."""


class Queued(NamedTuple):
    """What is in queues that are on the disk."""

    log_end: int
    """All records before this offset of the log; 0 where RocketMQ wrote the file."""
    messages: int
    """How many, removed ones too, over all queues."""


NOTHING_QUEUED = Queued(0, 0)


class Checkpoint:
    """The times, in memory and in their file."""

    def __init__(self, disk: Disk, path: str) -> None:
        if (size := disk.size(path)) not in (None, 0, FILE_BYTES):
            log.warning("%s has %d bytes, not %d: made anew", path, size, FILE_BYTES)
            disk.remove(path)
        self._file = disk.open(path, FILE_BYTES)
        times = self._file.read(0, TIMES.size)
        self.log_ms, self.queues_ms, self.index_ms = TIMES.unpack(times)
        queued = self._file.read(QUEUED_AT, QUEUED.size)
        self.queued = Queued(*QUEUED.unpack(queued))

    @property
    def safe_ms(self) -> int:
        """Everything stored up to this time is on the disk, in log and queues."""
        return int(max(0, min(self.log_ms, self.queues_ms) - MARGIN_MS))

    async def save(self) -> None:
        """Write the times and flush them.

        Raises:
            StoreError: the disk refused; the old times still stand.
        """
        self._file.write(0, TIMES.pack(self.log_ms, self.queues_ms, self.index_ms))
        self._file.write(QUEUED_AT, QUEUED.pack(*self.queued))
        await self._file.flush()

    def forget_count(self) -> None:
        """Count nothing, until the next save; that is written at once.

        Raises:
            StoreError: the disk refused.
        """
        self.queued = NOTHING_QUEUED
        self._file.write(QUEUED_AT, QUEUED.pack(*self.queued))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
