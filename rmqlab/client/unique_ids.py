"""The ids that a producer gives its messages.

    ┌────────────┬────────┬────────────┬──────────────────────┬────────────┐
    │ address 4B │ pid 2B │ random  4B │ ms of this month  4B │ counter 2B │
    └────────────┴────────┴────────────┴──────────────────────┴────────────┘
    as 32 hexadecimal digits; tools read the time out of it

Source: MessageClientIDSetter.java, release 4.9.7 (the random part is a class loader's
hash there).
"""

from __future__ import annotations

import os
import struct
from datetime import datetime
from random import Random

PREFIX = struct.Struct(">4sHI")
MOMENT = struct.Struct(">IH")
LOOPBACK = bytes((127, 0, 0, 1))


class UniqueIds:
    """Makes one id after the other."""

    def __init__(self, random: Random) -> None:
        pid = os.getpid() & 0xFFFF
        self._prefix = PREFIX.pack(LOOPBACK, pid, random.getrandbits(32)).hex().upper()
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
        today = datetime.fromtimestamp(now_ms / 1000).astimezone()
        first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        year, month = divmod(first.year * 12 + first.month, 12)
        following = first.replace(year=year, month=month + 1)
        self._month_start_ms = int(first.timestamp() * 1000)
        self._month_end_ms = int(following.timestamp() * 1000)
