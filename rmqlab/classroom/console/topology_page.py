"""The topology page: pairs as they follow each other, and buttons that break nodes.

    broker-a   ┌ 0  127.0.1.128:10911 ┐ ──0 behind──▶ ┌ 1  127.0.1.129:11011 ┐
               └ log ends at 1,234    ┘               └ log ends at 1,234    ┘

Drawn from what the brokers themselves tell, so any cluster has a drawing.  The buttons
are the notebooks' panel: only who started the nodes can break them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import ipywidgets as widgets
from markupsafe import Markup

from rmqlab.classroom.console.brokers import (
    BrokerSeen,
    Roll,
    behind,
    pairs,
)
from rmqlab.classroom.console.cluster_page import state
from rmqlab.classroom.console.page import GREY, Page, mark
from rmqlab.classroom.console.source import Source
from rmqlab.classroom.panel import ClusterPanel
from rmqlab.client.blocking import BlockingAdmin

AGAIN = "`rmqlab up` starts one; then load this page anew."
BOX = Markup(
    "<div style='border:1px solid #8c959f; border-radius:4px; padding:4px 10px; "
    "width:230px'><b>{}</b> {}<br>{}<br>{}</div>"
)
ARROW = Markup("<div style='width:150px; text-align:center'>{}<br>───────▶</div>")
PAIR = Markup(
    "<div style='display:flex; align-items:center; margin:6px 0'>"
    "<b style='width:110px'>{}</b>{}</div>"
)


class TopologyPage(Page):
    """The pairs; below them the panel of a cluster of ours, or why there is none."""

    TITLE = "Topology"

    def __init__(
        self,
        source: Source,
        roll: Roll,
        admin: BlockingAdmin,
        look_now: Callable[[], None],
    ) -> None:
        self._source, self._roll = source, roll
        super().__init__(admin, look_now)

    def parts(self) -> Sequence[widgets.Widget]:
        """The drawing and the panel."""
        self._drawing = widgets.HTML()
        cluster = self._source.cluster
        if cluster is None:
            why = mark(self._source.why_no_buttons, GREY)
            return self._drawing, widgets.HTML(why)
        return self._drawing, ClusterPanel(cluster, AGAIN).widget

    def look(self) -> None:
        """Ask the brokers; the panel looks by itself."""
        self._drawing.value = drawing(self.ask(self._roll.call))


def drawing(seen: Sequence[BrokerSeen]) -> Markup:
    """Return each pair from its master to its slaves."""
    return Markup().join(
        PAIR.format(pair[0].place.broker, Markup().join(_parts(pair)))
        for pair in pairs(seen)
    )


def _parts(pair: Sequence[BrokerSeen]) -> Iterator[Markup]:
    for one in pair:
        if not one.is_master:
            lag = behind(one, pair)
            yield ARROW.format("" if lag is None else f"{lag:,} bytes behind")
        end = "" if one.log_end is None else f"log ends at {one.log_end:,}"
        yield BOX.format(one.place.broker_id, one.place.address, state(one), end)
