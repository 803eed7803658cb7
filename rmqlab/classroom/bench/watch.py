"""A watch that adds up, and a look at this process's memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


class Watch:
    """Adds up the seconds spent in its blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the seconds of the block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - began

    def rate(self, count: int) -> float:
        """Return how many of `count` things fall on a second."""
        return count / max(self.seconds, 1e-9)


class Memory:
    """The resident memory of this process, in MB (a million bytes)."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.at_first = self.most = self.look()

    def look(self) -> float:
        """Return what it is now."""
        now = float(self._process.memory_info().rss) / 1e6
        self.most = max(getattr(self, "most", 0.0), now)
        return now

    def added(self) -> float:
        """Return how much more it is now than it was at first."""
        return max(0.0, self.look() - self.at_first)
