"""What is measured of a cluster: modes, loads, and cells of senders and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

RATE = "messages/s"


class Mode(NamedTuple):
    """What a send waits for: a slave or none, the disk or not."""

    role: str
    flush: str

    @property
    def topology(self) -> str:
        """The shipped topology with masters of this role."""
        return {"SYNC_MASTER": "2m-2s-sync", "ASYNC_MASTER": "2m-2s-async"}[self.role]

    @property
    def settings(self) -> Mapping[str, str]:
        """What is changed on every broker of it."""
        return {"flushDiskType": self.flush}

    def __str__(self) -> str:
        return f"{self.role}, {self.flush}"


class Cell(NamedTuple):
    """So many senders of bodies of so many bytes, under one load."""

    load: str
    senders: int
    body_bytes: int

    def __str__(self) -> str:
        kib, rest = divmod(self.body_bytes, 1024)
        size = f"{self.body_bytes} B" if rest else f"{kib} KiB"
        return f"{self.load} {self.senders} × {size}"

    @property
    def units(self) -> dict[str, str]:
        """Its numbers by name, and what each counts."""
        late = f"{self}, 99 of 100"
        return {str(self): RATE, f"{self}, median": "ms", late: "ms"}


PLAIN = Mode("SYNC_MASTER", "ASYNC_FLUSH")
"""The mode of all that does not ask for one."""
MODES = tuple(
    Mode(role, flush)
    for flush in ("ASYNC_FLUSH", "SYNC_FLUSH")
    for role in ("SYNC_MASTER", "ASYNC_MASTER")
)
SENDERS, SIZES = (1, 4, 16, 64), (128, 1024, 16 * 1024)


def cells(load: str) -> list[Cell]:
    """Return the cells of a load: numbers of senders, then sizes for one of them."""
    by_senders = [Cell(load, senders, SIZES[0]) for senders in SENDERS]
    return by_senders + [Cell(load, 16, size) for size in SIZES[1:]]
