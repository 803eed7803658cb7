"""Tells a name server that this broker lives, and learns from it who the master is.

There is one registration a name server, so that a dead one delays nobody else's.

Source: BrokerController.registerBrokerAll, BrokerOuterAPI.java, release 4.9.7.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable

from rmqlab.broker.tables.topics import Topics
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.protocol import bodies
from rmqlab.protocol.routing import RegisterBroker, RegisterReply, UnregisterBroker
from rmqlab.remoting import RemotingClient
from rmqlab.service import Service
from rmqlab.settings import BrokerConfig

log = logging.getLogger(__name__)

UNREGISTER_S = 3.0
SHORTEST_S, LONGEST_S = 10.0, 60.0

Learn = Callable[[RegisterReply], None]


class Registration(Service):
    """Registers with one name server: at once, after 10 seconds, then every 30."""

    first_s = 10.0

    def __init__(
        self,
        name_server: str,
        config: BrokerConfig,
        topics: Topics,
        remoting: RemotingClient,
        learn: Learn,
        stepped: Callable[[], None],
    ) -> None:
        super().__init__()
        self._name_server, self._config, self._topics = name_server, config, topics
        self._remoting, self._learn, self._stepped = remoting, learn, stepped
        period_s = config.register_name_server_period / 1000
        self.interval_s = max(SHORTEST_S, min(period_s, LONGEST_S))
        self.is_registered = False
        self.told = -1
        """The version of the topics that was told last, whether it arrived or not."""

    @property
    def address(self) -> str:
        """What clients are told: brokerIP1 and the listening port."""
        return f"{self._config.broker_i_p1}:{self._config.listen_port}"

    async def step(self) -> None:
        """Register once; a name server that is away is tried again next time."""
        version = self._topics.version
        await self._register()
        self.told = version
        self._stepped()

    async def _register(self) -> None:
        config = self._config
        body = bodies.encode(
            {
                "filterServerList": [],
                "topicConfigSerializeWrapper": self._topics.registered().to_json(),
            }
        )
        header = RegisterBroker(
            broker_name=config.broker_name,
            broker_addr=self.address,
            cluster_name=config.broker_cluster_name,
            ha_server_addr=f"{config.broker_i_p2}:{config.listen_port + 1}",
            broker_id=config.broker_id,
            body_crc32=zlib.crc32(body) & 0x7FFFFFFF,
        )
        timeout_s = config.register_broker_timeout_mills / 1000
        try:
            answer = await self._remoting.ask(
                self._name_server, header, body, timeout_s
            )
        except (Unavailable, RemoteError) as error:
            self.is_registered = False
            log.warning("not registered name_server=%s: %s", self._name_server, error)
            return
        if not self.is_registered:
            log.info("registered name_server=%s", self._name_server)
        self.is_registered = True
        self._learn(RegisterReply.parse(answer.fields))

    async def goodbye(self) -> None:
        """Unregister; a name server that is away will notice by itself."""
        config = self._config
        header = UnregisterBroker(
            broker_name=config.broker_name,
            broker_addr=self.address,
            cluster_name=config.broker_cluster_name,
            broker_id=config.broker_id,
        )
        try:
            await self._remoting.call(self._name_server, header, b"", UNREGISTER_S)
        except Unavailable as error:
            log.info("not unregistered name_server=%s: %s", self._name_server, error)
