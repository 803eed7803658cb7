"""Virtual time: what happens next, in the one order that a seed decides.

    ready    a queue: what happens now, first in, first out
    later    a heap: what happens at a moment to come, by (moment, serial number)

While anything is ready, time stands still.  Then it jumps to the next moment that
something was set down for.  Things of the same moment happen in the order in which
they were set down: asyncio's own heap does not keep that order.

What is set down belongs to a process's loop, or to nobody: then it is the machine's,
the network's or the experimenter's, and happens whatever becomes of processes.

Not here: event loops (`loop`), and what there is to happen (`network`, `disk`).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Protocol

from rmqlab.errors import RmqError

EPOCH_MS = 1_767_225_600_000
"""The wall clock at the beginning: 2026-01-01 00:00 UTC, in ms since 1970."""


MOST_AT_ONCE = 1_000_000
"""What may happen without time going on; more is taken for a circle."""


class Due(Protocol):
    """Something that was set down to happen."""

    def cancelled(self) -> bool:
        """Whether it is not to happen any more."""
        ...

    def _run(self) -> None: ...


class Owner(Protocol):
    """Whom a thing that happens belongs to: a process's loop."""

    def turn(self, due: Due) -> None:
        """Let it happen, keep it for later, or forget it."""
        ...


class Occurrence:
    """Something that happens to a machine or a link."""

    __slots__ = ("_arguments", "_callback", "_is_cancelled")

    def __init__(
        self, callback: Callable[..., object], arguments: tuple[object, ...]
    ) -> None:
        self._callback, self._arguments = callback, arguments
        self._is_cancelled = False

    def cancel(self) -> None:
        """Have it not happen."""
        self._is_cancelled = True

    def cancelled(self) -> bool:
        """See `Due.cancelled`."""
        return self._is_cancelled

    def _run(self) -> None:
        self._callback(*self._arguments)


Told = Callable[[float, str, dict[str, object]], None]
"""Told what happened: when in seconds, what kind of thing, and its facts."""


class Stuck(RmqError):
    """What was waited for did not come; the text says who waits for what."""


class Timeline:
    """The time of one simulation, and everything that is still to happen in it."""

    def __init__(self, seed: int = 0, epoch_ms: int = EPOCH_MS) -> None:
        self.seed, self.epoch_ms = seed, epoch_ms
        self.now_s = 0.0
        """Seconds since the beginning."""
        self.observers: list[Told] = []
        self.explain: Callable[[], str] = lambda: "nobody knows who waits"
        """Says who waits for what, for the errors of those who ask in vain."""
        self._ready: deque[tuple[Owner | None, Due]] = deque()
        self._later: list[tuple[float, int, Owner | None, Due]] = []
        self._serial = itertools.count()
        self._left = MOST_AT_ONCE
        self._is_running = False

    def random(self, name: str) -> Random:
        """Return a stream of randomness of its own: others never shift it."""
        return Random(f"{self.seed}/{name}")  # noqa: S311

    def tell(self, kind: str, **facts: object) -> None:
        """Tell whoever observes what happened."""
        for told in self.observers:
            told(self.now_s, kind, facts)

    def soon(self, owner: Owner | None, due: Due) -> None:
        """Set something down to happen now, after what is already ready."""
        self._ready.append((owner, due))

    def at(self, when_s: float, owner: Owner | None, due: Due) -> None:
        """Set something down to happen at a moment; one that is past means now."""
        heapq.heappush(self._later, (when_s, next(self._serial), owner, due))

    def call_at(
        self, when_s: float, callback: Callable[..., object], *arguments: object
    ) -> Occurrence:
        """Set a call down that belongs to no process; it can be cancelled."""
        occurrence = Occurrence(callback, arguments)
        self.at(when_s, None, occurrence)
        return occurrence

    def call_in(
        self, delay_s: float, callback: Callable[..., object], *arguments: object
    ) -> Occurrence:
        """As `call_at`, counted from now."""
        return self.call_at(self.now_s + delay_s, callback, *arguments)

    @property
    def next_s(self) -> float | None:
        """When something happens next; None where nothing is left to happen."""
        if self._ready:
            return self.now_s
        while self._later and self._later[0][3].cancelled():
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def step(self) -> bool:
        """Let the next thing happen; return False where nothing is left.

        Raises:
            Stuck: things happen on and on, and time stands still; as `run` and
                `run_until` do.
        """
        with self._running():
            is_something = self._is_due_by(math.inf)
            if is_something:
                self._happen()
            return is_something

    def run(self, seconds: float) -> None:
        """Let everything happen that happens within so many seconds from now."""
        end_s = self.now_s + seconds
        with self._running():
            while self._is_due_by(end_s):
                self._happen()
        self.now_s = end_s

    def run_until(
        self, is_so: Callable[[], object], within_s: float, what: str = ""
    ) -> None:
        """Let things happen, one by one, until a condition holds.

        Raises:
            Stuck: it does not within so many virtual seconds, or nothing is left to
                happen; the text says who waits for what.
        """
        end_s = self.now_s + within_s
        waited = f"waited {within_s:g} s of virtual time in vain"
        with self._running():
            while not is_so():
                if not self._is_due_by(end_s):
                    is_over = self.next_s is None
                    why = "nothing is left to happen" if is_over else waited
                    aim = f" before {what}" if what else ""
                    raise Stuck(f"{why}{aim}.  {self.explain()}")
                self._happen()

    def _is_due_by(self, end_s: float) -> bool:
        """Whether something is ready, now or after a move to the next moment."""
        if self._ready:
            return True
        when_s = self.next_s
        if when_s is None or when_s > end_s:
            return False
        if when_s > self.now_s:
            self.now_s, self._left = when_s, MOST_AT_ONCE
        while self._later and self._later[0][0] <= self.now_s:
            _, _, owner, due = heapq.heappop(self._later)
            self._ready.append((owner, due))
        return True

    def _happen(self) -> None:
        self._left -= 1
        if not self._left:
            self._left = MOST_AT_ONCE
            raise Stuck(f"time stands still at {self.now_s:g} s.  {self.explain()}")
        owner, due = self._ready.popleft()
        if due.cancelled():
            return
        if owner is None:
            due._run()  # noqa: SLF001
        else:
            owner.turn(due)

    @contextmanager
    def _running(self) -> Iterator[None]:
        if self._is_running:
            raise RuntimeError("time is running already: this is called from within it")
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = False
