"""Our numbers beside RocketMQ's and the floor's, of one run.

name of a number            rmqlab        RocketMQ      ratio          floor
SYNC_MASTER, ASYNC_FLUSH
  java 16 × 128 B           4,100 (…)     2,900 (…)     × 1.41 ≥ 1.3   9,400
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.bench.part import Better, Measure
from rmqlab.classroom.bench.result import PartResult
from rmqlab.classroom.bench.sides import ours as own
from rmqlab.classroom.bench.summary import Summary
from rmqlab.classroom.bench.table import number, target_text

SIDES = ("cluster", "rocketmq", "floor")
"""The parts of a run that are laid side by side."""
COLUMNS = ("", "", "rmqlab", "RocketMQ", "ratio", "floor", "target")


class Row(NamedTuple):
    """One number of a side each; None where that has none."""

    measure: Measure
    ours: Summary | None
    theirs: Summary | None
    floor: Summary | None

    @property
    def sides(self) -> tuple[Summary | None, ...]:
        """Ours, RocketMQ's and the floor's."""
        return self.ours, self.theirs, self.floor

    @property
    def group(self) -> str:
        """What it is of: a mode, or a load."""
        return self.measure.name.rpartition(": ")[0]

    @property
    def name(self) -> str:
        """Its name within the group."""
        return self.measure.name.rpartition(": ")[2]

    @property
    def ratio(self) -> float | None:
        """Ours by theirs, of the medians; see `ours.RATIOS` for the one exception."""
        if not (self.ours and self.theirs and self.theirs.median):
            return None
        than = self.theirs.median
        if self.measure.name == own.ONE_LATE and self.floor:
            than = max(than, self.floor.median)
        return self.ours.median / than

    @property
    def aim(self) -> Measure | None:
        """The ratio that is promised, if one is."""
        least = own.RATIOS.get(self.measure.name)
        if least is None:
            return None
        return Measure("ratio", "", self.measure.better, least)

    @property
    def is_better(self) -> bool | None:
        """Whether ours is, or None where the middle halves of both overlap."""
        if not (self.ours and self.theirs) or self.ours.overlaps(self.theirs):
            return None
        is_more = self.ours.median > self.theirs.median
        return is_more == (self.measure.better is Better.HIGHER)


def rows(results: Sequence[PartResult]) -> Iterator[Row]:
    """Yield what the three sides came to, in the order of RocketMQ's part.

    That has all that ours has, and its start without TLS.
    """
    by_name = {one.part.name: one.series for one in results}
    ours, theirs, floor = (by_name[side] for side in SIDES)
    for name, series in theirs.items():
        measure = ours[name].measure if name in ours else series.measure
        least = name.rpartition(": ")[2]
        sides = (ours.get(name), series, floor.get(least))
        yield Row(measure, *(one.summary if one else None for one in sides))


def gaps(results: Iterable[PartResult]) -> list[str]:
    """Return why sides lack numbers, each reason once."""
    told = (
        f"{one.part.name}: {series.missing}"
        for one in results
        for series in one.series.values()
        if series.missing
    )
    return list(dict.fromkeys(told))


def table(found: Sequence[Row], *, is_whole: bool) -> Table:
    """Return the rows for a terminal, a section a group."""
    drawn = Table(title="2m-2s against RocketMQ", box=SIMPLE_HEAD, title_justify="left")
    for column in COLUMNS:
        drawn.add_column(column, justify="right" if column else "left")
    for group, some in groupby(found, lambda row: row.group):
        drawn.add_row(f"[bold]{escape(group)}[/]")
        for row in some:
            drawn.add_row(*cells(row, is_whole=is_whole))
    return drawn


def cells(row: Row, *, is_whole: bool) -> list[str]:
    """Return what stands in a row's columns, in rich's markup.

    Only a run of whole sizes meets a target or misses it.
    """
    ours = row.ours.median if row.ours and is_whole else None
    return [
        escape(row.name),
        row.measure.unit,
        spread(row.ours),
        spread(row.theirs),
        _ratio(row, is_whole=is_whole),
        number(row.floor.median) if row.floor else "",
        target_text(row.measure, ours),
    ]


def _ratio(row: Row, *, is_whole: bool) -> str:
    if row.ratio is None:
        return "[dim]–[/]"
    colour = {True: "green", False: "red", None: "dim"}[row.is_better]
    told = f"[{colour}]× {row.ratio:.2f}[/]"
    if row.aim is None:
        return told
    return f"{told} {target_text(row.aim, row.ratio if is_whole else None)}"


def spread(summary: Summary | None) -> str:
    """Return ``4,100 (3,900 … 4,200)``: the median, the least, the greatest."""
    if summary is None:
        return "–"
    least, most = number(summary.low), number(summary.high)
    return f"{number(summary.median)} ({least} … {most})"
