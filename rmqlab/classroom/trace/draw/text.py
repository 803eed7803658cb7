"""Rows and lanes → lines of text, each with how it is to be taken: for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rmqlab.classroom.trace.draw.sequence import Fold, Row, Sequence
from rmqlab.classroom.trace.draw.states import Lanes, Span
from rmqlab.classroom.trace.draw.words import DOWN, Mood

TIME_WIDTH = 13
TEXT_WIDTH = 44
"""Room for what happened, beside the lifelines."""
NARROW = 4
"""Width of a lifeline that is named by a letter."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MARKS = {"node": "◆", "fault": "✖", "lost": "✖"}
CELLS = {
    "starting": "░",
    "waiting": "▒",
    "usable": "█",
    "paused": "=",
    "stopped": "·",
    "killed": "x",
    "failed": "!",
}
"""A node's state, in a time line."""
BARS = " ▁▂▃▄▅▆▇█"
MARKS_SHOWN = 40


class Line(NamedTuple):
    """A line of a terminal."""

    text: str
    mood: Mood = "plain"


def sequence_lines(sequence: Sequence, width: int = 120) -> Iterator[Line]:
    """Yield a sequence diagram's lines."""
    names = sequence.lifelines
    longest = max(map(len, names), default=0)
    column = max(NARROW, longest + 2)
    if TIME_WIDTH + column * len(names) + TEXT_WIDTH > width:
        column = NARROW
        for index, name in enumerate(names):
            yield Line(f"  {_letter(index)}  {name}", "faint")
        names = [_letter(index) for index in range(len(names))]
    yield Line(" " * TIME_WIDTH + "".join(name.center(column) for name in names))
    page = _Page(sequence.lifelines, column)
    for row in sequence.rows:
        yield page.fold(row) if isinstance(row, Fold) else page.row(row)


def _letter(index: int) -> str:
    return LETTERS[index % len(LETTERS)]


class _Page:
    """Draws row by row, and knows whose process is gone."""

    def __init__(self, names: list[str], column: int) -> None:
        self._at = {
            name: index * column + (column - 1) // 2 for index, name in enumerate(names)
        }
        self._width = column * len(names)
        self._threads = dict.fromkeys(names, "│")

    def _blank(self) -> list[str]:
        cells = [" "] * self._width
        for name, at in self._at.items():
            cells[at] = self._threads[name]
        return cells

    def row(self, row: Row) -> Line:
        if row.state:
            gone = row.state in DOWN
            mark = " " if gone else "┊" if row.state == "paused" else "│"
            self._threads[row.source] = mark
        cells = self._blank()
        start, end = self._at.get(row.source), self._at.get(row.target)
        if start is not None and end is not None and start != end:
            _arrow(cells, start, end, "╌" if row.is_answer else "─")
        elif start is not None:
            cells[start] = MARKS.get(row.kind, "●")
        else:
            cells = ["·"] * self._width
        return Line(
            f"{row.at_s:{TIME_WIDTH - 2}.6f}  {''.join(cells)}  {row.text}", row.mood
        )

    def fold(self, fold: Fold) -> Line:
        between = "".join(self._blank()).replace("│", "┆")
        text = f"… {fold.count} more: {fold.text}"
        return Line(f"{'':{TIME_WIDTH}}{between}  {text}", "faint")


def _arrow(cells: list[str], start: int, end: int, thread: str) -> None:
    low, high = min(start, end), max(start, end)
    for at in range(low + 1, high):
        cells[at] = thread
    cells[start] = "├" if end > start else "┤"
    cells[end + (1 if end < start else -1)] = "▶" if end > start else "◀"


def lanes_lines(lanes: Lanes, width: int = 120) -> Iterator[Line]:
    """Yield a time line's lines."""
    names = [*lanes.spans, "told, a second"]
    left = max(map(len, names)) + 2
    count = max(10, width - left - 10)
    begin, end = f"{lanes.from_s:g} s", f"{lanes.to_s:g} s"
    yield Line(f"{'':{left}}{begin}{end:>{max(1, count - len(begin))}}", "faint")
    columns = list(lanes.columns(count))
    for name, spans in lanes.spans.items():
        cells = "".join(CELLS.get(_worst(spans, *one), " ") for one in columns)
        yield Line(f"{name:{left}}{cells}", "bad" if "x" in cells else "plain")
    yield from _rates(lanes, left, count)
    key = "  ".join(f"{cell} {state}" for state, cell in CELLS.items())
    yield Line(f"{'':{left}}{key}", "faint")
    for mark in lanes.marks[:MARKS_SHOWN]:
        yield Line(f"{mark.at_s:{TIME_WIDTH - 2}.6f}  {mark.where}: {mark.what}", "bad")
    if len(lanes.marks) > MARKS_SHOWN:
        yield Line(f"… and {len(lanes.marks) - MARKS_SHOWN} faults more", "faint")


def _worst(spans: list[Span], from_s: float, to_s: float) -> str:
    """Return the state of a part of a lane: any other is seen before `usable`."""
    found = [one.state for one in spans if one.from_s < to_s and one.to_s > from_s]
    others = [state for state in found if state != "usable"]
    return (others or found or [""])[-1]


def _rates(lanes: Lanes, left: int, count: int) -> Iterator[Line]:
    told = lanes.rates(count, lanes.acknowledged)
    failed = lanes.rates(count, lanes.failed)
    highest = max([*told, *failed])
    rows: list[tuple[str, list[float], Mood]] = [("acknowledged", told, "good")]
    if any(failed):
        rows.append(("not", failed, "bad"))
    for name, rates, mood in rows if highest else []:
        levels = (-(-rate * (len(BARS) - 1) // highest) for rate in rates)
        bars = "".join(BARS[int(level)] for level in levels)
        yield Line(f"{name:{left}}{bars}  {highest:.3g}/s", mood)
