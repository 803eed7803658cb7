"""What a store has done since it was made: numbers that only grow.

Source: StoreStatsService.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rmqlab.protocol.record import Record


@dataclass(slots=True)
class Counts:
    """Messages and bytes; whoever wants a rate looks at them twice."""

    puts: int = 0
    """Messages put into the log, the broker's own included; not what a slave copies."""
    put_bytes: int = 0
    """Of those, as they lie in the log."""
    failed_puts: int = 0
    finds: int = 0
    """Pulls that found a message."""
    misses: int = 0
    """Pulls that found none; one that is held, and then let go, is two."""
    transferred: int = 0
    """Messages that pulls found."""

    def put(self, batch: Sequence[Record]) -> None:
        """Count messages that were counted as failed before."""
        self.failed_puts -= len(batch)
        self.puts += len(batch)
        self.put_bytes += sum(one.size for one in batch)

    def pulled(self, messages: int) -> None:
        """Count a pull."""
        self.finds += messages > 0
        self.misses += messages == 0
        self.transferred += messages
