"""updateSubGroup, deleteSubGroup: the settings of consumer groups.

Not here: how far they are (`progress`), who belongs to them (`clients`), where they
go on (`offsets`).

Source: UpdateSubGroupSubCommand.java, DeleteSubscriptionGroupCommand.java, 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, dataclass

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.mqadmin.command import Command, Flag, Rows, Said, truth
from rmqlab.mqadmin.java import value_text
from rmqlab.mqadmin.places import masters, target_flags
from rmqlab.mqadmin.topic_changes import topic_deleted
from rmqlab.names import camel_case
from rmqlab.protocol.admin import DeleteGroup, UpdateGroup
from rmqlab.protocol.bodies import GroupConfig, encode
from rmqlab.protocol.message import DLQ_PREFIX, RETRY_PREFIX


@dataclass(frozen=True, slots=True)
class GroupMade(Said):
    """A broker has the group's settings now."""

    NAME = "brokers"
    address: str

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return f"create subscription group to {self.address} success."


@dataclass(frozen=True, slots=True)
class GroupSettings(Said):
    """What the group is like now."""

    NAME = "group"
    group_name: str
    consume_enable: bool
    consume_from_min_enable: bool
    consume_broadcast_enable: bool
    retry_queue_nums: int
    retry_max_times: int
    broker_id: int
    which_broker_when_consume_slowly: int
    notify_consumer_ids_changed_enable: bool

    def __str__(self) -> str:
        """Return it as Java prints it."""
        pairs = self.to_json().items()
        texts = (f"{camel_case(name)}={value_text(one)}" for name, one in pairs)
        return f"SubscriptionGroupConfig [{', '.join(texts)}]"


async def update_group(admin: Admin, flags: Namespace) -> Rows:
    """Create a consumer group, or change its settings, on a broker or a cluster."""
    group = GroupConfig(
        flags.group_name,
        flags.consume_enable,
        flags.consume_from_min_enable,
        flags.consume_broadcast_enable,
        flags.retry_queue_nums,
        flags.retry_max_times,
        flags.broker_id,
        flags.which_broker_when_consume_slowly,
        flags.notify_consumer_ids_changed,
    )
    for address in await masters(admin, flags):
        await admin.ask(address, UpdateGroup(), encode(group.to_json()))
        yield GroupMade(address)
    yield GroupSettings(**asdict(group))


@dataclass(frozen=True, slots=True)
class GroupGone(Said):
    """A broker has forgotten the group."""

    NAME = "brokers"
    group: str
    address: str
    cluster: str | None

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        where = f" in cluster [{self.cluster}]" if self.cluster else ""
        broker = f"from broker [{self.address}]{where}"
        return f"delete subscription group [{self.group}] {broker} success."


async def delete_group(admin: Admin, flags: Namespace) -> Rows:
    """Delete a group's settings, in a cluster with its retries and dead letters."""
    header = DeleteGroup(flags.group_name, flags.remove_offset)
    for address in await masters(admin, flags):
        await admin.ask(address, header)
        yield GroupGone(flags.group_name, address, flags.cluster_name)
    if flags.cluster_name:
        for prefix in (RETRY_PREFIX, DLQ_PREFIX):
            topic = prefix + flags.group_name
            async for row in topic_deleted(admin, topic, flags.cluster_name):
                yield row


def _truth(short: str, name: str, about: str, *, default: bool) -> Flag:
    return Flag(short, name, about, kind=truth, default=default)


def _number(short: str, name: str, about: str, default: int) -> Flag:
    return Flag(short, name, about, kind=int, default=default)


GROUP_NAME = Flag("g", "groupName", "consumer group name", is_required=True)

COMMANDS: dict[str, Command] = {
    "updateSubGroup": Command(
        "Update or create subscription group",
        update_group,
        GroupMade,
        (
            *target_flags(
                "create subscription group to which broker",
                "create subscription group to which cluster",
            ),
            GROUP_NAME,
            _truth("s", "consumeEnable", "consume enable", default=True),
            _truth("m", "consumeFromMinEnable", "from min offset", default=False),
            _truth("d", "consumeBroadcastEnable", "broadcast", default=False),
            _number("q", "retryQueueNums", "retry queue nums", 1),
            _number("r", "retryMaxTimes", "retry max times", 16),
            _number("i", "brokerId", "consumer from which broker id", MASTER_ID),
            _number(
                "w",
                "whichBrokerWhenConsumeSlowly",
                "which broker id when consume slowly",
                1,
            ),
            _truth(
                "a",
                "notifyConsumerIdsChanged",
                "notify consumerId changed",
                default=True,
            ),
        ),
    ),
    "deleteSubGroup": Command(
        "Delete subscription group from broker.",
        delete_group,
        GroupGone,
        (
            *target_flags(
                "delete subscription group from which broker",
                "delete subscription group from which cluster",
            ),
            GROUP_NAME._replace(about="subscription group name"),
            _truth("r", "removeOffset", "remove offset", default=False),
        ),
    ),
}
