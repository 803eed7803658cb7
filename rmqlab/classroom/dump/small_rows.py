"""The small files as rows: checkpoint, abort, lock and the broker's tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rmqlab.classroom.dump.rows import Row, damage
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError, WireError
from rmqlab.protocol.fastjson import Key, loads
from rmqlab.store.checkpoint import FILE_BYTES, TIMES

MAX_TABLE_BYTES = 64 << 20
MAX_NOTE_BYTES = 4096
"""Of abort and lock, which have a few."""


class SmallReader:
    """Reads a file that is no sequence; it is read once."""

    def __init__(self, shelf: Shelf, path: str, kind: str) -> None:
        self._shelf, self._path, self._kind = shelf, path, kind

    @property
    def is_complete(self) -> bool:
        """See `Reader.is_complete`: nothing is ever added to it, it is replaced."""
        return True

    def go_to(self, number: int) -> None:
        """See `Reader.go_to`."""
        self._refuse()

    def go_to_last(self, count: int) -> None:
        """See `Reader.go_to_last`."""
        self._refuse()

    def _refuse(self) -> None:
        raise StoreError(
            f"{self._path} is no sequence with offsets: dump all of it, or name a "
            "file of the commit log, of a consume queue or of the index"
        )

    def rows(self) -> Iterator[Row]:
        """See `Reader.rows`."""
        if self._kind == "checkpoint":
            yield self._checkpoint()
        elif self._kind == "config":
            yield from self._table()
        else:
            content = self._shelf.read(self._path, 0, MAX_NOTE_BYTES)
            facts = {"content": content.decode("utf-8", "replace")}
            yield Row(self._kind, self._path, 0, len(content), facts)

    def _checkpoint(self) -> Row:
        data, size = self._shelf.read(self._path, 0, TIMES.size), self._size()
        if size != FILE_BYTES:
            problem = f"a checkpoint of {size} bytes, it must have {FILE_BYTES}"
            return damage(self._path, 0, problem)
        names = ("physic_msg_timestamp", "logics_msg_timestamp", "index_msg_timestamp")
        facts = dict(zip(names, TIMES.unpack(data), strict=True))
        return Row("checkpoint", self._path, 0, TIMES.size, facts)

    def _table(self) -> Iterator[Row]:
        size = self._size()
        if size > MAX_TABLE_BYTES:
            problem = f"{size} bytes, a table is read up to {MAX_TABLE_BYTES}"
            yield damage(self._path, 0, problem)
            return
        try:
            found = loads(self._shelf.read(self._path, 0, size))
        except WireError as error:
            yield damage(self._path, 0, str(error), length=size)
            return
        tables = found if isinstance(found, dict) else {"": found}
        for table, content in tables.items():
            pairs = content if isinstance(content, dict) else {None: content}
            for key, value in pairs.items():
                facts = {"table": table, "key": key, "value": value}
                row = {name: _plain(one) for name, one in facts.items()}
                yield Row("config", self._path, 0, size, row)

    def _size(self) -> int:
        return self._shelf.size(self._path)


def _plain(value: Any) -> Any:
    """Return what JSON can say: its keys are texts."""
    if isinstance(value, Key):
        return str(_plain(value.as_dict()))
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
