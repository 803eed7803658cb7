"""Pulls that wait for a message: long polling.

A pull that finds nothing is kept here instead of being answered.  It is let go when a
message that its tags want arrives in its queue, or when its time is up.

Source: PullRequestHoldService.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
QueueKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Hold(Generic[T]):
    """One waiting pull: what it waits for, until when, and the pull itself."""

    pull: T
    offset: int
    deadline_ms: int
    wants_code: Callable[[int], bool]


class PullHolds(Generic[T]):
    """All waiting pulls, by topic and queue id."""

    def __init__(self) -> None:
        self._holds: dict[QueueKey, list[Hold[T]]] = {}

    def add(self, queue: QueueKey, hold: Hold[T]) -> None:
        """Keep a pull waiting."""
        self._holds.setdefault(queue, []).append(hold)

    def __len__(self) -> int:
        return sum(len(holds) for holds in self._holds.values())

    def arrived(
        self, queue: QueueKey, end: int, tags_code: int | None = None
    ) -> list[T]:
        """Return the pulls that a queue which now ends at `end` lets go.

        Without a tag code every pull behind `end` goes, whatever it wants.
        """
        return self._take(
            queue,
            lambda hold: (
                hold.offset < end and (tags_code is None or hold.wants_code(tags_code))
            ),
        )

    def expired(self, now_ms: int) -> list[T]:
        """Return the pulls whose time is up."""
        late = [
            self._take(queue, lambda hold: hold.deadline_ms <= now_ms)
            for queue in list(self._holds)
        ]
        return [pull for pulls in late for pull in pulls]

    def queues(self) -> list[QueueKey]:
        """Return the queues that somebody waits for."""
        return list(self._holds)

    def _take(self, queue: QueueKey, goes: Callable[[Hold[T]], bool]) -> list[T]:
        holds = self._holds.get(queue)
        if not holds:
            return []
        gone = [hold.pull for hold in holds if goes(hold)]
        if gone:
            self._holds[queue] = [hold for hold in holds if not goes(hold)]
            if not self._holds[queue]:
                del self._holds[queue]
        return gone
