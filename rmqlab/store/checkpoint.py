"""Three times that say up to when each kind of file is on the disk.

    ┌────────────────────┬────────────────────┬────────────────────┬───────────┐
    │ commit log      8B │ consume queues  8B │ index           8B │ zeroes    │
    └────────────────────┴────────────────────┴────────────────────┴───────────┘
    store times of messages, in ms; 4,096 bytes in all

After a crash recovery starts in the newest log file whose first message is no younger
than the checkpoint: everything older is known to be safe.

Source: StoreCheckpoint.java, release 4.9.7.
"""

from __future__ import annotations

import struct

from rmqlab.store.disk import Disk

TIMES = struct.Struct(">qqq")
FILE_BYTES = 4096
MARGIN_MS = 3000
"""Taken off the times when reading: two messages may share a millisecond."""


class Checkpoint:
    """The times, in memory and in their file."""

    def __init__(self, disk: Disk, path: str) -> None:
        self._file = disk.open(path, FILE_BYTES)
        data = self._file.read(0, TIMES.size).ljust(TIMES.size, b"\0")  # if it was cut
        self.log_ms, self.queues_ms, self.index_ms = TIMES.unpack(data)

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
        await self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
