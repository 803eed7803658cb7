"""The middle and the spread of a few values.

The mean is not here: one round that something disturbed would move it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Summary(NamedTuple):
    """Of some values: half of them lie between the quartiles."""

    median: float
    low: float
    high: float
    quartile_1: float
    quartile_3: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Return the summary of one value or more."""
        first, middle, third = values[0], values[0], values[0]
        if len(values) > 1:
            first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, min(values), max(values), first, third)

    def overlaps(self, other: Summary) -> bool:
        """Whether the middle halves share a value: then the two may well be equal."""
        return (
            self.quartile_1 <= other.quartile_3 and other.quartile_1 <= self.quartile_3
        )
