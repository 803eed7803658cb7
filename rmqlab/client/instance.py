"""What every producer and consumer needs: routes, and brokers that know of it.

A client asks one name server, and stays with it while it answers.  Routes are asked
for again every 30 seconds; every broker of them gets a heartbeat every 30 seconds.

Source: MQClientInstance.java, NettyRemotingClient.getAndCreateNameserverChannel, 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from rmqlab.client import routes
from rmqlab.client.place import Place
from rmqlab.errors import NotConnected, RemoteError, RmqError, Unavailable
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import BrokerData, TopicRoute
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.messaging import HeartBeat
from rmqlab.protocol.routing import GetRoute
from rmqlab.remoting import RemotingClient
from rmqlab.service import Service
from rmqlab.settings import ClientConfig

log = logging.getLogger(__name__)


class ClientInstance:
    """The shared part of a client.

    `name_servers` is ``host:port;host:port``; which is asked first is random.  One that
    `is_lasting` has the id of its next process, too.
    """

    def __init__(
        self,
        name_servers: str,
        config: ClientConfig | None = None,
        place: Place | None = None,
        *,
        is_lasting: bool = False,
    ) -> None:
        self.config, self.place = config or ClientConfig(), place or Place()
        self.clock, self.random = self.place.clock, self.place.random
        self.remoting = RemotingClient()
        self.client_id = self.place.client_id(
            self.config.instance_name, is_lasting=is_lasting
        )
        self.describe: Callable[[], Heartbeat] = lambda: Heartbeat(self.client_id)
        """What the heartbeat says; producers and consumers set it."""
        self.route_changed: Callable[[str], None] = lambda topic: None
        self.name_servers = tuple(
            address for one in name_servers.split(";") if (address := one.strip())
        )
        self._name_servers = list(self.name_servers)
        self.random.shuffle(self._name_servers)
        self._routes: dict[str, TopicRoute] = {}
        self._services = [RoutePoll(self), Heartbeats(self)]

    async def start(self) -> None:
        """Start to poll and to send heartbeats."""
        self.remoting.open()
        for service in self._services:
            service.start()

    async def stop(self) -> None:
        """Stop, and close all connections."""
        for service in self._services:
            await service.stop()
        await self.remoting.close()

    @property
    def name_server(self) -> str:
        """The one that is asked, while it answers; empty where none is given."""
        return next(iter(self._name_servers), "")

    async def ask_name_server(self, header: Header) -> Frame:
        """Ask the name server in use, else the next ones in turn.

        Raises:
            NotConnected: none answered; the text names which were tried.
            RemoteError: one answered no.
        """
        tried = []
        for _ in range(len(self._name_servers)):
            address = self._name_servers[0]
            try:
                return await self.remoting.ask(address, header)
            except Unavailable as error:
                tried.append(str(error))
                self._name_servers.append(self._name_servers.pop(0))
        raise NotConnected(
            f"no name server answered: {'; '.join(tried) or 'none is given'}. "
            "Is the cluster up? `rmqlab status` tells."
        )

    async def fetch_route(self, topic: str) -> TopicRoute | None:
        """Ask for a topic's route and remember it; None where it has none now.

        What was known is then kept, as RocketMQ's client does: its brokers may be back
        before anyone else takes the topic.

        Raises:
            NotConnected: no name server answered.
            RemoteError: one answered something else than the route or its absence.
        """
        try:
            answer = await self.ask_name_server(GetRoute(topic))
        except RemoteError as error:
            if error.code != ResponseCode.TOPIC_NOT_EXIST:
                raise
            return None
        route = TopicRoute.from_json(fastjson.loads(answer.body))
        if route != self._routes.get(topic):
            self._routes[topic] = route
            self.route_changed(topic)
        return route

    async def route(self, topic: str) -> TopicRoute | None:
        """Return the route that is known, else ask for it; see `fetch_route`."""
        return self._routes.get(topic) or await self.fetch_route(topic)

    @property
    def topics(self) -> list[str]:
        """The topics whose routes are kept."""
        return list(self._routes)

    def brokers(self) -> list[BrokerData]:
        """Return the brokers of all routes."""
        known = {
            one.broker_name: one
            for route in self._routes.values()
            for one in route.brokers
        }
        return list(known.values())

    def address_of(self, broker_name: str, broker_id: int = 0) -> str:
        """Return where to reach a broker, or one that stands in for it.

        Raises:
            NotConnected: no known route has it.
        """
        found = routes.address(self.brokers(), broker_name, broker_id)
        if found is None:
            raise NotConnected(
                f"The broker[{broker_name}] not exist in any known route"
            )
        return found

    def master_of(self, broker_name: str) -> str:
        """Return where to reach a broker name's master.

        Raises:
            NotConnected: it has none now.
        """
        found = routes.master_address(self.brokers(), broker_name)
        if found is None:
            raise NotConnected(f"The broker[{broker_name}] has no master now")
        return found

    async def beat(self) -> None:
        """Send a heartbeat to every broker; one that is away hears the next one."""
        beat = self.describe()
        body = bodies.encode(beat.to_json())
        only_masters = not beat.consumers
        addresses = [
            address
            for data in self.brokers()
            for broker_id, address in data.broker_addrs.items()
            if broker_id == routes.MASTER_ID or not only_masters
        ]
        calls = (self.remoting.ask(one, HeartBeat(), body) for one in addresses)
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, RmqError):
                log.info("no heartbeat: %s", result)


class RoutePoll(Service):
    """Asks for every known topic's route again."""

    def __init__(self, instance: ClientInstance) -> None:
        super().__init__()
        self._instance = instance
        self.interval_s = instance.config.poll_name_server_interval / 1000

    async def step(self) -> None:
        """Ask once for each."""
        for topic in self._instance.topics:
            try:
                await self._instance.fetch_route(topic)
            except RmqError as error:
                log.info("route not refreshed topic=%s: %s", topic, error)


class Heartbeats(Service):
    """Tells the brokers that this client lives."""

    first_s = 1.0

    def __init__(self, instance: ClientInstance) -> None:
        super().__init__()
        self._instance = instance
        self.interval_s = instance.config.heartbeat_broker_interval / 1000

    async def step(self) -> None:
        """Tell them once."""
        await self._instance.beat()
