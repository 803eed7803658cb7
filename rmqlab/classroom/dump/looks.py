"""A look at a file or folder: which rows, chosen by what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rmqlab.classroom.dump.follow import follow
from rmqlab.classroom.dump.log_rows import LogReader
from rmqlab.classroom.dump.numbered import numbered
from rmqlab.classroom.dump.overview import overview
from rmqlab.classroom.dump.queue_rows import QueueReader
from rmqlab.classroom.dump.rows import Range, Reader, Row, damage
from rmqlab.classroom.dump.sources import (
    INDEX,
    KNOWN,
    LOG,
    QUEUE,
    UNKNOWN,
    Source,
    source_of,
    sources,
)
from rmqlab.classroom.looking import Shelf
from rmqlab.errors import StoreError

EVERYTHING = Range()
GROWING = (LOG, QUEUE, INDEX)
"""Kinds of files that have offsets."""


@dataclass(frozen=True)
class Look:
    """What one wants to see of a path on a shelf."""

    shelf: Shelf
    path: str
    range: Range = EVERYTHING
    rows_of_all: bool = False
    """Of a folder: the rows of its files, not an overview of them."""
    all_bytes: bool = False
    """Go on behind damage and bytes never written."""
    slots: int | None = None
    """Of an index file; None: to be found out."""

    def rows(self) -> Iterator[Row]:
        """Yield what is there now.

        Raises:
            StoreError: there is nothing that dump knows, or it has no such range.
        """
        inside = self.shelf.below(self.path)
        if inside and self.range.is_everything:
            return self._of_folder(inside)
        return self.range.cut(self._placed(self._only(inside)).rows())

    def follow(self, wait: Callable[[], bool]) -> Iterator[Row]:
        """Yield what is there and what comes; see `follow`.

        Raises:
            StoreError: it is nothing that grows, or more than one thing.
        """
        inside = self.shelf.below(self.path)
        only = self._only(inside)
        if only.kind not in GROWING:
            raise StoreError(
                f"{self.path} ({only.kind}) does not grow, it is replaced: follow the "
                "commit log, a consume queue or an index file"
            )
        reader = self._placed(only)

        def refresh() -> None:
            if isinstance(reader, LogReader | QueueReader):
                reader.files = numbered(self.shelf, self.shelf.below(self.path))

        rows = follow(reader, wait, refresh if inside else None)
        return self.range.cut(rows)

    def _only(self, inside: list[str]) -> Source:
        """Return the one log, queue or file that is meant."""
        if not inside:
            return self._file()
        found = _known(self.path, sources(self.shelf, inside))
        if len(found) > 1:
            example = next((one for one in found if one.kind in GROWING), found[0])
            raise StoreError(
                f"{self.path} holds {len(found)} logs, queues and other files, each "
                f"with offsets of its own: name one, such as {example.path}, for a "
                "range or to follow it"
            )
        return found[0]

    def _file(self) -> Source:
        try:
            return source_of(self.shelf, self.path)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise StoreError(
                f"at {self.path} there is neither a file nor a folder with any in it"
            ) from error

    def _placed(self, source: Source) -> Reader:
        reader = source.reader(
            self.shelf,
            slots=self.slots,
            with_slots=self.range.is_everything,
            all_bytes=self.all_bytes,
        )
        self.range.place(reader)
        return reader

    def _of_folder(self, inside: list[str]) -> Iterator[Row]:
        found = sources(self.shelf, inside)
        known = _known(self.path, found)
        if not self.rows_of_all:
            return (row for one in found for row in overview(self.shelf, one))
        return (row for one in known for row in self._rows_of(one))

    def _rows_of(self, source: Source) -> Iterator[Row]:
        try:
            yield from self._placed(source).rows()
        except StoreError as error:  # of one file; there are others
            yield damage(source.path, 0, str(error))


def _known(path: str, found: list[Source]) -> list[Source]:
    known = [one for one in found if one.kind != UNKNOWN]
    if not known:
        raise StoreError(f"no file below {path} is one of a store: dump knows {KNOWN}")
    return known
