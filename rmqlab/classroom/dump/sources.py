"""Which files belong together and what they are: by place and name, else by content.

    …/commitlog/00000000000000000000             one log of all files of the folder
    …/consumequeue/TOPIC/QUEUE/0000000…          one queue, likewise
    …/index/20261128093135089                    each by itself
    …/config/topics.json   …/checkpoint   …/abort   …/lock

A file that was copied elsewhere is recognised by what is in it, as far as that tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from rmqlab.classroom.dump.index_rows import IndexReader
from rmqlab.classroom.dump.log_rows import LogReader
from rmqlab.classroom.dump.numbered import NumberedFile, is_numbered, numbered
from rmqlab.classroom.dump.queue_rows import QueueReader
from rmqlab.classroom.dump.rows import Reader
from rmqlab.classroom.dump.small_rows import MAX_TABLE_BYTES, SmallReader
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import CorruptRecord, StoreError, WireError
from rmqlab.protocol.fastjson import loads
from rmqlab.protocol.record import BLANK_MAGIC, MAGIC, SIZE_AND_MAGIC, Record, decode
from rmqlab.store.checkpoint import FILE_BYTES, TIMES
from rmqlab.store.consume_queue import FILLER_SIZE
from rmqlab.store.index_file import HEADER, Header
from rmqlab.store.layout import QUEUE_ENTRY

LOG, QUEUE, INDEX, CONFIG = "commit log", "consume queue", "index", "config"
CHECKPOINT, ABORT, LOCK = "checkpoint", "abort", "lock"
UNKNOWN = "unknown"

PLACES = {
    LOG: re.compile(r"/commitlog/\d{20}"),
    QUEUE: re.compile(r"/consumequeue/([^/]+)/(\d{1,10})/\d{20}"),
    INDEX: re.compile(r"/index/\d{17}"),
    CONFIG: re.compile(r"/config/[^/]+\.json(\.bak)?"),
    CHECKPOINT: re.compile(r"/checkpoint"),
    ABORT: re.compile(r"/abort"),
    LOCK: re.compile(r"/lock"),
}
KNOWN = (
    "files of the commit log, of a consume queue and of the index, checkpoint, abort, "
    "lock and config/*.json"
)
MANY_MS = 10**12
"""A time since 2001; a log offset as large is a terabyte."""
LATEST_MS = 253_402_300_799_999  # of the year 9999
LOOKED_AT = 64
"""Entries; what starts with as many that agree is a consume queue."""


class Source(NamedTuple):
    """Files that are read as one."""

    kind: str
    path: str
    """Of the only file, or of the folder."""
    files: list[NumberedFile]
    topic: str | None = None
    queue_id: int | None = None

    def reader(
        self,
        shelf: Shelf,
        *,
        slots: int | None = None,
        with_slots: bool = True,
        all_bytes: bool = False,
    ) -> Reader:
        """Return what reads its rows.

        Raises:
            StoreError: it is none of the files that are known here.
        """
        if self.kind == LOG:
            return LogReader(shelf, self.files, all_bytes=all_bytes)
        if self.kind == QUEUE:
            of = self.topic, self.queue_id
            return QueueReader(shelf, self.files, *of, all_bytes=all_bytes)
        if self.kind == INDEX:
            return IndexReader(
                shelf, self.path, slots, with_slots=with_slots, all_bytes=all_bytes
            )
        if self.kind == UNKNOWN:
            raise StoreError(
                f"{self.path} is no file of a store, as far as place, name and content "
                f"tell: dump knows {KNOWN}"
            )
        return SmallReader(shelf, self.path, self.kind)


def source_of(shelf: Shelf, path: str) -> Source:
    """Return what one file is."""
    kind, topic, queue_id = _by_place(path)
    if kind == UNKNOWN:
        kind = _by_content(shelf, path)
    files: list[NumberedFile] = []
    if kind in (LOG, QUEUE):
        files = numbered(shelf, [path]) or [_unnamed(shelf, path, kind)]
    return Source(kind, path, files, topic, queue_id)


def sources(shelf: Shelf, paths: Iterable[str]) -> list[Source]:
    """Return what files are, those of one log or queue together; `paths` are sorted."""
    found: list[Source] = []
    for folder, group in groupby(paths, lambda path: path.rpartition("/")[0]):
        inside = list(group)
        together = [path for path in inside if is_numbered(path)]
        if together:
            found += _joined(shelf, folder, together)
        found += [source_of(shelf, path) for path in inside if path not in together]
    return found


def _joined(shelf: Shelf, folder: str, paths: list[str]) -> list[Source]:
    """Return a folder's numbered files as one, if any of them says what they are."""
    each = (source_of(shelf, path) for path in paths)
    known = next((one for one in each if one.kind in (LOG, QUEUE)), None)
    if known is None:
        return [Source(UNKNOWN, path, []) for path in paths]
    return [known._replace(path=folder, files=numbered(shelf, paths))]


def _by_place(path: str) -> tuple[str, str | None, int | None]:
    for kind, pattern in PLACES.items():
        if match := re.search(rf"(?:{pattern.pattern})\Z", path):
            is_queue = kind == QUEUE
            return (
                kind,
                match[1] if is_queue else None,
                int(match[2]) if is_queue else None,
            )
    return UNKNOWN, None, None


def _by_content(shelf: Shelf, path: str) -> str:
    size, head = shelf.size(path), shelf.read(path, 0, FILE_BYTES)
    if _is_log(head):
        return LOG
    if _is_index(head, size):
        return INDEX
    if _is_checkpoint(head, size):
        return CHECKPOINT
    if not size % QUEUE_ENTRY.size and _is_queue(head):
        return QUEUE
    if head.startswith(b"{") and size <= MAX_TABLE_BYTES:
        return CONFIG if _is_json(shelf.read(path, 0, size)) else UNKNOWN
    return UNKNOWN


def _is_log(head: bytes) -> bool:
    return len(head) >= SIZE_AND_MAGIC.size and SIZE_AND_MAGIC.unpack_from(head)[1] in (
        MAGIC,
        BLANK_MAGIC,
    )


def _is_index(head: bytes, size: int) -> bool:
    if len(head) < HEADER.size:
        return False
    header = Header(*HEADER.unpack_from(head))
    return (
        MANY_MS < header.begin_ms <= header.end_ms <= LATEST_MS
        and 0 <= header.begin_offset <= header.end_offset
        and 0 <= header.slot_count < size
        and 1 <= header.count < size
    )


def _is_checkpoint(head: bytes, size: int) -> bool:
    if size != FILE_BYTES or any(head[TIMES.size :]):
        return False
    times = TIMES.unpack_from(head)
    return any(times) and all(not at or MANY_MS < at < LATEST_MS for at in times)


def _is_queue(head: bytes) -> bool:
    """Whether there are entries, each behind the record of the one before."""
    whole = head[: LOOKED_AT * QUEUE_ENTRY.size]
    whole = whole[: len(whole) - len(whole) % QUEUE_ENTRY.size]
    end = 0
    for offset, size, _ in QUEUE_ENTRY.iter_unpack(whole):
        if not size and not offset:
            break
        if (offset, size) == (0, FILLER_SIZE):
            end = end or 1
            continue
        if size <= 0 or offset < (end if end > 1 else 0):
            return False
        end = offset + size
    return end > 0


def _is_json(data: bytes) -> bool:
    try:
        loads(data)
    except WireError:
        return False
    return True


def _unnamed(shelf: Shelf, path: str, kind: str) -> NumberedFile:
    """Return a file whose name says no offset: its first record does, else it is 0."""
    start, size = 0, shelf.size(path)
    if kind == LOG:
        head = shelf.read(path, 0, SIZE_AND_MAGIC.size)
        wanted = min(max(SIZE_AND_MAGIC.unpack(head)[0], 0), size)
        try:
            first = decode(shelf.read(path, 0, wanted))
        except CorruptRecord:
            first = None
        start = first.physical_offset if isinstance(first, Record) else 0
    return NumberedFile(start, path, size)
