"""The key index: finds messages by topic and key, over many files.

    index/20261128093135089   full      ┐ each named by the time of its first message
    index/20261128093138432   full      │ (UTC), or a name after the one before
    index/20261128093141909   growing   ┘

A message is entered under its unique id and under each of its keys, in the order of
the log.  All the index knows is in the log, too: whatever cannot be trusted is removed,
together with all younger files, and the store offers those records again, from
`start_needed` on.  After a crash only full files are trusted that the checkpoint
vouches for: RocketMQ flushes no other, and loses the keys of those it then removes.

Not here: what a file looks like (`index_file`); whether a message found has the key, or
only another one of the same hash (`reading`).

Source: IndexService.java, release 4.9.7.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

from rmqlab.errors import StoreError
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import keys_of
from rmqlab.protocol.record import Record
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.index_file import IndexFile, Shape, key_hash

log = logging.getLogger(__name__)

NAME_DIGITS = 17  # yyyyMMddHHmmssSSS
_NAME = re.compile(rf"[0-9]{{{NAME_DIGITS}}}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # of the year 9999


class Index:
    """The files of one folder, oldest first; entries are added to the last one."""

    def __init__(self, disk: Disk, pool: FilePool, folder: str, shape: Shape) -> None:
        self.shape = shape
        self._disk, self._pool, self._folder = disk, pool, folder
        self._files: list[IndexFile] = []

    def load(self, safe_ms: int | None = None) -> None:
        """Find the files that are there, and remove those not to be trusted.

        After a crash `safe_ms` is the checkpoint's time, None after a clean stop.

        Raises:
            StoreError: a file has another name or size than this index would give it.
        """
        paths = [f"{self._folder}/{name}" for name in self._disk.names(self._folder)]
        for path in paths:
            self._check(path)
        is_trusted = True
        for path in paths:
            is_trusted = is_trusted and self._takes(path, safe_ms)
            if not is_trusted:
                log.info("index file is made anew path=%s", path)
                self._pool.remove(path)

    def _check(self, path: str) -> None:
        size, wanted = self._disk.size(path), self.shape.file_bytes
        if not _NAME.fullmatch(path.removeprefix(f"{self._folder}/")):
            raise StoreError(f"{path} is no file of an index: move it elsewhere")
        if size not in (0, wanted):  # 0: its maker died before it got its size
            raise StoreError(
                f"{path} has {size} bytes, an index file of "
                f"maxHashSlotNum={self.shape.slots} and "
                f"maxIndexNum={self.shape.entries} has {wanted}: move the file "
                "elsewhere, the index is made anew from the log"
            )

    def _takes(self, path: str, safe_ms: int | None) -> bool:
        """Take the file, the next one by its name, where it can be trusted."""
        file = IndexFile(self._pool, path, self.shape)
        header = file.header
        is_next = file.is_sound and header.begin_offset >= self.end_offset
        is_safe = safe_ms is None or (file.is_full and header.end_ms <= safe_ms)
        if is_next and is_safe:
            self._files.append(file)
        return is_next and is_safe

    @property
    def end_offset(self) -> int:
        """Where in the log the newest record with a key starts; 0 without any."""
        return self._files[-1].header.end_offset if self._files else 0

    @property
    def last_update_ms(self) -> int:
        """When the newest record with a key was stored, in ms; 0 without any."""
        return self._files[-1].header.end_ms if self._files else 0

    def start_needed(self, log_start: int) -> int:
        """Return the log offset from which on all records have to be entered."""
        return max(log_start, self.end_offset)

    def enter(self, record: Record, properties: Mapping[str, str]) -> None:
        """Enter a record under each of its keys; nothing where that was done before.

        Records come in the order of the log.  One that is rolled back has no entry.

        Raises:
            DiskFull, StoreError: some of its keys are missing; enter it again.
        """
        offset, end = record.physical_offset, self.end_offset
        if _is_rolled_back(record) or (self._files and offset < end):
            return
        hashes = [key_hash(record.topic, key) for key in keys_of(properties)]
        if self._files and offset == end:
            hashes = [one for one in hashes if not self._has(one, offset)]
        for one in hashes:
            self._put(one, offset, max(0, record.store_timestamp))

    def _has(self, key_hash: int, offset: int) -> bool:
        """Whether the newest record has this key already: maybe in the file before."""
        newest_first = reversed(self._files)
        its = takewhile(lambda one: one.header.end_offset >= offset, newest_first)
        return any(file.has(key_hash, offset) for file in its)

    def _put(self, key_hash: int, offset: int, store_ms: int) -> None:
        if self._files and self._files[-1].put(key_hash, offset, store_ms):
            return
        path = f"{self._folder}/{self._next_name(store_ms)}"
        file = IndexFile(self._pool, path, self.shape)
        file.put(key_hash, offset, store_ms)
        self._files.append(file)

    def _next_name(self, store_ms: int) -> str:
        moment = _EPOCH + timedelta(milliseconds=min(store_ms, _LAST_MS))
        name = f"{moment:%Y%m%d%H%M%S}{store_ms % 1000:03d}"
        if not self._files:
            return name
        last = self._files[-1].path.removeprefix(f"{self._folder}/")
        return f"{max(int(name), int(last) + 1):0{NAME_DIGITS}d}"

    def find(
        self, topic: str, key: str, most: int, begin_ms: int, end_ms: int
    ) -> list[int]:
        """Return log offsets of messages with this key or its hash, newest first.

        At most `most`, of those stored from `begin_ms` to `end_ms`.
        """
        found: list[int] = []
        wanted = key_hash(topic, key)
        for file in reversed(self._files):
            if len(found) >= most:
                break
            header = file.header
            if header.begin_ms <= end_ms and begin_ms <= header.end_ms:
                more = file.find(wanted, most, begin_ms, end_ms)
                found += [offset for offset in more if offset not in found]
        return found[:most]

    def cut(self, log_end: int) -> None:
        """Remove the files that know of more than the log has."""
        while self._files and self.end_offset >= log_end:
            self._remove_last()

    def _remove_last(self) -> None:
        self._pool.remove(self._files[-1].path)
        self._files.pop()

    def drop_before(self, log_start: int) -> None:
        """Remove the files of which the log has nothing any more; never the last.

        Raises:
            StoreError: the disk refused; the file still belongs to the index.
        """
        while len(self._files) > 1 and self._files[0].header.end_offset < log_start:
            self._pool.remove(self._files[0].path)
            del self._files[0]

    def save(self) -> None:
        """Write the headers, so that a look into the files sees what they hold.

        Raises:
            DiskFull, StoreError: some are old.
        """
        for file in self._files:
            if not file.is_flushed:
                file.save()

    async def flush_full(self) -> int | None:
        """Flush the files that have a successor, up to one whose flush failed before.

        Return the time for the checkpoint, up to which files need not be made anew
        after a crash; None while there is none.

        Raises:
            DiskFull, StoreError: the disk refused; nothing is promised.
        """
        safe_ms = None
        for file, following in pairwise(self._files.copy()):
            if file.is_doubtful:
                break
            if file in self._files:  # not dropped meanwhile
                await file.flush()
                # Both may end in one millisecond, and the second is not flushed.
                safe_ms = min(file.header.end_ms, following.header.end_ms - 1)
        return safe_ms

    async def flush(self) -> None:
        """Flush all files, as at a stop; the next start makes doubtful ones anew.

        Raises:
            DiskFull, StoreError: the disk refused; nothing is promised.
        """
        while any(file.is_doubtful for file in self._files):
            self._remove_last()
        for file in self._files.copy():
            if file in self._files:
                await file.flush()


def _is_rolled_back(record: Record) -> bool:
    mask = SysFlag.TRANSACTION_ROLLBACK
    return record.sys_flag & mask == mask
