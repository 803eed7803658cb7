"""How long it took to answer sends and pulls, in milliseconds, since the broker began.

A send's time is that until its message is in the log, not until it is flushed or
copied; a held pull's is that until it was held.

Source: StoreStatsService.setPutMessageEntireTimeMax, release 4.9.7.
"""

from __future__ import annotations

from bisect import bisect_right

BELOW_MS = (10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10_000)
NAMES = (
    "<=0ms 0~10ms 10~50ms 50~100ms 100~200ms 200~500ms 500ms~1s 1~2s 2~3s 3~4s 4~5s "
    "5~10s 10s~"
).split()


class Took:
    """Counts of sends by how long they took, and the longest times."""

    def __init__(self) -> None:
        self._puts = [0] * len(NAMES)
        self.longest_put_ms = self.longest_get_ms = 0

    def put(self, took_ms: int) -> None:
        """Count a send."""
        place = bisect_right(BELOW_MS, took_ms) + 1 if took_ms > 0 else 0
        self._puts[place] += 1
        self.longest_put_ms = max(self.longest_put_ms, took_ms)

    def got(self, took_ms: int) -> None:
        """Note a pull's time."""
        self.longest_get_ms = max(self.longest_get_ms, took_ms)

    def __str__(self) -> str:
        """As RocketMQ tells it: ``[<=0ms]:150 [0~10ms]:342 …``."""
        counts = zip(NAMES, self._puts, strict=True)
        return "".join(f"[{name}]:{count} " for name, count in counts)
