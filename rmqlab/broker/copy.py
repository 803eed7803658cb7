"""The store as replication writes to it.

Not here: the link that the bytes come over (`ha`).
"""

from __future__ import annotations

from rmqlab.store.store import MessageStore


class Copy:
    """The store as replication writes to it."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self.copy = store.copy

    @property
    def end(self) -> int:
        """Where the log ends."""
        return self._store.log.end
