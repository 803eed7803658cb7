"""The course's two plots: figures side by side, and traffic over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from rmqlab.classroom.traffic import Report

SIZE = (8.0, 3.0)
DOTS_PER_INCH = 90
STEP_S = 0.1
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

    def __init__(self) -> None:
        self.figure = Figure(figsize=SIZE, layout="constrained")

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
        return content.getvalue()

    def __repr__(self) -> str:
        return "a plot"


def bars(
    figures: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str]
) -> Plot:
    """Draw a diagram for each unit: ``{"messages/s": {"SYNC": [1, 2], …}, …}``."""
    plot = Plot()
    for number, (unit, series) in enumerate(figures.items(), start=1):
        axes: Any = plot.figure.add_subplot(1, len(figures), number)
        width = 0.8 / len(series)
        for at, (name, values) in enumerate(series.items()):
            places = [group + at * width for group in range(len(values))]
            drawn = axes.bar(places, values, width * 0.95, label=name)
            axes.bar_label(drawn, fmt="{:,.4g}", fontsize=8)
        middle = width * (len(series) - 1) / 2
        axes.set_xticks([group + middle for group in range(len(groups))], groups)
        axes.set_title(unit, fontsize=10)
        axes.margins(y=0.15)
        axes.legend(fontsize=8)
    return plot


def timeline(report: Report, marks: Mapping[str, float]) -> Plot:
    """Draw how sends ended, a column each tenth of a second; `marks` are in seconds."""
    plot = Plot()
    axes: Any = plot.figure.add_subplot()
    last = max((one.at_s for one in report.sent), default=0.0)
    columns = range(int(last / STEP_S) + 1)
    times = [column * STEP_S for column in columns]
    below = [0.0] * len(times)
    for outcome, colour in COLOURS.items():
        ended = [one.at_s for one in report.sent if one.outcome == outcome]
        if not ended:
            continue
        counts = Counter(int(at_s / STEP_S) for at_s in ended)
        heights = [counts[column] for column in columns]
        axes.bar(times, heights, STEP_S, below, color=colour, label=outcome)
        below = [a + b for a, b in zip(below, heights, strict=True)]
    for what, at_s in marks.items():
        axes.axvline(at_s, color="black", linestyle=":")
        axes.text(at_s, axes.get_ylim()[1], f" {what}", va="top", fontsize=8)
    axes.set_xlabel("seconds since the traffic began; by the moment of sending")
    axes.set_ylabel(f"sends in {STEP_S:g} s")
    axes.legend(fontsize=8, loc="lower right")
    return plot
