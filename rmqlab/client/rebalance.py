"""Keeps a consumer with its share of the queues, whoever comes or goes.

Every 20 seconds, when a broker says that the group changed, and when a route did: ask
who belongs to the group, share out, drop what is no longer ours, begin what is new.
Who broadcasts asks nobody: every member has every queue.

Source: RebalanceImpl.java, RebalanceService.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from rmqlab.client import routes
from rmqlab.client.allocate import Allocate, averagely
from rmqlab.client.instance import ClientInstance
from rmqlab.errors import RmqError
from rmqlab.protocol import fastjson
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import GetConsumerList, NotifyConsumerIdsChanged
from rmqlab.service import Service

log = logging.getLogger(__name__)

Assigned = Callable[[str, set[MessageQueue]], Awaitable[None]]
"""Told, for a topic, which queues are this member's now."""


class Rebalancer(Service):
    """One consumer's rebalancing."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        topics: Callable[[], list[str]],
        assigned: Assigned,
        *,
        allocate: Allocate = averagely,
        is_broadcast: bool = False,
    ) -> None:
        super().__init__()
        self._instance, self._group = instance, group
        self._topics, self._assigned = topics, assigned
        self._allocate, self._is_broadcast = allocate, is_broadcast
        self.interval_s = instance.config.rebalance_interval / 1000
        instance.route_changed = lambda topic: self.wake()
        instance.remoting.asked[NotifyConsumerIdsChanged.CODE] = self._notified

    def _notified(self, frame: Frame, address: str) -> None:
        self.wake()

    async def step(self) -> None:
        """Share out once; a topic about which nobody can be asked stays as it is."""
        for topic in self._topics():
            try:
                share = await self._share(topic)
            except RmqError as error:
                log.info("not rebalanced topic=%s: %s", topic, error)
                continue
            if share is not None and topic in self._topics():  # still, that is
                await self._assigned(topic, set(share))

    async def _share(self, topic: str) -> list[MessageQueue] | None:
        """Return this member's queues of a topic, None where that has no route."""
        route = await self._instance.route(topic)
        if route is None:
            return None
        queues = routes.readable_queues(topic, route)
        if self._is_broadcast:
            return queues
        members = await self._members([one.broker_name for one in route.brokers])
        return self._allocate(self._instance.client_id, queues, sorted(members))

    async def _members(self, broker_names: list[str]) -> list[str]:
        """Ask any of a topic's brokers: each one has heard every member."""
        name = self._instance.random.choice(broker_names)
        address = self._instance.address_of(name)
        header = GetConsumerList(self._group)
        answer = await self._instance.remoting.ask(address, header)
        return list(fastjson.loads(answer.body).get("consumerIdList", []))
