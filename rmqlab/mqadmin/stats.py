"""statsAll: how much goes into each topic, and how much each group takes out.

Source: StatsAllSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rmqlab.client import groups
from rmqlab.client.admin import Admin, NoRoute
from rmqlab.client.groups import NothingConsumed
from rmqlab.client.routes import MASTER_ID
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.command import Command, Flag, Row, Rows
from rmqlab.mqadmin.topics import OF_GROUPS
from rmqlab.protocol.admin import ViewStats

LINE = "%-64s  %-64s %12s %11s %11s %14s %14s"
NO_CONSUMER = "NO_CONSUMER"
IN, OUT = "TOPIC_PUT_NUMS", "GROUP_GET_NUMS"


class Flow(NamedTuple):
    """Messages a second in the last minute, and how many in the last day."""

    tps: float
    in_day: int


@dataclass(frozen=True, slots=True)
class TopicFlow(Row):
    """A topic and one group that consumes it, or none.

    `accumulation`: so many messages are still to come to the group.
    """

    NAME = "topics"
    HEADING = LINE % (
        *("#Topic", "#Consumer Group", "#Accumulation", "#InTPS", "#OutTPS"),
        *("#InMsg24Hour", "#OutMsg24Hour"),
    )
    topic: str
    group: str | None
    accumulation: int
    in_tps: float
    out_tps: float | None
    in_24_hours: int
    out_24_hours: int | None

    def __str__(self) -> str:
        """Return the line."""
        into = f"{self.in_tps:.2f}"
        if self.group is None:
            rest = "", self.in_24_hours, NO_CONSUMER
        else:
            rest = f"{self.out_tps:.2f}", self.in_24_hours, str(self.out_24_hours)
        return LINE % (self.topic, self.group or "", self.accumulation, into, *rest)


async def stats_all(admin: Admin, flags: Namespace) -> Rows:
    """Print what goes in and out of each topic, group by group."""
    for topic in sorted(await admin.topics()):
        is_wanted = flags.topic in (None, topic) and not topic.startswith(OF_GROUPS)
        if is_wanted:
            async for row in _of_topic(admin, topic, only_active=flags.active_topic):
                yield row


async def _of_topic(admin: Admin, topic: str, *, only_active: bool) -> Rows:
    try:
        brokers = (await admin.known_route(topic)).brokers
        consumers = await groups.of_topic(admin, topic)
    except (NoRoute, RemoteError, Unavailable):
        return  # its brokers have just gone: the others have their lines all the same
    at = [
        one.broker_addrs[MASTER_ID] for one in brokers if MASTER_ID in one.broker_addrs
    ]
    into = await _flow(admin, at, IN, topic)
    if not consumers and (into.in_day or not only_active):
        yield TopicFlow(topic, None, 0, into.tps, None, into.in_day, None)
    for group in consumers:
        out = await _flow(admin, at, OUT, f"{topic}@{group}")
        if into.in_day or out.in_day or not only_active:
            behind = await _behind(admin, group, topic)
            flows = into.tps, out.tps, into.in_day, out.in_day
            yield TopicFlow(topic, group, behind, *flows)


async def _flow(admin: Admin, addresses: list[str], name: str, key: str) -> Flow:
    """Return what all masters together counted; one that counted nothing refuses."""
    tps, in_day = 0.0, 0
    for address in addresses:
        try:
            found = await admin.ask(address, ViewStats(name, key))
        except (RemoteError, Unavailable):
            continue
        tps += found["statsMinute"]["tps"] or 0.0
        in_day += in_24_hours(found)
    return Flow(tps, in_day)


def in_24_hours(found: Mapping[str, Any]) -> int:
    """Return the count of the longest time that has one."""
    spans = (found[f"stats{span}"]["sum"] for span in ("Day", "Hour", "Minute"))
    return next((count for count in spans if count), 0)


async def _behind(admin: Admin, group: str, topic: str) -> int:
    try:
        return max(0, (await groups.progress(admin, group, topic)).behind)
    except (NoRoute, NothingConsumed, RemoteError, Unavailable):
        return 0


COMMANDS: dict[str, Command] = {
    "statsAll": Command(
        "Topic and Consumer tps stats",
        stats_all,
        TopicFlow,
        (
            Flag("a", "activeTopic", "print active topic only", kind=None),
            Flag("t", "topic", "print select topic only"),
        ),
    ),
}
