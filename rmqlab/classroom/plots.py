"""The course's plots: figures side by side, as lines, and traffic over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from rmqlab.classroom.traffic import Report

SIZE, TALL = (8.0, 3.0), (8.0, 4.0)
DOTS_PER_INCH = 90
STEP_S = 0.1
SHORTEST_MS = 0.1
COLOURS = {
    "SEND_OK": "#1a7f37",
    "SLAVE_NOT_AVAILABLE": "#bf8700",
    "FLUSH_SLAVE_TIMEOUT": "#d4a72c",
    "FLUSH_DISK_TIMEOUT": "#eac54f",
    "refused": "#cf222e",
    "unanswered": "#6e7781",
}


class Plot:
    """A picture in a notebook; its text is fixed: different runs can be compared."""

    def __init__(self, size: tuple[float, float] = SIZE) -> None:
        self.figure = Figure(figsize=size, layout="constrained")

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
        return content.getvalue()

    def __repr__(self) -> str:
        return "a plot"


def bars(
    figures: Mapping[str, Mapping[str, Sequence[float]]],
    groups: Sequence[str],
    size: tuple[float, float] = SIZE,
) -> Plot:
    """Draw a diagram for each unit: ``{"messages/s": {"SYNC": [1, 2], …}, …}``."""
    plot = Plot(size)
    for number, (unit, series) in enumerate(figures.items(), start=1):
        axes: Any = plot.figure.add_subplot(1, len(figures), number)
        width = 0.8 / len(series)
        for at, (name, values) in enumerate(series.items()):
            places = [group + at * width for group in range(len(values))]
            drawn = axes.bar(places, values, width * 0.95, label=name)
            axes.bar_label(drawn, [_short(one) for one in values], fontsize=7)
        middle = width * (len(series) - 1) / 2
        axes.set_xticks([group + middle for group in range(len(groups))], groups)
        axes.set_title(unit, fontsize=10)
        axes.margins(y=0.15)
        axes.legend(fontsize=8)
    return plot


def _short(value: float) -> str:
    """Return ``7,256``, ``72.6`` or ``0.726``: three digits or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def shares(figures: Mapping[str, float], unit: str) -> Plot:
    """Draw what a whole is made of, from the top down, and the share of each."""
    plot, whole = Plot(TALL), sum(figures.values())
    axes: Any = plot.figure.add_subplot()
    drawn = axes.barh(list(figures), list(figures.values()))
    texts = [f"{one:,.3g} ({one / whole:.0%})" for one in figures.values()]
    axes.bar_label(drawn, texts, padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(f"{unit}, of {whole:,.3g} in all")
    return plot


def lines(
    series: Mapping[str, Sequence[float]],
    at: Sequence[float],
    across: str,
    up: str,
) -> Plot:
    """Draw each series as a line over the same places; both scales are logarithmic."""
    plot = Plot(TALL)
    axes: Any = plot.figure.add_subplot()
    # Lines may lie upon each other: the later ones are dashed and thinner.
    for number, (name, values) in enumerate(series.items()):
        style, width = ("-", 3.5) if number % 2 == 0 else ("--", 1.8)
        axes.plot(at, values, style, linewidth=width, marker="o", ms=4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(at, [f"{one:g}" for one in at], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)
    return plot


def curves(
    figures: Mapping[tuple[str, str], Mapping[float, float]], columns: int = 3
) -> Plot:
    """Draw many small ones, a row of them for each thing that grows.

    ``{("topics", "memory, MB"): {10: 25.1, …}, …}``; scales are logarithmic, and one up
    shows at least a factor of ten, so that what is flat looks flat.
    """
    rows = -(-len(figures) // columns)
    plot = Plot((4.0 * columns, 2.4 * rows))
    for number, ((across, up), values) in enumerate(figures.items(), start=1):
        axes: Any = plot.figure.add_subplot(rows, columns, number)
        axes.set_xlabel(across, fontsize=8)
        axes.set_title(up, fontsize=9)
        if not values:
            continue  # an empty one keeps its place
        axes.plot(list(values), list(values.values()), marker="o", ms=4)
        # A scale of few places, such as 0 to 3, is an ordinary one.
        axes.set_xscale("linear" if 0 in values else "log")
        axes.set_xticks(list(values), [f"{one:,.0f}" for one in values], fontsize=7)
        axes.set_xticks([], minor=True)
        axes.set_yscale("log")
        low, high = min(values.values()), max(values.values())
        wider = max(1.0, (10 * low / high) ** 0.5)
        axes.set_ylim(low / wider / 1.2, high * wider * 1.2)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:,.4g}")
        axes.tick_params(axis="y", which="minor", labelleft=False)
        axes.grid(visible=True, alpha=0.3)
    return plot


def timeline(report: Report, marks: Mapping[str, float]) -> Plot:
    """Draw how sends ended and how long each took, by the moment of sending.

    `marks` are moments in seconds, such as that of a kill.
    """
    plot = Plot(TALL)
    counts: Any
    times: Any
    counts, times = plot.figure.subplots(2, 1, sharex=True)
    last = max((one.at_s for one in report.sent), default=0.0)
    columns = range(int(last / STEP_S) + 1)
    below = [0] * len(columns)
    for outcome, colour in COLOURS.items():
        sent = [one for one in report.sent if one.outcome == outcome]
        if not sent:
            continue
        found = Counter(int(one.at_s / STEP_S) for one in sent)
        heights = [found[column] for column in columns]
        middles = [(column + 0.5) * STEP_S for column in columns]
        counts.bar(middles, heights, STEP_S, below, color=colour, label=outcome)
        below = [a + b for a, b in zip(below, heights, strict=True)]
        took_ms = [max(one.took_s * 1000, SHORTEST_MS) for one in sent]
        times.scatter([one.at_s for one in sent], took_ms, s=4, color=colour)
    times.set_yscale("log")
    for what, at_s in marks.items():
        for axes in (counts, times):
            axes.axvline(at_s, color="black", linestyle=":")
        counts.text(at_s, counts.get_ylim()[1], f" {what}", va="bottom", fontsize=8)
    counts.set_ylabel(f"sends in {STEP_S:g} s")
    times.set_ylabel("took, ms")
    times.set_xlabel("sent at, seconds since the traffic began")
    if report.sent:
        counts.legend(fontsize=8, loc="lower right")
    return plot
