"""Which client holds which queue, to consume it in order and alone.

A lock lasts for a minute; its client renews it every 20 seconds.  One that is older is
free to be taken by another.

Source: RebalanceLockManager.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rmqlab.protocol.message import MessageQueue

LOCK_MS = 60_000
MOST_LOCKS = 100_000
"""Of one broker.  RocketMQ has no limit; a lock beyond it is not given."""


class Lock(NamedTuple):
    """Who holds a queue, and since when it was not renewed."""

    client_id: str
    locked_ms: int


class QueueLocks:
    """All locks by group and queue, those renewed last at the end."""

    def __init__(self, most: int = MOST_LOCKS) -> None:
        self._locks: dict[tuple[str, MessageQueue], Lock] = {}
        self._most = most

    def lock(
        self, group: str, client_id: str, queues: Iterable[MessageQueue], now_ms: int
    ) -> list[MessageQueue]:
        """Lock queues for a client, or renew its locks; return those that it has."""
        self._forget_old(now_ms)
        return [one for one in queues if self._take((group, one), client_id, now_ms)]

    def _take(self, key: tuple[str, MessageQueue], client_id: str, now_ms: int) -> bool:
        held = self._locks.get(key)
        is_anothers = held is not None and held.client_id != client_id
        if is_anothers or (held is None and len(self._locks) >= self._most):
            return False
        self._locks.pop(key, None)
        self._locks[key] = Lock(client_id, now_ms)
        return True

    def unlock(
        self, group: str, client_id: str, queues: Iterable[MessageQueue]
    ) -> None:
        """Give queues back; those that another holds stay as they are."""
        for queue in queues:
            held = self._locks.get((group, queue))
            if held and held.client_id == client_id:
                del self._locks[group, queue]

    def _forget_old(self, now_ms: int) -> None:
        while self._locks:
            oldest = next(iter(self._locks))
            if now_ms - self._locks[oldest].locked_ms <= LOCK_MS:
                return
            del self._locks[oldest]

    def __len__(self) -> int:
        return len(self._locks)
