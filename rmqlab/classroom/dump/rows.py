"""A row of a dump: one thing that lies in a store's file, and what it says.

The kinds of rows:

    record   blank   unwritten                   in the commit log
    queue_entry   filler                         in a consume queue
    index_header   index_slot   index_entry      in an index file
    checkpoint   abort   lock   config           in a file of that name
    file                                         a whole file, in an overview
    damage                                       what cannot be what it should be
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Row(NamedTuple):
    """`length` bytes of `file`, from the byte `position` on.

    `number` is its place in the file's own unit: the offset in the log, the queue
    offset, the entry's number; None where the row is not one of a sequence.
    """

    kind: str
    file: str
    position: int
    length: int
    facts: Mapping[str, Any]
    number: int | None = None

    @property
    def is_damage(self) -> bool:
        """Whether these bytes are not what they should be."""
        return self.kind == "damage"

    def to_json(self) -> str:
        """Return the row as one line."""
        where = {"kind": self.kind, "file": self.file, "position": self.position}
        return json.dumps({**where, "length": self.length, **self.facts})


def damage(
    file: str,
    position: int,
    problem: str,
    *,
    number: int | None = None,
    length: int = 0,
) -> Row:
    """Return the row that says what is wrong at a place."""
    return Row("damage", file, position, length, {"problem": problem}, number)


class Reader(Protocol):
    """A place in a sequence of things, and the rows from there on."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing can be added to what was read: the file is full."""
        ...

    def go_to(self, number: int) -> None:
        """Move to the first thing at or after `number`.

        Raises:
            StoreError: the files end before it.
        """
        ...

    def go_to_last(self, count: int) -> None:
        """Move so that `count` things are left, or all that there are."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield what there is and stand behind it: the next call yields what is new.

        A row of damage is the last one, and comes again.
        """
        ...


@dataclass(frozen=True)
class Range:
    """Which rows: `first` ≤ number < `to`, at most `count`; or the `last` ones."""

    first: int | None = None
    to: int | None = None
    count: int | None = None
    last: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Range()

    def place(self, reader: Reader) -> None:
        """Move a reader to where the range begins."""
        if self.last is not None:
            reader.go_to_last(self.last)
        elif self.first is not None:
            reader.go_to(self.first)

    def cut(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield rows up to where the range ends; those without a number all belong."""
        left = self.count
        for row in rows:
            if row.number is not None and self.to is not None and row.number >= self.to:
                return
            yield row
            if row.number is not None and left is not None:
                left -= 1
                if not left:
                    return
