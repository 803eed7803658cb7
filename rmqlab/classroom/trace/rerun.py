"""Is a simulated trace repeated, line by line, by its scenario and seed?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rmqlab.classroom.trace import BadTrace, Event
from rmqlab.classroom.trace.reader import Trace
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.classroom.trace.writer import to_text

Run = Callable[[str, int, Recorder], object]
"""Plays a scenario's text with a seed, from the beginning, into a recorder."""


@dataclass(frozen=True)
class Comparison:
    """What a re-run said: `line` is the first that differs, 0 where none does."""

    lines: int
    line: int = 0
    then: str = ""
    """What the file says there; empty where it has ended."""
    now: str = ""
    """What the re-run says there; empty where it has ended."""

    @property
    def is_same(self) -> bool:
        """Whether it is the same, byte for byte."""
        return not self.line


def can_rerun(trace: Trace) -> bool:
    """Whether a trace says what made it."""
    return bool(trace.first.get("scenario")) and isinstance(
        trace.first.get("seed"), int
    )


def rerun(trace: Trace, run: Run) -> Comparison:
    """Play a trace's scenario anew and compare.

    Raises:
        BadTrace: it does not say what made it, or cannot be read.
    """
    if not can_rerun(trace):
        raise BadTrace(
            f"{trace.path} cannot be run again: it has no scenario and seed, as only "
            "`rmqlab sim SCENARIO --trace FILE` writes them down"
        )
    with _lines(trace.path) as file:
        against = _Against(file)
        run(str(trace.first["scenario"]), int(trace.first["seed"]), against)
        return against.end()


def _lines(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise BadTrace(f"cannot read {path}: {error.strerror}") from error


class _Against(Recorder):
    """Takes a re-run's events and compares each with the next line of a file."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(most=0)
        self._file = file
        self._number = 0
        self._found: Comparison | None = None

    def begin(self, first: Event, ended: Callable[[], object] = lambda: None) -> None:
        """See `Recorder.begin`."""
        super().begin(first, ended)
        self._compare(to_text(first))

    def __call__(self, event: Event) -> None:
        """See `Recorder`."""
        if self._found is None:
            self._compare(to_text(event))

    def _compare(self, now: str) -> None:
        self._number += 1
        then = self._file.readline().rstrip("\n")
        if then != now:
            self._found = Comparison(self._number, self._number, then, now)

    def end(self) -> Comparison:
        """Return what was found."""
        if self._found is None:
            more = self._file.readline().rstrip("\n")
            line = self._number + 1 if more else 0
            return Comparison(self._number, line, more)
        return self._found
