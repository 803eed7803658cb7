"""Who consumes which queue.

    eight queues, three members:  averagely   a: 0 1 2   b: 3 4 5   c: 6 7
                                  by_circle   a: 0 3 6   b: 1 4 7   c: 2 5

Every member of a group sorts the same queues and the same members and takes its own
share: nobody hands anything out, and while two members see different lists, or share
by different strategies, a queue may have two consumers or none.

A strategy is called with a member's id, all queues and all members, the lists sorted.
A member that is not on the list gets nothing.

Source: AllocateMessageQueue*.java, AllocateMachineRoomNearby.java,
ConsistentHashRouter.java, release 4.9.7.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from rmqlab.errors import RmqError
from rmqlab.protocol.message import MessageQueue

Q = TypeVar("Q")

Allocate = Callable[[str, Sequence[MessageQueue], Sequence[str]], list[MessageQueue]]
"""A strategy: what of the queues is the member's own?"""

VIRTUAL_NODES = 10
HASH_BYTES = 4


class NoMachineRoom(RmqError):
    """A queue or a member of which nobody can say where it is."""


def averagely(own_id: str, queues: Sequence[Q], members: Sequence[str]) -> list[Q]:
    """Return neighbouring queues, one more for the first members."""
    if own_id not in members:
        return []
    index = members.index(own_id)
    each, more = divmod(len(queues), len(members))
    start = index * each + min(index, more)
    return list(queues[start : start + each + (index < more)])


def by_circle(own_id: str, queues: Sequence[Q], members: Sequence[str]) -> list[Q]:
    """Return every n-th queue, as if they were dealt like cards."""
    if own_id not in members:
        return []
    return list(queues[members.index(own_id) :: len(members)])


def by_config(own: Collection[MessageQueue]) -> Allocate:
    """Make a strategy by which this member has these queues, whoever else is there."""
    return lambda own_id, queues, members: list(own)


def by_consistent_hash(virtual_nodes: int = VIRTUAL_NODES) -> Allocate:
    """Make a strategy by which few queues move when a member comes or goes.

    Each member stands at some places of a ring of 2³² places, and each queue belongs
    to the next one clockwise.
    """

    def allocate(
        own_id: str, queues: Sequence[MessageQueue], members: Sequence[str]
    ) -> list[MessageQueue]:
        if own_id not in members:
            return []
        ring = {
            _place(f"{member}-{number}"): member
            for member in members
            for number in range(virtual_nodes)
        }
        places = sorted(ring)

        def owner(queue: MessageQueue) -> str:
            at = bisect_left(places, _place(_java_text(queue)))
            return ring[places[at % len(places)]]

        return [queue for queue in queues if owner(queue) == own_id]

    return allocate


def _place(key: str) -> int:
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:HASH_BYTES])


def _java_text(queue: MessageQueue) -> str:
    topic, broker, number = queue
    return f"MessageQueue [topic={topic}, brokerName={broker}, queueId={number}]"


def by_machine_room(rooms: Collection[str]) -> Allocate:
    """Make a strategy that shares out only the queues of some machine rooms.

    A broker says in its name where it is, ``ROOM@NAME``.  What the shares have in
    excess goes to the first members.
    """

    def allocate(
        own_id: str, queues: Sequence[MessageQueue], members: Sequence[str]
    ) -> list[MessageQueue]:
        if own_id not in members:
            return []
        ours = [queue for queue in queues if _room(queue.broker_name) in rooms]
        index = members.index(own_id)
        each = len(ours) // len(members)
        excess = ours[each * len(members) :]
        return ours[index * each : (index + 1) * each] + excess[index : index + 1]

    return allocate


def _room(broker_name: str) -> str | None:
    # Java's split leaves out what is empty at the end.
    parts = broker_name.rstrip("@").split("@")
    return parts[0] if len(parts) == 2 else None


def machine_room_nearby(
    inner: Allocate,
    room_of_queue: Callable[[MessageQueue], str],
    room_of_member: Callable[[str], str],
) -> Allocate:
    """Make a strategy by which each machine room consumes what lies in it.

    `inner` shares out each room's queues to its members; those of a room without
    members, to all.  It raises `NoMachineRoom` for who is in none.
    """

    def allocate(
        own_id: str, queues: Sequence[MessageQueue], members: Sequence[str]
    ) -> list[MessageQueue]:
        if own_id not in members:
            return []
        queues_in = _by_room(queues, room_of_queue, "mq")
        members_in = _by_room(members, room_of_member, "consumer id")
        own_room = room_of_member(own_id)
        share = inner(own_id, queues_in.pop(own_room, []), members_in[own_room])
        for room in sorted(queues_in.keys() - members_in.keys()):
            share += inner(own_id, queues_in[room], members)
        return share

    return allocate


def _by_room(
    those: Sequence[Q], room_of: Callable[[Q], str], what: str
) -> dict[str, list[Q]]:
    found: dict[str, list[Q]] = defaultdict(list)
    for one in those:
        room = room_of(one)
        if not room:
            raise NoMachineRoom(f"Machine room is null for {what} {one}")
        found[room].append(one)
    return dict(found)
