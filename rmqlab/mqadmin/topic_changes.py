"""updateTopic, updateTopicPerm, deleteTopic: topics made, changed and ended.

Masters are told; a slave takes its topics from its master.

Source: UpdateTopicSubCommand.java, UpdateTopicPermSubCommand.java,
DeleteTopicSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, dataclass

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.mqadmin.command import Command, Failed, Flag, Rows, Said, truth
from rmqlab.mqadmin.order import set_order
from rmqlab.mqadmin.places import in_cluster, masters, target_flags
from rmqlab.mqadmin.topics import TOPIC
from rmqlab.protocol.admin import CreateTopic, DeleteTopic
from rmqlab.protocol.bodies import QueueData, TopicConfig
from rmqlab.protocol.message import DEFAULT_TOPIC
from rmqlab.protocol.routing import DeleteTopicInNamesrv

UNIT, UNIT_SUB = 1, 2
"""Bits of a topic's sys flag."""


@dataclass(frozen=True, slots=True)
class TopicMade(Said):
    """A broker has the topic now."""

    NAME = "brokers"
    address: str

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return f"create topic to {self.address} success."


@dataclass(frozen=True, slots=True)
class TopicSettings(Said):
    """What the topic is like now."""

    NAME = "topic"
    topic_name: str
    read_queue_nums: int
    write_queue_nums: int
    perm: int
    topic_filter_type: str
    topic_sys_flag: int
    order: bool

    def __str__(self) -> str:
        """Return it as Java prints it."""
        return str(TopicConfig(**self.to_json()))


@dataclass(frozen=True, slots=True)
class TopicNow(TopicSettings):
    """The same after a change of the permission, in RocketMQ's other wording."""

    def __str__(self) -> str:
        """Return it as Java prints it, and a full stop."""
        return f"{TopicConfig(**self.to_json())}."


async def update_topic(admin: Admin, flags: Namespace) -> Rows:
    """Create a topic, or change its settings, on one broker or a whole cluster."""
    topic = TopicConfig(
        flags.topic,
        flags.read_queue_nums,
        flags.write_queue_nums,
        flags.perm,
        topic_sys_flag=UNIT * flags.unit | UNIT_SUB * flags.has_unit_sub,
        order=flags.order,
    )
    addresses = await masters(admin, flags)
    for address in addresses:
        await _create(admin, address, topic)
        yield TopicMade(address)
    if topic.order:
        yield await set_order(admin, flags, addresses)
    yield TopicSettings(**asdict(topic))


async def _create(admin: Admin, address: str, topic: TopicConfig) -> None:
    header = CreateTopic(
        topic.topic_name,
        DEFAULT_TOPIC,
        topic.read_queue_nums,
        topic.write_queue_nums,
        topic.perm,
        topic.topic_filter_type,
        topic.topic_sys_flag,
        topic.order,
    )
    await admin.ask(address, header)


@dataclass(frozen=True, slots=True)
class PermissionSet(Said):
    """A broker has given a topic another permission, or the same again."""

    NAME = "brokers"
    address: str
    before: int
    perm: int

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        change = f"from {self.before} to {self.perm}"
        return f"update topic perm {change} in {self.address} success."


@dataclass(frozen=True, slots=True)
class Unchanged(Said):
    """A broker has this permission already."""

    NAME = "unchanged"
    address: str
    perm: int

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return "new perm equals to the old one!"


async def update_topic_perm(admin: Admin, flags: Namespace) -> Rows:
    """Change what may be done with a topic, where it is; its queues stay.

    RocketMQ takes the queues' numbers, and the permission before, from whichever
    broker comes first, for all of them.
    """
    route = await admin.known_route(flags.topic)
    addresses = await masters(admin, flags)
    at = {one.broker_name: one.broker_addrs.get(MASTER_ID) for one in route.brokers}
    chosen = [one for one in route.queues if at.get(one.broker_name) in addresses]
    if not chosen:
        raise Failed(
            "updateTopicPerm error broker not exit or broker is not master!: "
            f"{flags.topic} is on {', '.join(sorted(filter(None, at.values())))}"
        )
    for queues in sorted(chosen, key=lambda one: one.broker_name):
        address = str(at[queues.broker_name])
        if queues.perm == flags.perm and flags.broker_addr:
            yield Unchanged(address, flags.perm)
            continue
        topic = _with_perm(flags.topic, queues, flags.perm)
        await _create(admin, address, topic)
        yield PermissionSet(address, queues.perm, flags.perm)
        if flags.broker_addr:
            yield TopicNow(**asdict(topic))


def _with_perm(name: str, queues: QueueData, perm: int) -> TopicConfig:
    read, write = queues.read_queue_nums, queues.write_queue_nums
    return TopicConfig(name, read, write, perm, topic_sys_flag=queues.topic_sys_flag)


@dataclass(frozen=True, slots=True)
class TopicGone(Said):
    """The topic is forgotten, by a cluster's brokers or by the name servers."""

    NAME = "deleted"
    topic: str
    cluster: str | None = None

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        where = f"cluster [{self.cluster}]" if self.cluster else "NameServer"
        return f"delete topic [{self.topic}] from {where} success."


async def delete_topic(admin: Admin, flags: Namespace) -> Rows:
    """Delete a topic on every master of a cluster and on every name server."""
    async for row in topic_deleted(admin, flags.topic, flags.cluster_name):
        yield row


async def topic_deleted(admin: Admin, topic: str, cluster: str) -> Rows:
    """Delete a topic; see `delete_topic`."""
    for place in await in_cluster(admin, cluster):
        if place.broker_id == MASTER_ID:
            await admin.ask(place.address, DeleteTopic(topic))
    yield TopicGone(topic, cluster)
    for at in admin.name_servers:
        await admin.call(at, DeleteTopicInNamesrv(topic))
    yield TopicGone(topic)


CREATED_WHERE = target_flags(
    "create topic to which broker", "create topic to which cluster"
)


def _truth(short: str, name: str, about: str) -> Flag:
    return Flag(short, name, about, kind=truth, default=False)


COMMANDS: dict[str, Command] = {
    "updateTopic": Command(
        "Update or create topic",
        update_topic,
        TopicMade,
        (
            *CREATED_WHERE,
            TOPIC,
            Flag("r", "readQueueNums", "set read queue nums", kind=int, default=8),
            Flag("w", "writeQueueNums", "set write queue nums", kind=int, default=8),
            Flag(
                "p",
                "perm",
                "set topic's permission(2|4|6), intro[2:W 4:R; 6:RW]",
                kind=int,
                default=6,
            ),
            _truth("o", "order", "set topic's order(true|false)"),
            _truth("u", "unit", "is unit topic (true|false)"),
            _truth("s", "hasUnitSub", "has unit sub (true|false)"),
        ),
    ),
    "deleteTopic": Command(
        "Delete topic from broker and NameServer.",
        delete_topic,
        TopicGone,
        (
            TOPIC,
            Flag(
                "c", "clusterName", "delete topic from which cluster", is_required=True
            ),
        ),
    ),
    "updateTopicPerm": Command(
        "Update topic perm",
        update_topic_perm,
        PermissionSet,
        (
            *CREATED_WHERE,
            TOPIC,
            Flag(
                "p",
                "perm",
                "set topic's permission(2|4|6), intro[2:W; 4:R; 6:RW]",
                is_required=True,
                kind=int,
            ),
        ),
    ),
}
