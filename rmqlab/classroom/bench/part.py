"""What is measured: parts, their probes, and the numbers that these give.

    Part "store"
     ├── Probe "filling"  ──► Measure "appended", Measure "dispatched", …
     └── Probe "opening"  ──► Measure "open after a clean stop", …

A probe may build on what the one before it left in the part's folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from rmqlab.errors import RmqError

Sizes = Mapping[str, int]
"""How much of what a part puts, reads and so on."""

Run = Callable[[Path, Sizes], Mapping[str, float]]
"""Measures once, in this folder; returns each measure's number by its name."""


class NotHere(RmqError):
    """This machine cannot give these numbers; the text says what it lacks."""


class BenchError(RmqError):
    """A measurement broke, or cannot begin."""


class Better(Enum):
    """Which way a number should go."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Measure:
    """One number: its name within its part, what it counts, which way is better."""

    name: str
    unit: str
    better: Better
    target: float | None = None
    """What the median must reach, by the design page."""

    def meets(self, value: float) -> bool:
        """Whether a value reaches the target; without one, any does."""
        if self.target is None:
            return True
        is_lower = self.better is Better.LOWER
        return value <= self.target if is_lower else value >= self.target


@dataclass(frozen=True)
class Probe:
    """Measures one thing; all its numbers are of the same moment."""

    name: str
    run: Run
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Part:
    """A benchmark: probes in the order in which a round takes them."""

    name: str
    about: str
    probes: tuple[Probe, ...]
    sizes: Sizes
    quick: Sizes
    """Sizes for a look, which take seconds."""
    room: Callable[[Sizes], int]
    """Bytes that a round takes on the disk at most."""

    def measures(self) -> Iterator[Measure]:
        """Yield all measures, probe by probe."""
        for probe in self.probes:
            yield from probe.measures

    def only(self, texts: Iterable[str]) -> Part:
        """Return the part with just those probes that have a text in their names.

        In whole words: ``SYNC_MASTER`` is no ``ASYNC_MASTER``.
        """
        wanted = re.compile("|".join(rf"\b{re.escape(text)}\b" for text in texts))
        kept = [one for one in self.probes if wanted.search(one.name)]
        return replace(self, probes=tuple(kept))
