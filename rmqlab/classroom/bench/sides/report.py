"""The report of a run against RocketMQ: a page, two pictures, numbers for programs.

FOLDER/speed.md           measured on what, by which command, and every number
FOLDER/speed-rates.png    messages a second by the number of senders, both roles
FOLDER/speed-times.png    what one send takes, by the number of senders
FOLDER/speed.json         the same as `--json` writes
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.text import Text

from rmqlab.classroom.bench import load
from rmqlab.classroom.bench.result import PartResult
from rmqlab.classroom.bench.sides.against import COLUMNS, SIDES, Row, cells, rows
from rmqlab.classroom.bench.sides.cells import MODES, SENDERS, SIZES, Cell, Mode
from rmqlab.classroom.bench.sides.load import JAVA
from rmqlab.classroom.bench.sides.probes import WARMED, in_mode
from rmqlab.classroom.bench.table import machine_lines, markdown_row, number
from rmqlab.classroom.plots import DOTS_PER_INCH, Plot, bars

NAME = "speed"
HEAD = """\
# How fast, and how large

Two masters and two slaves under two name servers: six processes of ours, six of Apache
RocketMQ, and a server that only acknowledges (the floor: the most that a client gets).
Each round takes them one after the other. A number is the median of {rounds} rounds,
with the least and the greatest in brackets; a ratio is ours by RocketMQ's. A cell is
named by its load, senders and size: `java 16 × 128 B` are 16 threads of RocketMQ's own
client, the same program for all sides; `own` is our client. Nodes and load share the
machine's cores: of another machine only the ratios say something. Each probe starts its
cluster anew and warms it up for two seconds, so a JVM has not compiled everything yet,
as on a learner's machine; "after a long load" shows one cell when it has. Where the
floor's column is empty, the run was made without it.

```sh
export ROCKETMQ_HOME=~/rocketmq-4.9.7    # a release, or a folder with its jars
{command}
```

"""
WIDE = (11.0, 3.5)
"""Of a picture, in inches: a dozen bars in each half."""
PICTURES = {
    "rates": "Messages a second by the number of senders, 128 bytes",
    "times": "How long a send takes, SYNC_MASTER, by the number of senders, 128 bytes",
}


def write(
    folder: Path, found: Sequence[Row], run: Mapping[str, Any], command: str
) -> None:
    """Write page, pictures and numbers; what is there under their names is replaced."""
    for name, plot in plots(found).items():
        plot.figure.savefig(folder / f"{NAME}-{name}.png", dpi=DOTS_PER_INCH)
    (folder / f"{NAME}.json").write_text(f"{json.dumps(run, indent=1)}\n", "utf-8")
    (folder / f"{NAME}.md").write_text(page(found, run, command), "utf-8")


def read_rows(run: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a run that was kept as JSON."""
    results = []
    for side in SIDES:
        result = PartResult(part := load(side), part.sizes)
        for name, measure in run["parts"][side]["measures"].items():
            result.series[name].values.extend(measure["values"])
        results.append(result)
    return list(rows(results))


def digest(found: Sequence[Row]) -> str:
    """Return what is promised, and what it came to, as a table for README."""
    told = [row for row in found if row.aim or row.measure.target or _is_warm(row)]
    lines = [
        markdown_row(["", *COLUMNS[1:5]]),
        markdown_row(["---", "---", *["--:"] * 3]),
    ]
    for row in told:
        texts = [row.measure.name, row.measure.unit]
        texts += ["–" if one is None else number(one.median) for one in row.sides[:2]]
        ratio = "–" if row.ratio is None else f"× {row.ratio:.2f}"
        lines.append(markdown_row([*texts, ratio]))
    return "\n".join(lines)


def _is_warm(row: Row) -> bool:
    return row.measure.name in WARMED


def page(found: Sequence[Row], run: Mapping[str, Any], command: str) -> str:
    """Return the page in Markdown."""
    return "\n".join(
        [
            HEAD.format(rounds=run["rounds"], command=command),
            *(f"- {line}" for line in machine_lines(run)),
            "",
            *(f"![{title}]({NAME}-{name}.png)" for name, title in PICTURES.items()),
            *_tables(found, is_whole=not run["quick"]),
            "",
        ]
    )


def _tables(found: Sequence[Row], *, is_whole: bool) -> Iterator[str]:
    for group, some in groupby(found, lambda row: row.group):
        yield f"\n## {group or 'Start'}\n"
        yield markdown_row(COLUMNS)
        yield markdown_row(["---", "---", *["--:"] * (len(COLUMNS) - 2)])
        for row in some:
            texts = cells(row, is_whole=is_whole)
            yield markdown_row([Text.from_markup(text).plain for text in texts])


def plots(found: Sequence[Row]) -> dict[str, Plot]:
    """Return the pictures by name."""
    rates = {f"{mode.role}, messages/s": _bars(found, mode, 0) for mode in MODES[:2]}
    times = {"ms, median": 1, "ms, 99 of 100": 2}
    senders = [str(count) for count in SENDERS]
    return {
        "rates": bars(rates, senders, WIDE),
        "times": bars(
            {unit: _bars(found, MODES[0], at) for unit, at in times.items()},
            senders,
            WIDE,
        ),
    }


def _bars(found: Sequence[Row], mode: Mode, at: int) -> dict[str, list[float]]:
    """Return one of the numbers of the Java client's cells, by side and by senders.

    A number that a side does not have is drawn as 0; a side without any is left out.
    """
    cells = [Cell(JAVA, count, SIZES[0]) for count in SENDERS]
    names = [in_mode(mode, list(one.units)[at]) for one in cells]
    by_name = {row.measure.name: row.sides for row in found}
    drawn = {
        side: [
            one.median if name in by_name and (one := by_name[name][place]) else 0.0
            for name in names
        ]
        for place, side in enumerate(("rmqlab", "RocketMQ", "the floor"))
    }
    return {side: one for side, one in drawn.items() if any(one)} or drawn
