"""Tells a name server that this broker lives, and learns from it who the master is.

There is one registration a name server, so that a dead one delays nobody else's.

With forceRegister=false a broker whose topics have not changed only asks whether the
name server has them, which counts as a sign of life.  Where topics did change, all of
them are told at once: RocketMQ does that, too, except that it tells of a topic which
an administrator creates in a registration of its own.

Source: BrokerController.registerBrokerAll, BrokerOuterAPI.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from rmqlab.broker.tables.topics import Topics
from rmqlab.errors import Refused, RemoteError, Unavailable, WireError
from rmqlab.protocol import bodies, fastjson, registration
from rmqlab.protocol.routing import (
    DataVersionReply,
    QueryDataVersion,
    RegisterBroker,
    RegisterReply,
    UnregisterBroker,
)
from rmqlab.remoting import RemotingClient
from rmqlab.service import Service
from rmqlab.settings import BrokerConfig

log = logging.getLogger(__name__)

UNREGISTER_S = 3.0
SHORTEST_S, LONGEST_S = 10.0, 60.0

Learn = Callable[["Registration", RegisterReply, "set[str] | None"], None]
"""Given who the master is, and which topics have an order, if any ever had."""


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
        is_news = version != self.told or not self.is_registered
        if is_news or self._config.force_register or await self._is_missed():
            await self._register()
        self.told = version
        self._stepped()

    async def _register(self) -> None:
        config = self._config
        compressed = config.compressed_register
        table = self._topics.registered()
        body = registration.encode(table, compressed=compressed)
        header = RegisterBroker(
            broker_name=config.broker_name,
            broker_addr=self.address,
            cluster_name=config.broker_cluster_name,
            ha_server_addr=f"{config.broker_i_p2}:{config.listen_port + 1}",
            broker_id=config.broker_id,
            compressed=compressed,
            body_crc32=registration.checksum(body),
        )
        try:
            answer = await self._remoting.ask(
                self._name_server, header, body, self._timeout_s
            )
        except (Unavailable, RemoteError) as error:
            self.is_registered = False
            log.warning("not registered name_server=%s: %s", self._name_server, error)
            return
        if not self.is_registered:
            log.info("registered name_server=%s", self._name_server)
        self.is_registered = True
        self._learn(self, RegisterReply.parse(answer.fields), _ordered(answer.body))

    async def _is_missed(self) -> bool:
        """Ask whether the name server lacks this broker's topics as they are."""
        config = self._config
        header = QueryDataVersion(
            broker_name=config.broker_name,
            broker_addr=self.address,
            cluster_name=config.broker_cluster_name,
            broker_id=config.broker_id,
        )
        body = bodies.encode(self._topics.table.data_version.to_json())
        try:
            answer = await self._remoting.ask(
                self._name_server, header, body, self._timeout_s
            )
            return DataVersionReply.parse(answer.fields).changed
        except (Unavailable, RemoteError, Refused) as error:
            log.info("version not asked name_server=%s: %s", self._name_server, error)
            return True

    @property
    def _timeout_s(self) -> float:
        return self._config.register_broker_timeout_mills / 1000

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


def _ordered(body: bytes) -> set[str] | None:
    """Return the topics that have an order; None where the name server has none."""
    try:
        found = fastjson.loads(body) if body else None
    except WireError as error:
        log.warning("no table of ordered topics: %s", error)
        return None
    table = found.get("table") if isinstance(found, dict) else None
    return set(table) if isinstance(table, dict) else None
