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
from datetime import datetime, tzinfo
from random import Random

PREFIX = struct.Struct(">4sHI")
MOMENT = struct.Struct(">IH")
LOOPBACK = bytes((127, 0, 0, 1))


class UniqueIds:
    """Makes one id after the other.

    `zone` says when a month begins.  A tool that reads the time takes its own machine's
    zone, so that must be the zone here, too: None.
    """

    def __init__(self, random: Random, pid: int, zone: tzinfo | None = None) -> None:
        noise = random.getrandbits(32)
        self._prefix = PREFIX.pack(LOOPBACK, pid & 0xFFFF, noise).hex().upper()
        self._zone = zone
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
        """Note when this month began and ends."""
        today = datetime.fromtimestamp(now_ms / 1000, self._zone)
        self._month_start_ms = self._midnight_ms(today.year, today.month)
        self._month_end_ms = self._midnight_ms(today.year, today.month + 1)

    def _midnight_ms(self, year: int, month: int) -> int:
        """Return when a month begins; the 13th is next year's first."""
        year, month = year + month // 13, (month - 1) % 12 + 1
        return int(datetime(year, month, 1, tzinfo=self._zone).timestamp() * 1000)
