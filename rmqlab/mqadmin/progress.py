"""consumerProgress: how far consumer groups are, and how far behind.

Source: ConsumerProgressSubCommand.java, GroupConsumeInfo.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from rmqlab.client import groups
from rmqlab.client.admin import Admin, NoRoute
from rmqlab.client.groups import Members, NothingConsumed, Progress
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.command import Command, Flag, Row, Rows, Said, truth
from rmqlab.mqadmin.groups import GROUP_NAME
from rmqlab.mqadmin.times import second
from rmqlab.protocol.codes import version_text
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue

QUEUES = "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s"
QUEUES_BY_CLIENT = "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s  %s"
GROUPS = "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s"
NONE = "N/A"
OFFLINE = "OFFLINE"
TYPES = {"CONSUME_PASSIVELY": "PUSH", "CONSUME_ACTIVELY": "PULL"}


@dataclass(frozen=True, slots=True)
class QueueRow(Row):
    """How far a group is in one queue."""

    NAME = "queues"
    HEADING = QUEUES % (
        *("#Topic", "#Broker Name", "#QID", "#Broker Offset", "#Consumer Offset"),
        *("#Diff", "#LastTime"),
    )
    topic: str
    broker: str
    queue_id: int
    broker_offset: int
    consumer_offset: int
    diff: int
    last_ms: int

    def __str__(self) -> str:
        """Return the line."""
        where = self.topic[:64], self.broker[:32], self.queue_id
        offsets = self.broker_offset, self.consumer_offset, self.diff
        return QUEUES % (*where, *offsets, _last(self.last_ms))


@dataclass(frozen=True, slots=True)
class ClientQueueRow(Row):
    """How far a group is in one queue, and whose the queue is."""

    NAME = "queues"
    HEADING = QUEUES_BY_CLIENT % (
        *("#Topic", "#Broker Name", "#QID", "#Broker Offset", "#Consumer Offset"),
        *("#Client IP", "#Diff", "#LastTime"),
    )
    topic: str
    broker: str
    queue_id: int
    broker_offset: int
    consumer_offset: int
    client_ip: str | None
    diff: int
    last_ms: int

    def __str__(self) -> str:
        """Return the line."""
        where = self.topic[:64], self.broker[:32], self.queue_id
        offsets = self.broker_offset, self.consumer_offset
        who = self.client_ip or NONE
        return QUEUES_BY_CLIENT % (
            *where,
            *offsets,
            who,
            self.diff,
            _last(self.last_ms),
        )


def _last(at_ms: int) -> str:
    return second(at_ms) if at_ms > 0 else NONE


@dataclass(frozen=True, slots=True)
class GroupTotal(Said):
    """How fast a group is, and how many messages are still to come."""

    NAME = "total"
    consume_tps: float
    diff_total: int

    def __str__(self) -> str:
        """Return two lines below an empty one."""
        tps = f"\nConsume TPS: {self.consume_tps:.2f}"
        return f"{tps}\nDiff Total: {self.diff_total}"


@dataclass(frozen=True, slots=True)
class GroupRow(Row):
    """A group, how many clients it has, and how far it is."""

    NAME = "groups"
    HEADING = GROUPS % (
        *("#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total"),
    )
    group: str
    count: int
    version: str | None
    type: str
    model: str
    tps: int
    diff_total: int

    def __str__(self) -> str:
        """Return the line."""
        who = self.group, self.count, self.version or OFFLINE
        return GROUPS % (*who, self.type, self.model, self.tps, self.diff_total)


async def consumer_progress(admin: Admin, flags: Namespace) -> Rows:
    """Print how far a group is in each queue, or all groups as they are."""
    rows: Rows = _of_group(admin, flags) if flags.group_name else all_groups(admin)
    async for row in rows:
        yield row


async def _of_group(admin: Admin, flags: Namespace) -> Rows:
    progress = await groups.progress(admin, flags.group_name)
    owners = await _owners(admin, flags.group_name) if flags.show_client_i_p else {}
    for one in progress.queues:
        where = one.queue.topic, one.queue.broker_name, one.queue.queue_id
        offsets = *where, one.broker_offset, one.consumer_offset
        if flags.show_client_i_p:
            owner = owners.get(one.queue)
            yield ClientQueueRow(*offsets, owner, one.behind, one.last_ms)
        else:
            yield QueueRow(*offsets, one.behind, one.last_ms)
    yield GroupTotal(progress.tps, progress.behind)


async def _owners(admin: Admin, group: str) -> dict[MessageQueue, str]:
    """Return the address of each queue's client, of those that answer."""
    try:
        shares = await groups.shares(admin, group)
    except RemoteError:  # nobody is there
        return {}
    return {
        queue: client_id.split("@")[0]
        for client_id, queues in shares.items()
        for queue in queues
    }


async def all_groups(admin: Admin) -> AsyncIterator[GroupRow]:
    """Yield all groups, those with most clients first, then those furthest behind."""
    topics = await admin.topics()
    names = [one.removeprefix(RETRY_PREFIX) for one in topics if RETRY_PREFIX in one]
    rows = [await _summary(admin, name) for name in sorted(names)]
    for row in sorted(rows, key=lambda one: (-one.count, -one.diff_total)):
        yield row


async def _summary(admin: Admin, group: str) -> GroupRow:
    """Return a group's row; what cannot be found out is nought or empty in it."""
    progress, members = Progress(), Members([], "", "", "", {})
    with suppress(NoRoute, NothingConsumed, RemoteError, Unavailable):
        progress = await groups.progress(admin, group)
    with suppress(NoRoute, RemoteError, Unavailable):
        members = await groups.members(admin, group)
    versions = [one.version for one in members.connections]
    return GroupRow(
        group,
        len(versions),
        version_text(min(versions)) if versions else None,
        TYPES.get(members.consume_type, ""),
        members.message_model,
        int(progress.tps),
        progress.behind,
    )


COMMANDS: dict[str, Command] = {
    "consumerProgress": Command(
        "Query consumers's progress, speed",
        consumer_progress,
        GroupRow,
        (
            GROUP_NAME._replace(is_required=False),
            Flag(
                "s",
                "showClientIP",
                "Show Client IP per Queue",
                kind=truth,
                default=False,
            ),
        ),
    ),
}
