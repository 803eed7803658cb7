"""The ids that a producer gives its messages.

    ┌────────────┬────────┬────────────┬──────────────────────┬────────────┐
    │ address 4B │ pid 2B │ random  4B │ ms of this month  4B │ counter 2B │
    └────────────┴────────┴────────────┴──────────────────────┴────────────┘
    as 32 hexadecimal digits; tools read the time out of it

Source: MessageClientIDSetter.java, release 4.9.7 (the random part is a class loader's
hash there).
"""

from __future__ import annotations

import struct
import time
from random import Random

PREFIX = struct.Struct(">4sHI")
MOMENT = struct.Struct(">IH")
LOOPBACK = bytes((127, 0, 0, 1))


class UniqueIds:
    """Makes one id after the other."""

    def __init__(self, random: Random, pid: int) -> None:
        noise = random.getrandbits(32)
        self._prefix = PREFIX.pack(LOOPBACK, pid & 0xFFFF, noise).hex().upper()
        self._count = 0
        self._month_start_ms = self._month_end_ms = 0

    def next(self, now_ms: int) -> str:
        """Return the next id."""
        if not self._month_start_ms <= now_ms < self._month_end_ms:
            self._turn_page(now_ms)
        self._count = (self._count + 1) & 0xFFFF
        moment = MOMENT.pack(now_ms - self._month_start_ms, self._count)
        return self._prefix + moment.hex().upper()

    def _turn_page(self, now_ms: int) -> None:
        """Note when this month began and ends, in the machine's time zone."""
        today = time.localtime(now_ms / 1000)
        year, month = today.tm_year, today.tm_mon
        self._month_start_ms = _midnight_ms(year, month)
        self._month_end_ms = _midnight_ms(year, month + 1)


def _midnight_ms(year: int, month: int) -> int:
    """Return when a month begins here; the 13th is next year's first."""
    unknown = -1  # whether that is summer time
    return int(time.mktime((year, month, 1, 0, 0, 0, 0, 0, unknown)) * 1000)
