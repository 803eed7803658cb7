"""One request being answered: who asks and when, and what its answer must wait for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol

from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.messaging import PullMessage


class Peer(Hashable, Protocol):
    """Who asks: a connection, or a test's stand-in."""

    peer: tuple[str, int]

    def send(self, *frames: Frame) -> None:
        """Send without waiting, several in one go."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class Call(NamedTuple):
    """A request, who sent it, and when it came."""

    frame: Frame
    peer: Peer
    now_ms: int

    def answer(
        self, header: Header | None = None, body: bytes = b"", remark: str | None = None
    ) -> Answer:
        """Return the answer SUCCESS."""
        fields = None if header is None else header.to_wire()
        return Answer(self.frame.answer(fields=fields, body=body, remark=remark))


class Answer(NamedTuple):
    """An answer; with `safe_at` it leaves when the log is safe up to that offset.

    How safe is the broker's settings to say: flushed (SYNC_FLUSH), copied to a slave
    (SYNC_MASTER), both, or neither.  With `known_at` it leaves when the name servers
    were told of that version of the topics.
    """

    frame: Frame
    safe_at: int | None = None
    known_at: int | None = None


class HeldPull(NamedTuple):
    """A pull that waits."""

    asked: PullMessage
    call: Call


NOT_SET = "not set any response code"
"""What an answer's remark is in RocketMQ until somebody sets it: some never do."""

HELD = None
"""Returned by a handler whose answer comes later, over the same connection."""

Handle = Callable[[Any, Call], Answer | None]
"""A handler: given the parsed header and the call."""


class Tell(NamedTuple):
    """Whom a handler tells what it changed; neither may wait."""

    topics_changed: Callable[[], None]
    """A topic or a group is new or changed: save it and tell the name servers."""
    group_changed: Callable[[str], None]
    """The members of a consumer group changed: have them share out its queues anew."""
