"""The messages of one queue that were pulled and are not yet consumed.

They may be consumed in any order.  What is committed is the offset before which
everything is consumed, so one slow message holds the offset back, and a crash repeats
what came after it.

Source: ProcessQueue.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.message import StoredMessage


class ProcessQueue:
    """A window of messages by queue offset."""

    def __init__(self, now_ms: int = 0) -> None:
        self._messages: dict[int, StoredMessage] = {}
        self._end = -1
        self.is_dropped = False
        """Set when the queue was given to another member: results no longer count."""
        self.last_pull_ms = self.last_consume_ms = now_ms

    def add(self, messages: list[StoredMessage], now_ms: int = 0) -> None:
        """Take pulled messages in."""
        self.last_pull_ms = now_ms
        for message in messages:
            self._messages[message.queue_offset] = message
            self._end = max(self._end, message.queue_offset + 1)

    def offsets(self) -> list[int]:
        """Return the offsets of the messages that are not yet consumed."""
        return list(self._messages)

    def done(self, message: StoredMessage, now_ms: int = 0) -> int:
        """Take a consumed message out; return the offset that may be committed."""
        self.last_consume_ms = now_ms
        self._messages.pop(message.queue_offset, None)
        return min(self._messages, default=self._end)

    def __len__(self) -> int:
        return len(self._messages)
