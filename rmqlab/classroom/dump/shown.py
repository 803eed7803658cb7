"""A dump as a notebook shows it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import islice
from typing import overload

from rmqlab.classroom.dump.byte_map import ByteMap
from rmqlab.classroom.dump.looks import Look
from rmqlab.classroom.dump.rows import Range, Row
from rmqlab.classroom.dump.words import line
from rmqlab.classroom.looking import Shelf, StoreFiles
from rmqlab.errors import StoreError

MOST_ROWS = 1000
"""In a notebook; ask for a range to see others."""
MAX_MAP_BYTES = 8 << 20
KINDS = {
    "record": "record",
    "blank": "blank",
    "queue_entry": "queue entry",
    "filler": "queue entry",
    "index_header": "index header",
    "index_slot": "index slot",
    "index_entry": "index entry",
    "checkpoint": "checkpoint",
}
"""Which layout a row's bytes have."""


class Dump(Sequence[Row]):
    """Rows of a store's files; `dump[0].facts` are the first one's."""

    def __init__(self, shelf: Shelf, rows: list[Row], *, is_all: bool = True) -> None:
        self.rows, self.is_all = rows, is_all
        self._shelf = shelf

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        return self.rows[at]

    def __len__(self) -> int:
        return len(self.rows)

    def data(self, at: int) -> bytes:
        """Return the bytes of a row, read now.

        Raises:
            StoreError: they are too many.
        """
        row = self.rows[at]
        if row.length > MAX_MAP_BYTES:
            raise StoreError(f"{row.length} bytes; shown are at most {MAX_MAP_BYTES}")
        return self._shelf.read(row.file, row.position, row.length)

    def byte_map(self, at: int) -> ByteMap:
        """Return the byte map of a row.

        Raises:
            StoreError: there is none of its kind.
        """
        kind = self.rows[at].kind
        return ByteMap(KINDS.get(kind, kind), self.data(at))

    def __repr__(self) -> str:
        """A fixed text: a notebook's outputs can be compared."""
        return f"dump of {len(self)} rows"

    def __str__(self) -> str:
        """A line a row."""
        more = [] if self.is_all else [f"… more than {len(self)}: ask for a range"]
        return "\n".join([*map(line, self.rows), *more])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def dump(
    files: StoreFiles,
    path: str = "",
    *,
    first: int | None = None,
    to: int | None = None,
    count: int | None = None,
    last: int | None = None,
    rows: bool = False,
    all_bytes: bool = False,
    slots: int | None = None,
) -> Dump:
    """Return what is in a broker's store, or in the file or folder `path` of it.

    A folder gives an overview of its files, and their rows where a range or `rows` is
    asked for: `first` and `to` are offsets in the log, queue offsets or entry numbers.

    Raises:
        StoreError: there is nothing that dump knows, or it has no such range.
    """
    chosen = Range(first, to, count, last)
    where = _path(files, path)
    look = Look(files.shelf, where, chosen, rows, all_bytes, slots)
    found = list(islice(look.rows(), MOST_ROWS + 1))
    return Dump(files.shelf, found[:MOST_ROWS], is_all=len(found) <= MOST_ROWS)


def _path(files: StoreFiles, path: str) -> str:
    """Return where a path of the store is: only the commit log may lie elsewhere."""
    head, _, rest = path.strip("/").partition("/")
    is_log = head == "commitlog"
    top = files.paths.commit_log if is_log else f"{files.paths.root}/{head}"
    return f"{top}/{rest}".rstrip("/")
