"""Sends that wait for their turn, first come, first served.

How long the first one has waited is how far behind the broker is: where that is too
much, it is told so and goes, and its sender tries elsewhere.

Source: BrokerFastFailure.java, release 4.9.7 (a LinkedBlockingQueue there).
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class SendQueue(Generic[T]):
    """What waits, and since when."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, T]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, send: T, now_ms: int, capacity: int) -> bool:
        """Have one wait behind all others; return whether there was room."""
        if len(self._waiting) >= capacity:
            return False
        self._waiting.append((now_ms, send))
        return True

    def take(self) -> T | None:
        """Return the first one, whose turn it is."""
        return self._waiting.popleft()[1] if self._waiting else None

    def head_wait_ms(self, now_ms: int) -> int:
        """Return how long the first one has waited; 0 where none does."""
        return now_ms - self._waiting[0][0] if self._waiting else 0
