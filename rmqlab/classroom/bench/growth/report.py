"""The report of `bench growth`: a page, a picture of its curves, numbers for programs.

FOLDER/growth.md     measured on what, by which command, and a table a dimension
FOLDER/growth.png    for each dimension three curves, all scales logarithmic
FOLDER/growth.json   the same as `--json` writes
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rmqlab.classroom.bench.growth import POINTS, kinds, named
from rmqlab.classroom.bench.result import PartResult
from rmqlab.classroom.bench.table import machine_lines, markdown_row, number
from rmqlab.classroom.plots import DOTS_PER_INCH, Plot, curves

NAME = "growth"
HEAD = """\
# What grows with what

What a message costs one broker, by how much there is of something: processor time,
memory, and one thing more. Medians of {rounds} round(s); on another machine the
numbers are others, the shapes are not.

```sh
{command}
```

"""


def write(
    folder: Path, found: PartResult, run: Mapping[str, Any], command: str
) -> None:
    """Write page, picture and numbers; what is there under their names is replaced."""
    plot(found).figure.savefig(folder / f"{NAME}.png", dpi=DOTS_PER_INCH)
    (folder / f"{NAME}.json").write_text(f"{json.dumps(run, indent=1)}\n", "utf-8")
    (folder / f"{NAME}.md").write_text(page(found, run, command), "utf-8")


def page(found: PartResult, run: Mapping[str, Any], command: str) -> str:
    """Return the page in Markdown."""
    lines = [
        HEAD.format(rounds=run["rounds"], command=command),
        *(f"- {line}" for line in machine_lines(run)),
        f"\n![The curves]({NAME}.png)",
    ]
    for dimension, counts in POINTS.items():
        titles = [f"{what}, {unit}" for what, unit in kinds(dimension)]
        lines += [
            f"\n## {dimension.capitalize()}\n",
            markdown_row([dimension, *titles]),
        ]
        lines.append(markdown_row(["--:"] * (1 + len(titles))))
        for count in counts:
            values = (
                _value(found, dimension, count, what) for what, _ in kinds(dimension)
            )
            lines.append(markdown_row([f"{count:,}", *map(_text, values)]))
    return "\n".join([*lines, ""])


def _value(found: PartResult, dimension: str, count: int, what: str) -> float | None:
    """Return the median of a number; None where it was not measured."""
    series = found.series.get(named(dimension, count, what))
    return series.summary.median if series and series.summary else None


def _text(value: float | None) -> str:
    return "–" if value is None else number(value)


def plot(found: PartResult) -> Plot:
    """Return the curves, a diagram for each dimension and number."""
    return curves(dict(_curves(found)))


def _curves(found: PartResult) -> Iterator[tuple[tuple[str, str], dict[float, float]]]:
    for dimension, counts in POINTS.items():
        for what, unit in kinds(dimension):
            values = {one: _value(found, dimension, one, what) for one in counts}
            known = {float(at): value for at, value in values.items() if value}
            yield (dimension, f"{what}, {unit}"), known
