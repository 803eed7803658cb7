"""The brokers and name servers as they are now, those too that do not answer.

A name server forgets a broker that says goodbye or breaks its connections at once, and
a silent one after two minutes.  Who looks on remembers it: `Roll`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.cluster import BrokerLoad, BrokerTotals
from rmqlab.mqadmin.places import Place, everywhere
from rmqlab.protocol.bodies import ClusterInfo
from rmqlab.protocol.routing import GetClusterInfo


@dataclass(frozen=True)
class NameServerSeen:
    """A name server: how many brokers it knows, or why that cannot be said."""

    address: str
    brokers: int | None
    why: str = ""


@dataclass(frozen=True)
class BrokerSeen:
    """A broker, what it measures, and where its log ends; `why` it tells nothing."""

    place: Place
    load: BrokerLoad
    totals: BrokerTotals
    log_end: int | None = None
    why: str = ""
    gone_ms: int | None = None
    """Since when no name server knows it any more."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Who it is, wherever it is."""
        return self.place.cluster, self.place.broker, self.place.broker_id

    @property
    def is_master(self) -> bool:
        """Whether it is the one of its name that takes messages."""
        return self.place.broker_id == MASTER_ID


async def name_servers(admin: Admin) -> list[NameServerSeen]:
    """Return how each name server is, in the order in which they were given."""
    return await asyncio.gather(*(_name_server(admin, at) for at in admin.name_servers))


async def _name_server(admin: Admin, address: str) -> NameServerSeen:
    try:
        found = await admin.ask(address, GetClusterInfo())
    except (Unavailable, RemoteError) as error:
        return NameServerSeen(address, None, str(error))
    known = ClusterInfo.from_json(found).brokers.values()
    return NameServerSeen(address, sum(len(one.broker_addrs) for one in known))


async def brokers(admin: Admin) -> list[BrokerSeen]:
    """Return every broker that a name server knows, each master before its slaves.

    Raises:
        NotConnected: no name server answered.
    """
    places = await everywhere(admin)
    return await asyncio.gather(*(_broker(admin, place) for place in places))


async def _broker(admin: Admin, place: Place) -> BrokerSeen:
    why, measured = "", {}
    try:
        measured = await admin.runtime_info(place.address)
    except (Unavailable, RemoteError) as error:
        why = str(error)
    end = measured.get("commitLogMaxOffset")
    return BrokerSeen(
        place,
        BrokerLoad.of(place, measured, admin.instance.clock.now_ms()),
        BrokerTotals.of(place, measured),
        None if end is None else int(end),
        why,
    )


class Roll:
    """All brokers that were seen so far: those that are gone now are on it, too."""

    def __init__(self) -> None:
        self._seen: list[BrokerSeen] = []

    async def call(self, admin: Admin) -> list[BrokerSeen]:
        """Return how each is now; see `brokers`."""
        now_ms = admin.instance.clock.now_ms()
        self._seen = with_gone(self._seen, await brokers(admin), now_ms)
        return self._seen


def with_gone(
    before: Iterable[BrokerSeen], now: Sequence[BrokerSeen], now_ms: int
) -> list[BrokerSeen]:
    """Return those seen now, and those seen before that no name server knows now."""
    here = {one.key for one in now}
    gone = (one for one in before if one.key not in here)
    left = (replace(one, gone_ms=one.gone_ms or now_ms) for one in gone)
    return sorted([*now, *left], key=lambda one: one.key)


def pairs(seen: Iterable[BrokerSeen]) -> list[list[BrokerSeen]]:
    """Return the brokers of each name, sorted."""
    ordered = sorted(seen, key=lambda one: one.key)
    return [list(one) for _, one in groupby(ordered, lambda one: one.key[:2])]


def behind(slave: BrokerSeen, pair: Sequence[BrokerSeen]) -> int | None:
    """Return how many bytes a slave has not got, where both ends are known."""
    ends = [one.log_end for one in pair if one.is_master and not one.gone_ms]
    if slave.is_master or slave.log_end is None or not ends or ends[0] is None:
        return None
    return ends[0] - slave.log_end
