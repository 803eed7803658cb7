"""A drawing that a notebook shows by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.draw.lanes_svg import lanes_svg
from rmqlab.classroom.trace.draw.sequence import Choice, rows
from rmqlab.classroom.trace.draw.sequence_svg import sequence_svg
from rmqlab.classroom.trace.draw.states import states
from rmqlab.classroom.trace.reader import Trace
from rmqlab.classroom.trace.recorder import Recorder

MOST = 60
"""Rows of a sequence diagram in a notebook, if nothing else is said."""


class Picture:
    """SVG text with a fixed repr: outputs of different runs can be compared."""

    def __init__(self, what: str, svg: str) -> None:
        self.what, self.svg = what, svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        """``sequence diagram: open this notebook in JupyterLab to see it``."""
        return f"{self.what}: open this notebook in JupyterLab to see it"


def sequence(of: Trace | Recorder | Iterable[Event], **chosen: Any) -> Picture:
    """Draw who said what to whom; `chosen` are fields of `Choice`."""
    choice = Choice(**{"most": MOST, **chosen})
    return Picture("sequence diagram", sequence_svg(rows(of, choice, _nodes(of))))


def timeline(
    of: Trace | Recorder | Iterable[Event],
    from_s: float = 0.0,
    to_s: float = float("inf"),
) -> Picture:
    """Draw how the nodes fared, what befell them, and what became of sends."""
    lanes = states(of, _nodes(of), from_s, to_s)
    return Picture("time line", lanes_svg(lanes))


def _nodes(of: object) -> list[str]:
    first = of.first if isinstance(of, Trace | Recorder) else None
    return [str(node["name"]) for node in (first or {}).get("nodes", [])]
