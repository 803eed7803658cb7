"""A run for people: what it was measured on, and a table for each part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.bench.compare import Change, Comparison
from rmqlab.classroom.bench.part import Better, Measure, Part
from rmqlab.classroom.bench.result import PartResult, Series

COLOURS = {Change.BETTER: "green", Change.WORSE: "red", Change.WITHIN_SPREAD: "dim"}
BUSY = 0.5
"""Of the cores, in the minute before."""
ARROWS = {Better.HIGHER: "↑", Better.LOWER: "↓"}


def machine_lines(run: Mapping[str, Any]) -> list[str]:
    """Return the machine in a few lines."""
    machine = run["machine"]
    load, cores = machine["load"], machine["cores"]
    memory = machine["memory_bytes"] / 2**30
    lines = [
        f"{machine['cpu']}, {cores} cores, {memory:.0f} GiB; load {load}",
        f"{machine['kernel']}; files on {machine['file_system']}",
        f"{machine['python']}, rmqlab {machine['rmqlab']}",
    ]
    if machine.get("rocketmq"):
        lines.append(machine["rocketmq"])
    if load > BUSY * cores:
        lines.append("The machine was busy with other things: trust no number here.")
    return lines


def markdown_row(texts: Iterable[str]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(texts)} |"


def result_table(
    result: PartResult, compared: Mapping[str, Comparison] | None = None
) -> Table:
    """Return a part's measures; with ratios where there is an earlier run."""
    sizes = ", ".join(f"{name} {size:,}" for name, size in result.sizes.items())
    table = Table(
        title=f"bench {result.part.name}: {result.part.about}",
        caption=sizes,
        box=SIMPLE_HEAD,
        padding=(0, 1),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("min … max", justify="right")
    table.add_column("half of them within", justify="right")
    table.add_column("target", justify="right")
    if compared is not None:
        table.add_column("by before", justify="right")
    told = None
    for name, series in result.series.items():
        cells = _cells(series, told, is_whole=result.is_whole)
        told = series.missing
        if compared is not None:
            cells.append(_ratio(compared.get(name)))
        table.add_row(escape(name), *cells)
    return table


def _cells(series: Series, told: str | None, *, is_whole: bool) -> list[str]:
    """Return a row's cells; `told` is why the one before it is missing."""
    measure, summary = series.measure, series.summary
    unit = f"{escape(measure.unit)} {ARROWS[measure.better]}"
    if summary is None:
        colour = "red" if series.failed else "yellow"
        why = "likewise" if series.missing == told else series.missing or ""
        return [f"[{colour}]–[/]", unit, f"[{colour}]{escape(why)}[/]", "", ""]
    return [
        f"[bold]{number(summary.median)}[/]",
        unit,
        f"{number(summary.low)} … {number(summary.high)}",
        f"{number(summary.quartile_1)} … {number(summary.quartile_3)}",
        target_text(measure, summary.median if is_whole else None),
    ]


def target_text(measure: Measure, median: float | None) -> str:
    """Return the target, and whether it is met where that can be told."""
    if measure.target is None:
        return ""
    sign = "≤" if measure.better is Better.LOWER else "≥"
    if median is None:
        return f"[dim]{sign} {number(measure.target)}[/]"
    mark = "[green]✓[/]" if measure.meets(median) else "[red]✗[/]"
    return f"{sign} {number(measure.target)} {mark}"


def _ratio(found: Comparison | None) -> str:
    if found is None:
        return "[dim]–[/]"
    return f"[{COLOURS[found.change]}]× {found.ratio:.2f}[/]"


def parts_table(parts: list[Part]) -> Table:
    """Return all parts, their probes and what these measure."""
    columns = ("part", "probe", "measure", "unit", "target")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1))
    for part in parts:
        for probe in part.probes:
            for one in probe.measures:
                target = "" if one.target is None else number(one.target)
                unit = f"{escape(one.unit)} {ARROWS[one.better]}"
                table.add_row(part.name, probe.name, escape(one.name), unit, target)
    return table


def number(value: float) -> str:
    """Return a number with three digits that mean something, or all before the dot."""
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3g}"
