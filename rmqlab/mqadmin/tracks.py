"""Who has consumed a message, and who has not: one track for each group.

Source: DefaultMQAdminExtImpl.messageTrackDetail, MessageTrack.java, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass

from rmqlab.client import groups
from rmqlab.client.admin import Admin
from rmqlab.client.groups import Members, NothingConsumed, QueueProgress
from rmqlab.client.routes import MASTER_ID
from rmqlab.errors import RemoteError, RmqError
from rmqlab.mqadmin.command import Said
from rmqlab.mqadmin.java import value_text
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import StoredMessage

OFFLINE = ResponseCode.CONSUMER_NOT_ONLINE.value


@dataclass(frozen=True, slots=True)
class Track(Said):
    """What a group did with a message; `why` where it is not known."""

    NAME = "tracks"
    HEADING = "\n"  # two empty lines
    group: str
    type: str
    why: str | None = None

    def __str__(self) -> str:
        """Return it as Java prints it."""
        return (
            f"MessageTrack [consumerGroup={self.group}, trackType={self.type}, "
            f"exceptionDesc={value_text(self.why)}]"
        )


@dataclass(frozen=True, slots=True)
class NoConsumer(Said):
    """No group consumes the message's topic."""

    NAME = "no_consumer"
    topic: str

    def __str__(self) -> str:
        """Return RocketMQ's warning."""
        return "\n\nWARN: No Consumer"


async def tracks_of(admin: Admin, message: StoredMessage) -> list[Track]:
    """Return a track for each group that consumes the message's topic."""
    try:
        consumers = await groups.of_topic(admin, message.topic)
    except RmqError:  # a topic that only the store has, such as the delayed messages'
        return []
    return [await _track(admin, group, message) for group in consumers]


async def _track(admin: Admin, group: str, message: StoredMessage) -> Track:
    try:
        members = await groups.members(admin, group)
        if members.consume_type == "CONSUME_ACTIVELY":
            return Track(group, "PULL")
        queues = (await groups.progress(admin, group)).queues
        at = await _masters(admin)
    except NothingConsumed as error:
        return Track(group, "NOT_ONLINE", f"CODE:{OFFLINE} DESC:{error}")
    except RemoteError as error:
        kind = "NOT_ONLINE" if error.code == OFFLINE else "UNKNOWN"
        return Track(group, kind, f"CODE:{error.code} DESC:{error.remark}")
    except RmqError as error:
        return Track(group, "UNKNOWN", str(error))
    if not any(_is_past(one, message, at) for one in queues):
        return Track(group, "NOT_CONSUME_YET")
    return Track(group, "CONSUMED" if _wants(members, message) else FILTERED)


FILTERED = "CONSUMED_BUT_FILTERED"


async def _masters(admin: Admin) -> dict[str, str]:
    """Return each master's broker name by its address."""
    brokers = (await admin.cluster()).brokers
    masters = ((one.broker_addrs.get(MASTER_ID), name) for name, one in brokers.items())
    return {address: name for address, name in masters if address}


def _is_past(one: QueueProgress, message: StoredMessage, at: dict[str, str]) -> bool:
    """Whether a group's place in a queue is behind the message, and the queue its own.

    A record does not name its broker; the address that it was stored at does.
    """
    broker = at.get("{}:{}".format(*message.store_host))
    where = message.topic, broker, message.queue_id
    return where == tuple(one.queue) and one.consumer_offset > message.queue_offset


def _wants(members: Members, message: StoredMessage) -> bool:
    subscription = members.subscriptions.get(message.topic)
    return subscription is None or subscription.wants(message.tags)
