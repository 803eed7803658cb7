"""One direction between two machines: first in, first out, after a while.

    sent ──► departs when the link is free ──► arrives latency and jitter later

A cut link holds what it is given, as TCP would send it again and again; nobody is told.
Healed, it delivers everything in order.

Not here: what travels (`tcp`), loss of single packets (TCP hides it), and TCP's own
time-out after a quarter of an hour without an acknowledgement.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rmqlab.sim.timeline import Timeline

LATENCY_S = 0.0002
"""One way between two machines: two hosts on one switch."""
JITTER_S = 0.0001
LOOPBACK_S = 0.00002
"""Within a machine."""
RESEND_S = 0.2
"""After a cut heals, until TCP tries again.  In truth that grows with the cut's length,
up to two minutes."""

Arrive = Callable[..., None]


class Link:
    """One direction; its attributes may be changed at any time."""

    def __init__(self, timeline: Timeline, source: str, target: str) -> None:
        self.source, self.target = source, target
        is_loopback = source == target
        self.latency_s = LOOPBACK_S if is_loopback else LATENCY_S
        self.jitter_s = 0.0 if is_loopback else JITTER_S
        self.bytes_per_s: float | None = None
        """None: as many as there are."""
        self.torn = 0.02
        """How likely what is written at once comes in two pieces."""
        self._timeline = timeline
        self._random = timeline.random(f"link/{source}/{target}")
        self._free_s = self._last_s = 0.0
        self._cuts: set[str] = set()
        self._held: deque[tuple[int, Arrive, tuple[object, ...]]] = deque()

    @property
    def is_cut(self) -> bool:
        """Whether nothing gets through."""
        return bool(self._cuts)

    @property
    def is_clear(self) -> bool:
        """Whether what is sent now sets out now."""
        return not self._cuts and not self._held

    def send(self, size: int, arrive: Arrive, *facts: object) -> None:
        """Have something of so many bytes arrive at the other end."""
        if self._cuts or self._held:
            self._held.append((size, arrive, facts))
        else:
            self._depart(size, arrive, facts)

    def _depart(self, size: int, arrive: Arrive, facts: tuple[object, ...]) -> None:
        departs_s = max(self._timeline.now_s, self._free_s)
        if self.bytes_per_s:
            departs_s += size / self.bytes_per_s
        self._free_s = departs_s
        arrives_s = departs_s + self.latency_s + self._random.random() * self.jitter_s
        self._last_s = max(arrives_s, self._last_s)
        self._timeline.call_at(self._last_s, arrive, *facts)

    def pieces(self, data: bytes) -> list[bytes]:
        """Return the data as it will arrive: whole, or torn at a random place."""
        if self._random.random() >= self.torn or len(data) < 2:
            return [data]
        at = self._random.randrange(1, len(data))
        return [data[:at], data[at:]]

    def cut(self, by: str = "") -> None:
        """Let nothing more through.  What is on its way still arrives.

        `by` names who cuts: a link that two have cut is healed once both let go.
        """
        self._cuts.add(by)

    def heal(self, by: str = "") -> None:
        """Let everything through again, what was held first."""
        self._cuts.discard(by)
        if self._held:
            self._timeline.call_in(RESEND_S, self._resend)

    def drop_held(self) -> None:
        """Forget what was held: the machine that would send it again is down."""
        self._held.clear()

    def _resend(self) -> None:
        if self._cuts:
            return
        held, self._held = self._held, deque()
        for size, arrive, facts in held:
            self._depart(size, arrive, facts)
