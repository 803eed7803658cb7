"""A consumer group at one moment: who consumes which queue, and how far.

    ┌──────────────┬──────────────┬────────────────────────────┬─────────┐
    │ queue        │ consumed by  │ ███████████████░░░░░░░░░░  │ 30 of 50│
    └──────────────┴──────────────┴────────────────────────────┴─────────┘

Asked of the brokers as an operator would ask them, so it is the same for members in
Java or on another machine.  The parts of an answer are of slightly different moments.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from rmqlab.classroom.verbs import Table
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.client.groups import NothingConsumed, QueueProgress
from rmqlab.errors import RemoteError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")
"""Of the members in turn: told apart by colour-blind eyes, too (Okabe and Ito's)."""
NOBODY = "nobody"
BAR_PX = 200


class QueueSeen(NamedTuple):
    """One queue: who says that they consume it, and the two offsets."""

    queue: MessageQueue
    members: tuple[str, ...]
    consumed: int
    end: int

    @property
    def behind(self) -> int:
        """How many messages are still to come."""
        return max(0, self.end - self.consumed)


@dataclass(frozen=True)
class GroupView:
    """The members of a group in order of their ids, and its queues."""

    group: str
    members: list[str] = field(default_factory=list)
    queues: list[QueueSeen] = field(default_factory=list)

    @property
    def idle(self) -> list[str]:
        """The members that have no queue."""
        busy = {member for one in self.queues for member in one.members}
        return [member for member in self.members if member not in busy]

    @property
    def behind(self) -> int:
        """How many messages are still to come."""
        return sum(one.behind for one in self.queues)

    def __repr__(self) -> str:
        """The queues as aligned text."""
        rows = [
            (_name(one.queue), ", ".join(one.members) or NOBODY, *_far(one))
            for one in self.queues
        ]
        table = Table(("queue", "consumed by", "consumed", "behind"), rows)
        return f"{table!r}\nidle: {', '.join(self.idle) or NOBODY}"

    def _repr_html_(self) -> str:
        colours = {
            member: COLOURS[at % len(COLOURS)] for at, member in enumerate(self.members)
        }
        rows = "".join(_row(one, colours) for one in self.queues)
        idle = ", ".join(_chip(one, colours) for one in self.idle) or NOBODY
        head = "<th>queue</th><th>consumed by</th><th></th><th>consumed</th>"
        return (
            f"<div>group <b>{html.escape(self.group)}</b>, "
            f"{_members(len(self.members))}, {self.behind:,} messages behind; "
            f"idle: {idle}</div>"
            f"<table><tr>{head}<th>behind</th></tr>{rows}</table>"
        )


def look(admin: BlockingAdmin, group: str) -> GroupView:
    """Return what the brokers and the members say now.

    A group that has consumed nothing yet has no offsets, one without members no shares.

    Raises:
        NoRoute: no broker has heard of the group.
        NotConnected, NoAnswer, RemoteError: a broker is away, or refused.
    """
    shares: dict[str, list[MessageQueue]] = {}
    progress: list[QueueProgress] = []
    try:
        shares = admin.shares(group)
    except RemoteError as error:
        if error.code != ResponseCode.CONSUMER_NOT_ONLINE:
            raise
    with suppress(NothingConsumed):
        progress = admin.progress(group).queues
    return view_of(group, shares, progress)


def view_of(
    group: str,
    shares: Mapping[str, Sequence[MessageQueue]],
    progress: Sequence[QueueProgress],
) -> GroupView:
    """Put both together; a queue of retries is shown once there is something in it."""
    far = {one.queue: (one.consumer_offset, one.broker_offset) for one in progress}
    known = set(far) | {queue for share in shares.values() for queue in share}
    queues = [
        QueueSeen(
            queue,
            tuple(sorted(one for one, share in shares.items() if queue in share)),
            *far.get(queue, (0, 0)),
        )
        for queue in sorted(known)
    ]
    shown = [one for one in queues if one.end or not _is_retry(one.queue)]
    return GroupView(group, sorted(shares), shown)


def _is_retry(queue: MessageQueue) -> bool:
    return queue.topic.startswith(RETRY_PREFIX)


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def _name(queue: MessageQueue) -> str:
    return f"{queue.topic} {queue.broker_name} {queue.queue_id}"


def _far(one: QueueSeen) -> tuple[str, str]:
    return f"{one.consumed:,} of {one.end:,}", f"{one.behind:,}"


def _row(one: QueueSeen, colours: Mapping[str, str]) -> str:
    who = ", ".join(_chip(member, colours) for member in one.members) or NOBODY
    colour = colours[one.members[0]] if one.members else COLOURS[-1]
    cells = (html.escape(_name(one.queue)), who, _bar(one, colour), *_far(one))
    return (
        "<tr>"
        + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _chip(member: str, colours: Mapping[str, str]) -> str:
    return f"<span style='color:{colours[member]}'>■</span> {html.escape(member)}"


def _bar(one: QueueSeen, colour: str) -> str:
    """Return a bar whose filled part is consumed; an empty queue's is full."""
    filled = round(BAR_PX * one.consumed / one.end) if one.end else BAR_PX
    outer = f"width:{BAR_PX}px;background:#d0d7de"
    inner = f"width:{min(filled, BAR_PX)}px;height:10px;background:{colour}"
    return f"<div style='{outer}'><div style='{inner}'></div></div>"
