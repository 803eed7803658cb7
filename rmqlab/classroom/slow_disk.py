"""This machine's disk, whose flushes may be made to take longer.

Not here: slow reads and writes; the texts of `replace_text`, which nobody waits for.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from rmqlab.store.real_disk import RealDisk, RealFile


class SlowDisk(RealDisk):
    """See `RealDisk`."""

    flush_s = 0.0
    """How long every flush takes at least; may be changed at any time."""

    def open(self, path: str, size: int) -> SlowFile:
        """See `Disk.open`."""
        return SlowFile(path, size, self._flusher, self)


class SlowFile(RealFile):
    """See `RealFile`."""

    def __init__(
        self, path: str, size: int, flusher: ThreadPoolExecutor, disk: SlowDisk
    ) -> None:
        super().__init__(path, size, flusher)
        self._disk = disk

    async def flush(self) -> None:
        """See `DiskFile.flush`."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._disk.flush_s
        await super().flush()
        if (rest_s := until_s - loop.time()) > 0:
            await asyncio.sleep(rest_s)
