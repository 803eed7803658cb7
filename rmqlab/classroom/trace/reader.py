"""Lines → events, one at a time; a line that is no event is an error that says so."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from rmqlab.classroom.trace import SCHEMA, VERSION, BadTrace, Event

MAX_LINE = 1 << 26
SHOWN = 60


class Trace:
    """A trace in a file: `first` is its first event, iterating yields the others.

    Raises:
        BadTrace: it cannot be read, is no trace, or one of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with closing(self._all()) as found:
            first = next(found, None)
        if first is None:
            raise BadTrace(
                f"{path} is empty: `rmqlab sim` and `rmqlab up` write traces"
            )
        self.first = first
        self._check()

    def _check(self) -> None:
        first, where = self.first, f"line 1 of {self.path}"
        if first["kind"] != "trace" or first.get("schema") != SCHEMA:
            raise BadTrace(
                f"{where} does not say that it is a trace: {_shown(str(first))}: is it "
                "a file that rmqlab wrote, and whole?"
            )
        if first.get("version") != VERSION:
            raise BadTrace(
                f"{where} says version {first.get('version')}, this rmqlab reads "
                f"version {VERSION}: use the rmqlab that wrote it, or record it anew"
            )

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The nodes as the first event has them."""
        found = self.first.get("nodes")
        listed = found if isinstance(found, list) else []
        return [one for one in listed if isinstance(one, dict) and "name" in one]

    def __iter__(self) -> Iterator[Event]:
        """Yield the events after the first.

        Raises:
            BadTrace: a line is none; the text has its number and what it says.
        """
        found = self._all()
        next(found, None)
        yield from found

    def _all(self) -> Generator[Event, None, None]:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                yield from _events(file, self.path)
        except OSError as error:
            raise BadTrace(f"cannot read {self.path}: {error.strerror}") from error


def _events(file: TextIO, path: Path) -> Iterator[Event]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        try:
            yield parse(line)
        except ValueError as error:
            torn = "" if line.endswith("\n") else ", which is cut off"
            raise BadTrace(
                f"line {number} of {path} is no event{torn} ({error}): {_shown(line)}: "
                "remove the line, or record the trace anew"
            ) from None


def parse(line: str) -> Event:
    """Return the event that a line holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        found = json.loads(line)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004
    at_s, kind = found.get("at"), found.get("kind")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float):
        raise ValueError("`at` is no number of seconds")  # noqa: TRY004
    if not isinstance(kind, str):
        raise ValueError("`kind` is no text")  # noqa: TRY004
    return found


def events(path: str | Path, kinds: Collection[str] | None = None) -> Iterator[Event]:
    """Yield a trace's events, or those of some kinds, for who judges from it.

    Raises:
        BadTrace: it is no trace, or a line of it is no event.
    """
    return (one for one in Trace(path) if kinds is None or one["kind"] in kinds)


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
