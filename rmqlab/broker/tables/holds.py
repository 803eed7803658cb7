"""Pulls that wait for a message: long polling.

A pull that finds nothing is kept here instead of being answered.  It is let go when a
message that it wants arrives in its queue, or when its time is up; if its connection
ends first, it is forgotten.

Source: PullRequestHoldService.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
QueueKey = tuple[str, int]

MOST_HOLDS = 50_000
"""Of one broker.  RocketMQ has no limit; a pull beyond it is answered at once."""


class Arrived(NamedTuple):
    """What tells whether a message is wanted: the hash of its tag, its properties."""

    tags_code: int
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Hold(Generic[T]):
    """One waiting pull: what it waits for, until when, and the pull itself."""

    pull: T
    peer: Hashable
    queue: QueueKey
    offset: int
    deadline_ms: int
    wants: Callable[[Arrived], bool]


Holds = dict[Hold[T], None]
"""A dict keeps the order in which they came."""


class PullHolds(Generic[T]):
    """All waiting pulls, by topic and queue id, and by the connection they came on."""

    def __init__(self, most: int = MOST_HOLDS) -> None:
        self._by_queue: dict[QueueKey, Holds[T]] = {}
        self._by_peer: dict[Hashable, Holds[T]] = {}
        self._most, self._count = most, 0

    def add(self, hold: Hold[T]) -> bool:
        """Keep a pull waiting; return False where too many wait already."""
        if self._count >= self._most:
            return False
        self._by_queue.setdefault(hold.queue, {})[hold] = None
        self._by_peer.setdefault(hold.peer, {})[hold] = None
        self._count += 1
        return True

    def __len__(self) -> int:
        return self._count

    def arrived(
        self, queue: QueueKey, end: int, message: Arrived | None = None
    ) -> list[T]:
        """Return the pulls that a queue which now ends at `end` lets go.

        Without a message every pull behind `end` goes, whatever it wants.
        """
        return self._let_go(
            hold
            for hold in list(self._by_queue.get(queue, ()))
            if hold.offset < end and (message is None or hold.wants(message))
        )

    def expired(self, now_ms: int) -> list[T]:
        """Return the pulls whose time is up."""
        holds = [hold for held in self._by_queue.values() for hold in held]
        return self._let_go(hold for hold in holds if hold.deadline_ms <= now_ms)

    def hung_up(self, peer: Hashable) -> None:
        """Forget the pulls of a connection that ended."""
        self._let_go(list(self._by_peer.get(peer, ())))

    def queues(self) -> list[QueueKey]:
        """Return the queues that somebody waits for."""
        return list(self._by_queue)

    def _let_go(self, holds: Iterable[Hold[T]]) -> list[T]:
        gone = []
        for hold in holds:
            _remove(self._by_queue, hold.queue, hold)
            _remove(self._by_peer, hold.peer, hold)
            gone.append(hold.pull)
        self._count -= len(gone)
        return gone


def _remove(table: dict[K, Holds[T]], key: K, hold: Hold[T]) -> None:
    del table[key][hold]
    if not table[key]:
        del table[key]
