"""Keeps a consumer with its share of the queues, whoever comes or goes.

Every 20 seconds, when a broker says that the group changed, and when a route did: ask
who belongs to the group, share out, drop what is no longer ours, begin what is new.

Source: RebalanceImpl.java, RebalanceService.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from rmqlab.client import routes
from rmqlab.client.allocate import averagely
from rmqlab.client.instance import ClientInstance
from rmqlab.errors import RmqError
from rmqlab.protocol import fastjson
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import GetConsumerList
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
    ) -> None:
        super().__init__()
        self._instance, self._group = instance, group
        self._topics, self._assigned = topics, assigned
        self.interval_s = instance.config.rebalance_interval / 1000

    async def step(self) -> None:
        """Share out once; a topic about which nobody can be asked stays as it is."""
        for topic in self._topics():
            try:
                route = await self._instance.route(topic)
                if route is None:
                    continue
                members = await self._members(topic)
                queues = routes.readable_queues(topic, route)
                share = averagely(self._instance.client_id, queues, sorted(members))
            except RmqError as error:
                log.info("not rebalanced topic=%s: %s", topic, error)
                continue
            await self._assigned(topic, set(share))

    async def _members(self, topic: str) -> list[str]:
        route = await self._instance.route(topic)
        brokers = route.brokers if route else []
        name = self._instance.random.choice([one.broker_name for one in brokers])
        address = self._instance.address_of(name)
        answer = await self._instance.remoting.ask(
            address, GetConsumerList(self._group)
        )
        return list(fastjson.loads(answer.body).get("consumerIdList", []))
