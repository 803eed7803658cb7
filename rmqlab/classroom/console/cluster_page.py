"""The cluster page: every pair, what it does now, and what it did yesterday and today.

broker    no.  address            version  in/s  out/s   yesterday   today
broker-a  0    127.0.1.128:10911  V4_9_7   …             in    out   in   out
          1    127.0.1.129:11011  V4_9_7
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from rmqlab.classroom.console.brokers import (
    BrokerSeen,
    NameServerSeen,
    Roll,
    name_servers,
    pairs,
)
from rmqlab.classroom.console.page import AMBER, GREEN, RED, Page, mark, table
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.mqadmin.times import second

HEADINGS = (
    *("cluster", "broker", "no.", "address", "version", "state"),
    *("in/s", "out/s", "in yesterday", "out yesterday", "in today", "out today"),
    *("log ends at", "disk used"),
)


class ClusterPage(Page):
    """Name servers and brokers."""

    TITLE = "Cluster"

    def __init__(
        self, roll: Roll, admin: BlockingAdmin, look_now: Callable[[], None]
    ) -> None:
        self._roll = roll
        super().__init__(admin, look_now)

    def parts(self) -> Sequence[widgets.Widget]:
        """Two tables."""
        self._servers, self._brokers = widgets.HTML(), widgets.HTML()
        return self._servers, self._brokers

    def look(self) -> None:
        """Ask each of them."""
        self._servers.value = servers_table(self.ask(name_servers))
        self._brokers.value = brokers_table(self.ask(self._roll.call))


def servers_table(seen: Sequence[NameServerSeen]) -> Markup:
    """Return a line a name server."""
    rows = (
        (
            one.address,
            mark("● does not answer", RED) if one.why else mark("● answers", GREEN),
            one.why or f"brokers that it knows: {one.brokers}",
        )
        for one in seen
    )
    return table(("name server", "state", ""), rows)


def brokers_table(seen: Sequence[BrokerSeen]) -> Markup:
    """Return a line a broker; the name stands at the first of each pair."""
    rows = (row for pair in pairs(seen) for row in _rows(pair))
    return table(HEADINGS, rows)


def _rows(pair: Sequence[BrokerSeen]) -> Iterator[tuple[Any, ...]]:
    for number, one in enumerate(pair):
        cluster, name, broker_id, address = one.place
        load, totals = one.load, one.totals
        rates = (None, None) if one.gone_ms else (load.in_tps, load.out_tps)
        yield (
            *(("", "") if number else (cluster, name)),
            *(broker_id, address, load.version, state(one)),
            *rates,
            *(totals.in_yesterday, totals.out_yesterday),
            *(totals.in_today, totals.out_today),
            one.log_end,
            None if load.space is None else f"{load.space:.0%}",
        )


def state(one: BrokerSeen) -> Markup:
    """Return in a word whether a broker is there."""
    if one.gone_ms:
        return mark(f"● gone since {second(one.gone_ms)}", RED)
    return mark("● does not answer", AMBER) if one.why else mark("● answers", GREEN)
