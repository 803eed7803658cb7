"""Waits until a growing offset has passed a point.

The log's flushed end is such an offset, and so is what a slave has.  An answer that
may leave only then hangs its callback here: no task, no polling, and one timer for
however many wait, because all wait equally long and so time out in order.

Source: the job is GroupCommitService's and GroupTransferService's, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Told = Callable[[bool], None]


class Waiting(NamedTuple):
    """One who waits: for what, until when, and whom to tell how it went."""

    offset: int
    deadline: float
    told: Told


class OffsetGate:
    """Lets through who waits for at most `passed`.

    `after` is called whenever some who waited have been told.
    """

    def __init__(
        self, limit_s: float, after: Callable[[], None] = lambda: None
    ) -> None:
        self.passed = 0
        self._after = after
        self.limit_s = limit_s
        """How long who comes now waits at most."""
        self._waiting: deque[Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, offset: int, told: Told) -> None:
        """Call `told(True)` once `offset` is passed, `told(False)` after the limit.

        Offsets must be asked for in growing order, as a log hands them out.
        """
        if offset <= self.passed:
            told(True)
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limit_s
        self._waiting.append(Waiting(offset, deadline, told))
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._expire)

    def advance(self, offset: int) -> None:
        """The offset grew: let through whom that suffices."""
        self.passed = max(self.passed, offset)
        while self._waiting and self._waiting[0].offset <= self.passed:
            self._waiting.popleft().told(True)
        self._after()

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0].deadline <= loop.time():
            self._waiting.popleft().told(False)
        self._after()
        self._timer = (
            loop.call_at(self._waiting[0].deadline, self._expire)
            if self._waiting
            else None
        )

    def close(self) -> None:
        """Turn everybody away."""
        if self._timer:
            self._timer.cancel()
        while self._waiting:
            self._waiting.popleft().told(False)
        self._after()

    def __len__(self) -> int:
        return len(self._waiting)
