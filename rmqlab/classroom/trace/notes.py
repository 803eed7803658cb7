"""What one process of a cluster writes down by itself, in a file of its own.

Times are of the monotonic clock, which all processes of a machine have in common.
"""

from __future__ import annotations

import time
from pathlib import Path

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.tap import DECIMALS
from rmqlab.classroom.trace.writer import Writer


def now_s() -> float:
    """Return seconds on the clock that all processes of this machine have."""
    return time.monotonic()


class Notes:
    """Each thing told is stamped, and written at once: it outlives the process.

    `began_s` is when the cluster began, on `now_s`'s clock.
    """

    def __init__(self, path: str | Path, first: Event, began_s: float) -> None:
        self._writer = Writer(path, first, is_prompt=True)
        self._began_s = began_s

    @property
    def at_s(self) -> float:
        """Seconds since the cluster began."""
        return now_s() - self._began_s

    def tell(self, kind: str, /, **facts: object) -> None:
        """Write that something happened now."""
        at_s = round(self.at_s, DECIMALS)
        self.write({"at": at_s, "kind": kind, **facts})

    def write(self, event: Event) -> None:
        """Write what has its time already."""
        self._writer.write(event)

    def close(self) -> None:
        """Write no more."""
        self._writer.close()
