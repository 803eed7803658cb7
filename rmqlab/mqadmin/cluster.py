"""clusterList, wipeWritePerm, addWritePerm: the brokers as the name servers know them.

Source: ClusterListSubCommand.java, WipeWritePermSubCommand.java,
AddWritePermSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rmqlab.client.admin import Admin
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.command import Command, Flag, Row, Rows, Said
from rmqlab.mqadmin.places import Place, everywhere
from rmqlab.protocol.routing import (
    AddReply,
    AddWritePermission,
    WipeReply,
    WipeWritePermission,
)

LIST = "%-16s  %-22s  %-4s  %-22s %-16s %19s %19s %10s %5s %6s"
STATS = "%-16s  %-32s %14s %14s %14s %14s"
UNMEASURED = "-"
HOUR_MS = 3_600_000

T = TypeVar("T")
Measured = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BrokerLoad(Row):
    """What one broker does now; None is what it does not measure.

    `in_tps` and `out_tps` are messages a second, `*_queue` how many requests wait and
    `*_wait_ms` for how long the first of them; `hours`: so old is its oldest message.
    """

    NAME = "brokers"
    HEADING = LIST % (
        *("#Cluster Name", "#Broker Name", "#BID", "#Addr", "#Version"),
        *("#InTPS(LOAD)", "#OutTPS(LOAD)", "#PCWait(ms)", "#Hour", "#SPACE"),
    )
    cluster: str
    broker: str
    broker_id: int
    address: str
    version: str | None
    in_tps: float | None
    send_queue: int | None
    send_wait_ms: int | None
    out_tps: float | None
    pull_queue: int | None
    pull_wait_ms: int | None
    page_cache_wait_ms: int | None
    hours: float | None
    space: float | None

    @classmethod
    def of(cls, place: Place, measured: Measured, now_ms: int) -> BrokerLoad:
        """Return what a broker's measurements say."""
        oldest_ms = _number(measured, "earliestMessageTimeStamp", int)
        return cls(
            *place,
            measured.get("brokerVersionDesc"),
            _tps(measured, "putTps"),
            _number(measured, "sendThreadPoolQueueSize", int),
            _number(measured, "sendThreadPoolQueueHeadWaitTimeMills", int),
            _tps(measured, "getTransferedTps"),
            _number(measured, "pullThreadPoolQueueSize", int),
            _number(measured, "pullThreadPoolQueueHeadWaitTimeMills", int),
            _number(measured, "pageCacheLockTimeMills", int),
            None if oldest_ms is None else (now_ms - oldest_ms) / HOUR_MS,
            _number(measured, "commitLogDiskRatio", float),
        )

    def to_cells(self) -> dict[str, Any]:
        """Return RocketMQ's columns."""
        return {
            "cluster": self.cluster,
            "broker": self.broker,
            "id": self.broker_id,
            "address": self.address,
            "version": self.version,
            "in tps (load)": _load(self.in_tps, self.send_queue, self.send_wait_ms),
            "out tps (load)": _load(self.out_tps, self.pull_queue, self.pull_wait_ms),
            "wait ms": self.page_cache_wait_ms,
            "hours": self.hours,
            "space": self.space,
        }

    def __str__(self) -> str:
        """Return the line; what was not measured stands as ``-``."""
        return LIST % (
            *(self.cluster, self.broker, self.broker_id, self.address),
            self.version or UNMEASURED,
            _load(self.in_tps, self.send_queue, self.send_wait_ms),
            _load(self.out_tps, self.pull_queue, self.pull_wait_ms),
            _text("%d", self.page_cache_wait_ms),
            _text("%2.2f", self.hours),
            _text("%.4f", self.space),
        )


@dataclass(frozen=True, slots=True)
class BrokerTotals(Row):
    """How many messages went in and out, yesterday and today."""

    NAME = "brokers"
    HEADING = STATS % (
        *("#Cluster Name", "#Broker Name", "#InTotalYest", "#OutTotalYest"),
        *("#InTotalToday", "#OutTotalToday"),
    )
    cluster: str
    broker: str
    broker_id: int
    in_yesterday: int | None
    out_yesterday: int | None
    in_today: int | None
    out_today: int | None

    @classmethod
    def of(cls, place: Place, measured: Measured) -> BrokerTotals:
        """Return what a broker's counters say."""

        def since(way: str, start: str, end: str) -> int | None:
            first = _number(measured, f"msg{way}Total{start}", int)
            last = _number(measured, f"msg{way}Total{end}", int)
            return None if first is None or last is None else last - first

        yesterday = "YesterdayMorning", "TodayMorning"
        today = "TodayMorning", "TodayNow"
        totals = (since(w, *day) for day in (yesterday, today) for w in ("Put", "Get"))
        return cls(place.cluster, place.broker, place.broker_id, *totals)

    def __str__(self) -> str:
        """Return the line, which does not tell a master from its slaves."""
        counts = self.in_yesterday, self.out_yesterday, self.in_today, self.out_today
        return STATS % (
            *(self.cluster, self.broker),
            *(_text("%d", one) for one in counts),
        )


def _load(tps: float | None, waiting: int | None, wait_ms: int | None) -> str:
    if tps is None:
        return UNMEASURED
    return f"{tps:9.2f}({_text('%d', waiting)},{_text('%d', wait_ms)}ms)"


def _text(form: str, value: float | None) -> str:
    return UNMEASURED if value is None else form % value


def _tps(measured: Measured, key: str) -> float | None:
    """Return the rate of the last ten seconds; a broker that just started has none."""
    return _number(measured, key, float) or (0.0 if key in measured else None)


def _number(measured: Measured, key: str, kind: Callable[[str], T]) -> T | None:
    """Return the first number under a key, None where there is none."""
    words = measured.get(key, "").split()
    return kind(words[0]) if words else None


async def cluster_list(admin: Admin, flags: Namespace) -> Rows:
    """List every broker of every cluster; with an interval again and again."""
    while True:
        for place in await everywhere(admin):
            measured = await _measured(admin, place.address)
            if flags.more_stats:
                yield BrokerTotals.of(place, measured)
            else:
                now_ms = admin.instance.clock.now_ms()
                yield BrokerLoad.of(place, measured, now_ms)
        if flags.interval is None:
            return
        await asyncio.sleep(flags.interval)


async def _measured(admin: Admin, address: str) -> Measured:
    """Return a broker's measurements; one that does not answer keeps its row."""
    try:
        return await admin.runtime_info(address)
    except (Unavailable, RemoteError):
        return {}


@dataclass(frozen=True, slots=True)
class Permitted(Said):
    """A name server took a broker's write permission, or gave it back."""

    NAME = "name_servers"
    done: str
    broker: str
    name_server: str
    topics: int

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return (
            f"{self.done} write perm of broker[{self.broker}] in name "
            f"server[{self.name_server}] OK, {self.topics}"
        )


async def wipe_write_perm(admin: Admin, flags: Namespace) -> Rows:
    """Tell every name server that nobody may write to a broker."""
    for at in admin.name_servers:
        answer = await admin.call(at, WipeWritePermission(flags.broker_name))
        count = WipeReply.parse(answer.fields).wipe_topic_count
        yield Permitted("wipe", flags.broker_name, at, count)


async def add_write_perm(admin: Admin, flags: Namespace) -> Rows:
    """Tell every name server that a broker may be written to again."""
    for at in admin.name_servers:
        answer = await admin.call(at, AddWritePermission(flags.broker_name))
        count = AddReply.parse(answer.fields).add_topic_count
        yield Permitted("add", flags.broker_name, at, count)


BROKER_NAME = Flag("b", "brokerName", "broker name", is_required=True)

COMMANDS: dict[str, Command] = {
    "clusterList": Command(
        "List all of clusters",
        cluster_list,
        BrokerLoad,
        (
            Flag("m", "moreStats", "Print more stats", kind=None),
            Flag(
                "i",
                "interval",
                "specify intervals numbers, it is in seconds",
                kind=float,
            ),
        ),
    ),
    "wipeWritePerm": Command(
        "Wipe write perm of broker in all name server you defined in the -n param",
        wipe_write_perm,
        Permitted,
        (BROKER_NAME,),
    ),
    "addWritePerm": Command(
        "Add write perm of broker in all name server you defined in the -n param",
        add_write_perm,
        Permitted,
        (BROKER_NAME,),
    ),
}
