"""The messages of one queue that were pulled and are not yet consumed.

    pulled   5  6  7  8  9 │ 10, the next to pull
    consumed    6  7     9
             └─ 5 may be committed: whoever goes on begins there

They may be consumed in any order.  What is committed is the offset before which
everything is consumed, so one slow message holds the offset back, and a crash repeats
what came after it.

Source: ProcessQueue.java, release 4.9.7.
"""

from __future__ import annotations

from collections import deque

from rmqlab.protocol.message import MessageQueue, StoredMessage


class ProcessQueue:
    """A window of messages by queue offset; they come in the order of their offsets."""

    def __init__(self, queue: MessageQueue, now_ms: int = 0) -> None:
        self.queue = queue
        self.size = 0
        """Bytes of the bodies that are not yet consumed."""
        self.is_dropped = False
        """Set when the queue is no longer ours: results no longer count."""
        self.last_pull_ms = self.last_consume_ms = now_ms
        self._messages: dict[int, StoredMessage] = {}
        self._order: deque[int] = deque()
        """All offsets from the oldest to the newest that is not yet consumed."""
        self._end = -1

    def add(self, messages: list[StoredMessage], now_ms: int = 0) -> None:
        """Take pulled messages in."""
        self.last_pull_ms = now_ms
        for message in messages:
            self._messages[message.queue_offset] = message
            self._order.append(message.queue_offset)
            self._end = message.queue_offset + 1
            self.size += len(message.body)

    def done(self, message: StoredMessage, now_ms: int = 0) -> int:
        """Take a consumed message out; return the offset that may be committed."""
        self.last_consume_ms = now_ms
        if self._messages.pop(message.queue_offset, None):
            self.size -= len(message.body)
        order, left = self._order, self._messages
        while order and order[0] not in left:
            order.popleft()
        while order and order[-1] not in left:
            order.pop()
        return order[0] if order else self._end

    def offsets(self) -> list[int]:
        """Return the offsets of the messages that are not yet consumed, ascending."""
        return list(self._messages)

    @property
    def span(self) -> int:
        """From the oldest message that is not yet consumed to the newest one."""
        return self._order[-1] - self._order[0] if self._order else 0

    def __contains__(self, message: StoredMessage) -> bool:
        return message.queue_offset in self._messages

    def __len__(self) -> int:
        return len(self._messages)
