"""What a consumer group is doing: its members, and how far it is in each queue.

Each broker knows of all members, for they send it heartbeats, and of its own queues
only how far the group is.  A group is found by the topic of its retries, which every
broker that it has talked to has.

Source: DefaultMQAdminExtImpl.java, GroupConsumeInfo.java, release 4.9.7.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rmqlab.client.admin import Admin
from rmqlab.errors import RemoteError, RmqError, Unavailable
from rmqlab.protocol.admin import (
    GetConsumerConnections,
    GetConsumeStats,
    GetProducerConnections,
    GetTopicGroups,
)
from rmqlab.protocol.bodies import queue_of
from rmqlab.protocol.codes import version_text
from rmqlab.protocol.grouping import GetRunningInfo
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue

RELAYED_S = 15.0
"""A broker gives a client ten seconds to answer."""


class NothingConsumed(RmqError):
    """No broker knows how far the group is."""

    def __init__(self) -> None:
        super().__init__(
            "Not found the consumer group consume stats, because return offset table "
            "is empty, maybe the consumer not consume any message"
        )


class Connection(NamedTuple):
    """One client as a broker sees it; `version` is its release's number."""

    client_id: str
    address: str
    language: str
    version: int

    @property
    def release(self) -> str:
        """Its release."""
        return version_text(self.version)


class Members(NamedTuple):
    """Who belongs to a group, and what they want."""

    connections: list[Connection]
    consume_type: str
    message_model: str
    consume_from_where: str
    subscriptions: dict[str, Subscription]


class QueueProgress(NamedTuple):
    """How far a group is in a queue; `last_ms` is of the message consumed last."""

    queue: MessageQueue
    broker_offset: int
    consumer_offset: int
    last_ms: int

    @property
    def behind(self) -> int:
        """How many messages are still to come."""
        return self.broker_offset - self.consumer_offset


@dataclass(slots=True)
class Progress:
    """How far a group is in all its queues, and how many messages it takes a second."""

    tps: float = 0.0
    queues: list[QueueProgress] = field(default_factory=list)

    @property
    def behind(self) -> int:
        """How many messages are still to come."""
        return sum(one.behind for one in self.queues)


async def members(admin: Admin, group: str, address: str | None = None) -> Members:
    """Return who belongs to a group, as the broker at `address` or any of it knows.

    Raises:
        NoRoute: no broker has heard of the group.
        RemoteError: CONSUMER_NOT_ONLINE, nobody belongs to it now.
        NotConnected, NoAnswer: the broker is away.
    """
    at = address or (await admin.addresses(RETRY_PREFIX + group))[0]
    found = await admin.ask(at, GetConsumerConnections(group))
    subscriptions = found.get("subscriptionTable") or {}
    return Members(
        _connections(found),
        found.get("consumeType") or "",
        found.get("messageModel") or "",
        found.get("consumeFromWhere") or "",
        {key: Subscription.from_json(one) for key, one in subscriptions.items()},
    )


async def producers(admin: Admin, group: str, topic: str) -> list[Connection]:
    """Return the producers of a group that a broker of the topic knows.

    Raises:
        NoRoute: the topic has no broker now.
        RemoteError: SYSTEM_ERROR, the broker knows none.
        NotConnected, NoAnswer: the broker is away.
    """
    at = (await admin.addresses(topic))[0]
    return _connections(await admin.ask(at, GetProducerConnections(group)))


def _connections(found: Any) -> list[Connection]:
    return sorted(
        Connection(
            one["clientId"],
            one["clientAddr"],
            one.get("language") or "",
            one.get("version") or 0,
        )
        for one in found.get("connectionSet") or []
    )


async def progress(admin: Admin, group: str, topic: str | None = None) -> Progress:
    """Return how far a group is, of one topic or of all that it has consumed.

    Raises:
        NoRoute: no broker has heard of the group.
        NothingConsumed: it has consumed nothing yet.
        NotConnected, NoAnswer, RemoteError: a broker is away, or refused.
    """
    total = Progress()
    for address in await admin.addresses(RETRY_PREFIX + group):
        found = await admin.ask(address, GetConsumeStats(group, topic))
        total.tps += found.get("consumeTps") or 0.0
        for key, one in (found.get("offsetTable") or {}).items():
            offsets = one["brokerOffset"], one["consumerOffset"], one["lastTimestamp"]
            total.queues.append(QueueProgress(queue_of(key), *offsets))
    if not total.queues:
        raise NothingConsumed
    total.queues.sort()
    return total


async def of_topic(admin: Admin, topic: str) -> list[str]:
    """Return the groups that consume a topic, as one of its brokers knows.

    Raises:
        NoRoute: the topic has no broker now.
        NotConnected, NoAnswer, RemoteError: the broker is away, or refused.
    """
    at = (await admin.addresses(topic))[0]
    found = await admin.ask(at, GetTopicGroups(topic))
    return sorted(found.get("groupList") or [])


async def shares(admin: Admin, group: str) -> dict[str, list[MessageQueue]]:
    """Return which queues each member says that it consumes, by client id.

    A member that does not answer has none; of two that have the same id one is asked.

    Raises:
        NoRoute: no broker has heard of the group.
        RemoteError: CONSUMER_NOT_ONLINE, nobody belongs to it now.
        NotConnected, NoAnswer: the broker is away.
    """
    found: dict[str, list[MessageQueue]] = {}
    for one in (await members(admin, group)).connections:
        found[one.client_id] = []
        with suppress(RemoteError, Unavailable):
            info = await running_info(admin, group, one.client_id)
            found[one.client_id] = sorted(map(queue_of, info.get("mqTable") or {}))
    return found


async def running_info(
    admin: Admin, group: str, client_id: str, *, with_stacks: bool = False
) -> dict[str, Any]:
    """Return what a member of a group says of itself; a broker passes it on.

    Raises:
        NoRoute: no broker has heard of the group.
        RemoteError: the client is not there, or does not answer its broker.
        NotConnected, NoAnswer: the broker is away.
    """
    at = (await admin.addresses(RETRY_PREFIX + group))[0]
    header = GetRunningInfo(group, client_id, with_stacks)
    return dict(await admin.ask(at, header, timeout_s=RELAYED_S))
