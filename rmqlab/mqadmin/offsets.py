"""resetOffsetByTime: a group goes on at the messages of another time.

    is anybody there?   yes: each broker tells the group's clients where to go on, and
                             they commit that
                        no:  the offsets themselves are set, queue by queue

Without force nobody is sent forward.

Source: ResetOffsetByTimeCommand.java, ResetOffsetByTimeOldCommand.java,
DefaultMQAdminExtImpl.resetOffsetByTimestampOld, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from rmqlab.client.admin import Admin
from rmqlab.errors import RemoteError
from rmqlab.mqadmin.command import Command, Failed, Flag, Row, Rows, Said, truth
from rmqlab.mqadmin.java import value_text
from rmqlab.mqadmin.times import FORMS, moment_or_now
from rmqlab.protocol.admin import GetConsumeStats, GetTopicStats, ResetOffset
from rmqlab.protocol.bodies import queue_of
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    OffsetReply,
    SearchOffset,
    UpdateConsumerOffset,
)

RESET = "%-40s  %-40s  %-40s"
SET = "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s"
NOW_MS = -1


@dataclass(frozen=True, slots=True)
class Asked(Said):
    """What is to be done; `is_online`: by the group's own clients."""

    NAME = "request"
    group: str
    topic: str
    force: bool
    timestamp: str
    timestamp_ms: int
    is_online: bool

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        word = "group" if self.is_online else "consumerGroup"
        return (
            f"rollback consumer offset by specified {word}[{self.group}], "
            f"topic[{self.topic}], force[{value_text(self.force)}], "
            f"timestamp(string)[{self.timestamp}], "
            f"timestamp(long)[{self.timestamp_ms}]"
        )


@dataclass(frozen=True, slots=True)
class Reset(Row):
    """Where the group's clients were told to go on in one queue."""

    NAME = "queues"
    HEADING = RESET % ("#brokerName", "#queueId", "#offset")
    broker: str
    queue_id: int
    offset: int

    def __str__(self) -> str:
        """Return the line."""
        return RESET % (self.broker[:40], self.queue_id, self.offset)


@dataclass(frozen=True, slots=True)
class OffsetSet(Row):
    """Where the group, of which nobody is there, will go on in one queue."""

    NAME = "queues"
    HEADING = SET % (
        *("#brokerName", "#queueId", "#brokerOffset", "#consumerOffset"),
        *("#timestampOffset", "#rollbackOffset"),
    )
    broker: str
    queue_id: int
    broker_offset: int
    consumer_offset: int
    timestamp_offset: int
    rollback_offset: int

    def __str__(self) -> str:
        """Return the line."""
        offsets = self.broker_offset, self.consumer_offset, self.timestamp_offset
        where = self.broker[:20], self.queue_id
        return SET % (*where, *offsets, self.rollback_offset)


async def reset_offset(admin: Admin, flags: Namespace) -> Rows:
    """Have a group go on at the messages of a time, whether anybody is there or not."""
    if flags.cplus:
        raise Failed("C++ clients cannot be told from here: leave -c out")
    try:
        told = await _told(admin, flags)
    except RemoteError as error:
        if error.code != ResponseCode.CONSUMER_NOT_ONLINE:
            raise
        yield _asked(flags, is_online=False)
        async for row in _set(admin, flags):
            yield row
        return
    yield _asked(flags, is_online=True)
    for row in told:
        yield row


def _asked(flags: Namespace, *, is_online: bool) -> Asked:
    at_ms = moment_or_now(flags.timestamp)
    what = flags.group, flags.topic, flags.force
    return Asked(*what, flags.timestamp, at_ms, is_online)


async def _told(admin: Admin, flags: Namespace) -> list[Reset]:
    """Have each broker tell the group's clients; return where they go on."""
    at_ms = moment_or_now(flags.timestamp)
    header = ResetOffset(flags.topic, flags.group, at_ms, flags.force)
    rows = []
    for address in await admin.addresses(flags.topic):
        table = (await admin.ask(address, header)).get("offsetTable") or {}
        offsets = sorted((queue_of(key), offset) for key, offset in table.items())
        rows += [Reset(one.broker_name, one.queue_id, at) for one, at in offsets]
    return rows


async def _set(admin: Admin, flags: Namespace) -> Rows:
    """Set the group's offsets on each broker."""
    for name, address in (await admin.addresses_by_name(flags.topic)).items():
        for queue_id, (end, at) in (await _places(admin, address, flags)).items():
            queue = MessageQueue(flags.topic, name, queue_id)
            wanted = await _offset_at(admin, address, queue, flags.timestamp)
            is_set = flags.force or wanted <= at
            if is_set:
                where = flags.group, flags.topic, queue_id
                await admin.call(address, UpdateConsumerOffset(*where, wanted))
            yield OffsetSet(name, queue_id, end, at, wanted, wanted if is_set else at)


async def _places(
    admin: Admin, address: str, flags: Namespace
) -> dict[int, tuple[int, int]]:
    """Return each queue's end and the group's place in it: its start without one."""
    found = await admin.ask(address, GetConsumeStats(flags.group))
    consumed = {
        queue_of(key).queue_id: (one["brokerOffset"], one["consumerOffset"])
        for key, one in (found.get("offsetTable") or {}).items()
        if queue_of(key).topic == flags.topic
    }
    if consumed:
        return dict(sorted(consumed.items()))
    found = await admin.ask(address, GetTopicStats(flags.topic))
    table = found["offsetTable"].items()
    places = {
        queue_of(key).queue_id: (one["maxOffset"], one["minOffset"])
        for key, one in table
    }
    return dict(sorted(places.items()))


async def _offset_at(
    admin: Admin, address: str, queue: MessageQueue, timestamp: str
) -> int:
    at_ms, where = moment_or_now(timestamp), (queue.topic, queue.queue_id)
    is_end = at_ms == NOW_MS
    header = GetMaxOffset(*where) if is_end else SearchOffset(*where, at_ms)
    return OffsetReply.parse((await admin.call(address, header)).fields).offset


def _moment(text: str) -> str:
    """Return the text itself once it is known to spell a moment."""
    moment_or_now(text)
    return text


COMMANDS: dict[str, Command] = {
    "resetOffsetByTime": Command(
        "Reset consumer offset by timestamp(without client restart).",
        reset_offset,
        Reset,
        (
            Flag("g", "group", "set the consumer group", is_required=True),
            Flag("t", "topic", "set the topic", is_required=True),
            Flag(
                "s",
                "timestamp",
                f"set the timestamp[now|{FORMS}]",
                is_required=True,
                kind=_moment,
            ),
            Flag(
                "f",
                "force",
                "set the force rollback by timestamp switch[true|false]",
                kind=truth,
                default=True,
            ),
            Flag("c", "cplus", "reset c++ client offset", kind=None),
        ),
    ),
}
