"""How much went through the store a second, and how much yesterday and today.

The store counts; once a second its counts are looked at.  A rate over ten seconds is
that between the newest look and the one ten before.  Where there are not so many looks
yet the rate is not known.

Source: StoreStatsService.java, BrokerStats.java, release 4.9.7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from rmqlab.store.counts import Counts

SPANS_S = (10, 60, 600)

What = Callable[[Counts], int]
"""Which count, or which sum of counts."""


class Rates:
    """Looks at the counts of one store."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, Counts]] = deque(maxlen=SPANS_S[-1] + 1)
        self._day: int | None = None
        self.yesterday = Counts()
        """As they were when yesterday began; a broker that was not there began at 0."""
        self.today = Counts()
        """As they were when today began."""

    def look(self, counts: Counts, now_ms: int, day: int) -> None:
        """Remember the counts as they are now; to be called every second.

        `day` is any number that is another one tomorrow.
        """
        self._looks.append((now_ms, replace(counts)))
        if self._day is not None and day != self._day:
            self.yesterday, self.today = self.today, replace(counts)
        self._day = day

    def a_second(self, what: What, span_s: int) -> float | None:
        """Return how fast a count grew; None where that is not known yet."""
        if len(self._looks) <= span_s:
            return None
        (first_ms, first), (last_ms, last) = self._looks[-1 - span_s], self._looks[-1]
        passed_ms = last_ms - first_ms
        return (what(last) - what(first)) * 1000 / passed_ms if passed_ms else None
