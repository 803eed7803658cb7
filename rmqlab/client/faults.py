"""Which brokers to leave alone for a while, by how long they took to answer.

    took at least, ms       50   100    550   1000    2000    3000    15000
    left alone for, s        0     0     30     60     120     180      600

A send that failed counts as one of 30 seconds.  Only with sendLatencyFaultEnable: else
a producer goes round all queues and turns away from a broker within one send only.

Source: MQFaultStrategy.java, LatencyFaultToleranceImpl.java, release 4.9.7.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

TOOK_MS = (0, 50, 100, 550, 1000, 2000, 3000, 15_000)
LEFT_ALONE_MS = (0, 0, 0, 30_000, 60_000, 120_000, 180_000, 600_000)
FAILED_MS = 30_000


class Fault(NamedTuple):
    """How long a broker took last, and from when on it may be asked again."""

    took_ms: float
    again_ms: float


class FaultTable:
    """What a producer knows of its brokers, by name; time comes in as an argument."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._turn = 0

    def answered(self, broker: str, took_ms: float, now_ms: float) -> None:
        """A broker answered, after so long."""
        place = bisect_right(TOOK_MS, took_ms) - 1
        self._faults[broker] = Fault(took_ms, now_ms + LEFT_ALONE_MS[max(0, place)])

    def failed(self, broker: str, now_ms: float) -> None:
        """A send to a broker failed, whatever the reason."""
        self.answered(broker, FAILED_MS, now_ms)

    def is_available(self, broker: str, now_ms: float) -> bool:
        """Whether a broker may be asked now; one that is unknown may."""
        known = self._faults.get(broker)
        return known is None or known.again_ms <= now_ms

    def least_bad(self, now_ms: float) -> str | None:
        """Return a broker of the better half of all that are known, in turn."""
        ranked = sorted(
            self._faults,
            key=lambda name: (
                not self.is_available(name, now_ms),
                self._faults[name].took_ms,
                self._faults[name].again_ms,
            ),
        )
        if not ranked:
            return None
        better = ranked[: max(1, len(ranked) // 2)]
        self._turn += 1
        return better[self._turn % len(better)]
