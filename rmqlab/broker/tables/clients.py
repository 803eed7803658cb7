"""The producers and consumers that a broker has heard from.

A group's members share out its queues among themselves, so all of them must be told
when one comes or goes.  A client is known by its connection; one that sends no
heartbeat for two minutes, or hangs up, is gone.

Source: ConsumerManager.java, ConsumerGroupInfo.java, ProducerManager.java, 4.9.7.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from rmqlab.protocol.membership import ConsumerData, Subscription

SILENCE_MS = 120_000
"""Source: ConsumerManager.CHANNEL_EXPIRED_TIMEOUT."""


@dataclass(slots=True)
class Member:
    """One client of a group."""

    client_id: str
    heard_ms: int
    language: str = ""
    version: int = 0
    """As the client's frames say; see `codes.Language` and `codes.Version`."""


@dataclass(slots=True)
class ConsumerGroup:
    """A group's members by connection, and what it subscribes to by topic."""

    data: ConsumerData
    members: dict[Hashable, Member] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class Clients:
    """All clients.  Verbs return what changed; the caller tells whom it concerns."""

    def __init__(self) -> None:
        self._consumers: dict[str, ConsumerGroup] = {}
        self._producers: dict[str, dict[Hashable, Member]] = {}
        self._turn = 0

    def consumer_beats(
        self, data: ConsumerData, member: Member, connection: Hashable
    ) -> bool:
        """Hear from a consumer; return whether its group changed."""
        group = self._consumers.setdefault(data.group_name, ConsumerGroup(data))
        group.data = data
        is_new = connection not in group.members
        group.members[connection] = member
        return self._subscribe(group, data.subscriptions) or is_new

    def _subscribe(self, group: ConsumerGroup, wanted: list[Subscription]) -> bool:
        changed = False
        for one in wanted:
            known = group.subscriptions.get(one.topic)
            if known is None or one.sub_version > known.sub_version:
                changed = changed or known is None
                group.subscriptions[one.topic] = one
        for topic in group.subscriptions.keys() - {one.topic for one in wanted}:
            changed = True
            del group.subscriptions[topic]
        return changed

    def producer_beats(self, group: str, member: Member, connection: Hashable) -> None:
        """Hear from a producer."""
        self._producers.setdefault(group, {})[connection] = member

    def producer(self, client_id: str) -> Hashable | None:
        """Return the connection of a producer, of whatever group."""
        all_members = (one.items() for one in self._producers.values())
        members = (pair for pairs in all_members for pair in pairs)
        return next((who for who, one in members if one.client_id == client_id), None)

    def next_producer(self, group: str) -> Hashable | None:
        """Return the connection of one of a group's producers; they take turns."""
        members = self._producers.get(group)
        if not members:
            return None
        self._turn += 1
        return list(members)[self._turn % len(members)]

    def leave_consumers(self, group: str, connection: Hashable) -> bool:
        """Forget a consumer that says goodbye; return whether it was known."""
        known = self._consumers.get(group)
        if known is None or known.members.pop(connection, None) is None:
            return False
        if not known.members:
            del self._consumers[group]
        return True

    def leave_producers(self, group: str, connection: Hashable) -> None:
        """Forget a producer that says goodbye."""
        members = self._producers.get(group, {})
        members.pop(connection, None)
        if not members:
            self._producers.pop(group, None)

    def hung_up(self, connection: Hashable) -> list[str]:
        """Forget a connection; return the consumer groups that lost a member."""
        for group in list(self._producers):
            self.leave_producers(group, connection)
        groups = list(self._consumers)
        return [one for one in groups if self.leave_consumers(one, connection)]

    def expire(self, now_ms: int) -> list[Hashable]:
        """Return the connections of clients silent for two minutes; forget them not.

        The caller closes them, and `hung_up` follows.
        """
        oldest = now_ms - SILENCE_MS
        tables = [group.members for group in self._consumers.values()]
        tables += self._producers.values()
        silent = (
            connection
            for members in tables
            for connection, member in members.items()
            if member.heard_ms < oldest
        )
        return list(dict.fromkeys(silent))

    def consumers(self, group: str) -> ConsumerGroup | None:
        """Return a consumer group that has members now."""
        return self._consumers.get(group)

    def producers(self, group: str) -> dict[Hashable, Member]:
        """Return the producers of a group by connection."""
        return self._producers.get(group, {})

    def all_producers(self) -> Iterator[tuple[str, dict[Hashable, Member]]]:
        """Yield every producer group that has members now, and those."""
        yield from self._producers.items()

    def groups_of(self, topic: str) -> list[str]:
        """Return the consumer groups that have subscribed to a topic."""
        groups = self._consumers.items()
        return [name for name, one in groups if topic in one.subscriptions]

    def consumer(self, group: str, client_id: str) -> Hashable | None:
        """Return the connection of a group's member, None where it is not here."""
        known = self._consumers.get(group)
        members = known.members.items() if known else ()
        return next((who for who, one in members if one.client_id == client_id), None)

    def connections(self, group: str) -> list[Hashable]:
        """Return the connections of a consumer group."""
        known = self._consumers.get(group)
        return list(known.members) if known else []
