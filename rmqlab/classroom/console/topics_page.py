"""The topics page: a topic's queues on each broker, and what is in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import ipywidgets as widgets
from markupsafe import Markup

from rmqlab.classroom.console.page import AMBER, Page, mark, offer, table
from rmqlab.client import routes
from rmqlab.client.admin import Admin
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.times import moment
from rmqlab.mqadmin.topics import OF_GROUPS
from rmqlab.protocol.admin import GetTopicStats
from rmqlab.protocol.bodies import BrokerData, QueueData, queue_of
from rmqlab.protocol.codes import permission_text
from rmqlab.protocol.message import SYSTEM_PREFIX, SYSTEM_TOPICS
from rmqlab.protocol.replies import reply_topic

HEADINGS = "broker", "queue", "perm", "min offset", "max offset", "messages", "last"
LIST = widgets.Layout(width="320px", height="420px")


class QueueSeen(NamedTuple):
    """A queue: what may be done to it, and from where to where it reaches."""

    broker: str
    queue_id: int
    permission: int
    min_offset: int
    max_offset: int
    last_stored_ms: int

    @property
    def messages(self) -> int:
        """How many messages are in it."""
        return self.max_offset - self.min_offset


@dataclass(frozen=True)
class TopicSeen:
    """A topic's queues, and of the brokers that tell nothing, why."""

    topic: str
    queues: list[QueueSeen] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)


async def topics(admin: Admin, *, with_system: bool = False) -> list[str]:
    """Return the names of all topics, sorted; the system's and the groups' on demand.

    Raises:
        NotConnected: no name server answered.
    """
    names = sorted(await admin.topics())
    if with_system:
        return names
    known = await admin.cluster()
    brokers_own = SYSTEM_TOPICS | {*known.brokers, *known.clusters}
    brokers_own |= set(map(reply_topic, known.clusters))
    return [
        one
        for one in names
        if one not in brokers_own and not one.startswith((SYSTEM_PREFIX, *OF_GROUPS))
    ]


async def topic(admin: Admin, name: str) -> TopicSeen:
    """Return a topic as its masters have it, or who stands in for one.

    Raises:
        NoRoute: it has no broker now.
        NotConnected: no name server answered.
    """
    route = await admin.known_route(name)
    perms = {one.broker_name: one for one in route.queues}
    found = await asyncio.gather(
        *(
            _on_broker(admin, name, one, perms.get(one.broker_name))
            for one in route.brokers
        )
    )
    queues = [queue for part in found for queue in part.queues]
    away = {broker: why for part in found for broker, why in part.away.items()}
    return TopicSeen(name, sorted(queues), away)


async def _on_broker(
    admin: Admin, name: str, broker: BrokerData, data: QueueData | None
) -> TopicSeen:
    """Return the part of a topic that one broker has."""
    address = routes.address([broker], broker.broker_name, routes.MASTER_ID) or ""
    try:
        found = await admin.ask(address, GetTopicStats(name))
    except (Unavailable, RemoteError) as error:
        return TopicSeen(name, away={broker.broker_name: str(error)})
    perm = data.perm if data else 0
    queues = [
        QueueSeen(
            broker.broker_name,
            queue_of(key).queue_id,
            perm,
            one["minOffset"],
            one["maxOffset"],
            one["lastUpdateTimestamp"],
        )
        for key, one in found["offsetTable"].items()
    ]
    return TopicSeen(name, queues)


class TopicsPage(Page):
    """A list of topics, and the queues of the chosen one."""

    TITLE = "Topics"

    def parts(self) -> Sequence[widgets.Widget]:
        """The list, and beside it the table."""
        self._with_system = widgets.Checkbox(
            description="the system's and the groups', too", indent=False
        )
        self._topics = widgets.Select(layout=LIST)
        self._queues = widgets.HTML()
        self.asks_again(self._with_system, self._topics)
        left = widgets.VBox([self._with_system, self._topics])
        return (widgets.HBox([left, self._queues]),)

    def look(self) -> None:
        """Ask which topics there are, and how the chosen one is."""
        with_system = self._with_system.value
        found = self.ask(lambda admin: topics(admin, with_system=with_system))
        offer(self._topics, found)
        chosen = self._topics.value
        if chosen is None:
            self._queues.value = "no topic yet: `rmqlab send orders coffee` makes one"
            return
        self._queues.value = topic_table(self.ask(lambda admin: topic(admin, chosen)))


def topic_table(seen: TopicSeen) -> Markup:
    """Return a line a queue, and above them what they have together."""
    names = sorted({*seen.away, *(one.broker for one in seen.queues)})
    messages = sum(one.messages for one in seen.queues)
    title = Markup("<b>{}</b> on {}: queues {:,}, messages {:,}").format(
        seen.topic, ", ".join(names), len(seen.queues), messages
    )
    away = (
        Markup("<br>{}").format(mark(f"{broker} tells nothing: {why}", AMBER))
        for broker, why in seen.away.items()
    )
    rows = (
        (
            *(one.broker, one.queue_id, permission_text(one.permission)),
            *(one.min_offset, one.max_offset, one.messages),
            moment(one.last_stored_ms) if one.last_stored_ms > 0 else "",
        )
        for one in seen.queues
    )
    shown = table(HEADINGS, rows) if seen.queues else Markup()
    return title + Markup().join(away) + shown
