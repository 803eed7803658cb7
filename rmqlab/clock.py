"""Milliseconds since 1970: the wall clock, or one that a test sets by hand.

Only the shell (servers, services, clients) holds a clock.  Everything below is given
`now_ms` as an argument, so that two minutes can pass in a test without waiting.
"""

from __future__ import annotations

import time
from typing import Protocol

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 00:00 UTC."""
        ...

    def hour(self) -> int:
        """Return the hour of the day, 0 to 23, where this clock hangs."""
        ...

    def day(self) -> int:
        """Return a number that changes at midnight, where this clock hangs."""
        ...


def moment(ms: int) -> str:
    """Return a time as RocketMQ's answers have it, here always in UTC."""
    seconds, rest = divmod(ms, 1000)
    return f"{time.strftime('%Y-%m-%d#%H:%M:%S', time.gmtime(seconds))}:{rest:03d}"


class SystemClock:
    """The machine's wall clock."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 00:00 UTC."""
        return time.time_ns() // 1_000_000

    def hour(self) -> int:
        """Return the hour of the day, in this machine's time zone."""
        return time.localtime().tm_hour

    def day(self) -> int:
        """Return the day of the year, in this machine's time zone."""
        return time.localtime().tm_yday


def time_text(ms: int) -> str:
    """Return ``2026-11-28 06:00:00,000``, in this machine's time zone."""
    moment = time.localtime(ms // 1000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', moment)},{ms % 1000:03}"


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return the time last set."""
        return self._now_ms

    def hour(self) -> int:
        """Return the hour of the day, UTC."""
        return self._now_ms // HOUR_MS % 24

    def day(self) -> int:
        """Return the days since 1970, UTC."""
        return self._now_ms // DAY_MS

    def advance(self, ms: int) -> None:
        """Move the clock on by `ms` milliseconds."""
        self._now_ms += ms
