"""The failover drills of all modes and faults as a table: lost, doubled, unavailable.

    table = drill_table(seeds=3, modes=["1m", "2m-2s-sync"], faults=["kill", "crash"])
    print(table)                        # a notebook shows it as a table of HTML

Of each number there is the median over the seeds and, in brackets where it is another
one, the worst.

Not here: what a drill does (`drills`).
"""

from __future__ import annotations

import html
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from rmqlab.classroom.page import Place
from rmqlab.classroom.simulated.drills import FAULTS, FLUSH_OF, Found, drill, fits
from rmqlab.classroom.topology import MODES
from rmqlab.errors import ConfigError

SCHEMA = 1
SEEDS = 3
NUMBERS = ("lost", "unread", "failed", "doubled", "unavailable_s")
IN_PAGE = Place(
    "<!-- drills: rmqlab drills --into README.md -->", "<!-- end of drills -->"
)
HEAD = (
    "what happens",
    "mode",
    "lost",
    "unread",
    "failed",
    "doubled",
    "unavailable for",
)


@dataclass(frozen=True)
class Cell:
    """What one fault does to one mode, seed by seed."""

    fault: str
    mode: str
    found: tuple[Found, ...]

    def median(self, number: str) -> float:
        """Return the median of one of the numbers; of two in the middle, the lower."""
        return float(statistics.median_low(getattr(one, number) for one in self.found))

    def worst(self, number: str) -> float:
        """Return the greatest of one of the numbers."""
        return float(max(getattr(one, number) for one in self.found))

    @property
    def row(self) -> tuple[str, ...]:
        """The cell as a table's row has it."""
        return (FAULTS[self.fault].text, self.mode, *map(self._shown, NUMBERS))

    def _shown(self, number: str) -> str:
        unit, digits = (" s", ".1f") if number == "unavailable_s" else ("", ".0f")
        median, worst = (
            format(one(number), digits) for one in (self.median, self.worst)
        )
        return f"{median}{unit}" + (f" ({worst}{unit})" if worst != median else "")

    def to_json(self) -> dict[str, Any]:
        """Return medians, worsts, and each seed's numbers."""
        numbers = {
            number: {"median": self.median(number), "worst": self.worst(number)}
            for number in NUMBERS
        }
        whole = {"fault": self.fault, "mode": self.mode, "flush": FLUSH_OF[self.fault]}
        return whole | numbers | {"seeds": [one._asdict() for one in self.found]}


@dataclass(frozen=True)
class DrillTable:
    """All cells, fault by fault."""

    cells: tuple[Cell, ...]

    def cell(self, fault: str, mode: str) -> Cell:
        """Return one cell.

        Raises:
            KeyError: it was not played.
        """
        return {(one.fault, one.mode): one for one in self.cells}[fault, mode]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The rows; what happens is said once."""
        rows, before = [], ""
        for row in (cell.row for cell in self.cells):
            rows.append(("" if row[0] == before else row[0], *row[1:]))
            before = row[0]
        return rows

    def __str__(self) -> str:
        """A table for a terminal."""
        table = [HEAD, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        lines.insert(1, "─" * len(max(lines, key=len)))
        return "\n".join(lines)

    @property
    def markdown(self) -> str:
        """The table for a page such as README.md."""
        rule = ("---", "---", *["--:"] * len(NUMBERS))
        return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, rule, *self.rows))

    def _repr_html_(self) -> str:
        def line(row: Iterable[str], tag: str) -> str:
            cells = (f"<{tag}>{html.escape(one)}</{tag}>" for one in row)
            return f"<tr>{''.join(cells)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        head = line(HEAD, "th")
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def to_json(self) -> dict[str, Any]:
        """Return all of it; the schema is numbered."""
        return {"schema": SCHEMA, "cells": [cell.to_json() for cell in self.cells]}


def drill_table(
    seeds: int | Iterable[int] = SEEDS,
    modes: Sequence[str] = MODES,
    faults: Sequence[str] = tuple(FAULTS),
    jobs: int = 1,
) -> DrillTable:
    """Play each fault in each mode with each seed, a second or two each.

    Raises:
        ConfigError: there is no such mode or fault.
    """
    _check("mode", modes, MODES)
    _check("fault", faults, FAULTS)
    chosen = tuple(range(seeds) if isinstance(seeds, int) else seeds)
    wanted = [(mode, fault) for fault in faults for mode in modes if fits(mode, fault)]
    runs = [(mode, fault, seed) for mode, fault in wanted for seed in chosen]
    if jobs == 1:
        found = [drill(*one) for one in runs]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            found = list(pool.map(drill, *zip(*runs, strict=True)))
    count = len(chosen)
    return DrillTable(
        tuple(
            Cell(fault, mode, tuple(found[at * count : (at + 1) * count]))
            for at, (mode, fault) in enumerate(wanted)
        )
    )


def _check(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"no {what} {unknown[0]!r}: there are {', '.join(known)}")
