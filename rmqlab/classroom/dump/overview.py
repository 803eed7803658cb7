"""What is in a store's folder: each file, how much of it is used, first and last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rmqlab.classroom.dump.index_shape import header_of
from rmqlab.classroom.dump.log_rows import LogReader, walk
from rmqlab.classroom.dump.numbered import NumberedFile
from rmqlab.classroom.dump.queue_rows import QueueReader
from rmqlab.classroom.dump.rows import Row
from rmqlab.classroom.dump.small_rows import SmallReader
from rmqlab.classroom.dump.sources import INDEX, LOG, QUEUE, UNKNOWN, Source
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError
from rmqlab.store.layout import QUEUE_ENTRY


def overview(shelf: Shelf, source: Source) -> Iterator[Row]:
    """Yield a row for each file: its kind, size, bytes used, how many, first, last.

    `count` is of records, entries or rows of a table; where the file is damaged a
    `problem` says how.
    """
    if source.kind == LOG:
        for file in source.files:
            yield _file(shelf, source, file.path, _of_log(shelf, file))
    elif source.kind == QUEUE:
        reader = QueueReader(shelf, source.files)
        for file in source.files:
            yield _file(shelf, source, file.path, _of_queue(reader, file))
    else:
        yield _file(shelf, source, source.path, _of_other(shelf, source))


def _file(shelf: Shelf, source: Source, path: str, found: dict[str, Any]) -> Row:
    size = shelf.size(path)
    facts = {
        "what": source.kind,
        "topic": source.topic,
        "queue_id": source.queue_id,
        "size": size,
        "on_disk": shelf.on_disk(path),
        "used": size,
        "count": None,
        "first": None,
        "last": None,
        "first_timestamp": None,
        "last_timestamp": None,
        "problem": None,
    }
    return Row("file", path, 0, size, facts | found)


def _of_log(shelf: Shelf, file: NumberedFile) -> dict[str, Any]:
    """Count a log's records by their heads; only the first and the last are read."""
    count, first, last, end = 0, None, None, file.start
    for place in walk(shelf, file, file.start):
        end = place.offset + place.size
        if not place.is_blank:
            count, first, last = count + 1, first or place, place
    read = [_read(shelf, file, one and one.offset) for one in (first, last)]
    damaged = [one for one in (*read, _read(shelf, file, end)) if "problem" in one]
    return {
        "used": end - file.start,
        "count": count,
        "first": first and first.offset,
        "last": last and last.offset,
        "first_timestamp": read[0].get("store_timestamp"),
        "last_timestamp": read[1].get("store_timestamp"),
        "problem": damaged[0]["problem"] if damaged else None,
    }


def _read(shelf: Shelf, file: NumberedFile, offset: int | None) -> Mapping[str, Any]:
    """Return what is at an offset, or what is wrong with it; nothing of None."""
    if offset is None or offset >= file.end:
        return {}
    row = next(LogReader(shelf, [file], offset).rows(), None)
    return row.facts if row else {}


def _of_queue(reader: QueueReader, file: NumberedFile) -> dict[str, Any]:
    first, count = file.start // QUEUE_ENTRY.size, reader.written(file)
    return {
        "used": count * QUEUE_ENTRY.size,
        "count": count,
        "first": first if count else None,
        "last": first + count - 1 if count else None,
    }


def _of_other(shelf: Shelf, source: Source) -> dict[str, Any]:
    if source.kind == UNKNOWN:
        return {}
    if source.kind == INDEX:
        return _of_index(shelf, source.path)
    rows = list(SmallReader(shelf, source.path, source.kind).rows())
    damaged = next((row for row in rows if row.is_damage), None)
    if damaged is not None:
        return {"problem": damaged.facts["problem"]}
    return {"count": len(rows)}


def _of_index(shelf: Shelf, path: str) -> dict[str, Any]:
    try:
        header = header_of(shelf, path)
    except StoreError as error:
        return {"problem": str(error)}
    count = max(0, header.count - 1)
    return {
        "used": None,  # slots are used here and there
        "count": count,
        "first": 1 if count else None,
        "last": count or None,
        "first_timestamp": header.begin_ms if count else None,
        "last_timestamp": header.end_ms if count else None,
    }
