"""A name server: listens, and forgets silent brokers.

Source: NamesrvController.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Self

from rmqlab.clock import Clock, SystemClock
from rmqlab.config import Property
from rmqlab.namesrv.configuration import Configuration
from rmqlab.namesrv.kv import KvTable
from rmqlab.namesrv.requests import Requests
from rmqlab.namesrv.routes import RouteTable
from rmqlab.remoting import LOOPBACK, Connection, RemotingServer
from rmqlab.service import Service
from rmqlab.settings import NamesrvConfig
from rmqlab.store.disk import Disk

log = logging.getLogger(__name__)


class NameServer:
    """One name server.  It knows nothing of any other.

    `found` is what its file says; without a disk nothing of it outlives the process.
    """

    def __init__(
        self,
        config: NamesrvConfig,
        clock: Clock | None = None,
        disk: Disk | None = None,
        found: Iterable[Property] = (),
    ) -> None:
        self.config = config
        self.routes = RouteTable()
        self.port = 0
        clock = clock or SystemClock()
        self.kv = KvTable(config.kv_config_path, disk)
        configuration = Configuration(config, found, disk)
        self.requests = Requests(config, self.routes, self.kv, configuration, clock)
        self._server = RemotingServer(
            self.requests.handle,
            self._hung_up,
            lambda: config.server_channel_max_idle_time_seconds,
        )
        self._expiry = Expiry(self.routes, clock)

    async def start(self) -> None:
        """Read the key-value settings, listen, and start to watch for silence.

        Raises:
            StoreError: the file of the key-value settings cannot be used.
            OSError: the port is taken.
        """
        self.kv.load()
        address = self.config.bind_address or LOOPBACK
        self.port = await self._server.listen(self.config.listen_port, address)
        self._expiry.start()
        log.info("name server listens at %s:%d", address, self.port)

    async def stop(self) -> None:
        """Stop; every route it knew is gone."""
        await self._expiry.stop()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def _hung_up(self, connection: Connection) -> None:
        for address in self.routes.hung_up(connection):
            log.warning("broker hung up address=%s", address)


class Expiry(Service):
    """Forgets brokers that were silent for two minutes."""

    first_s = 5.0
    interval_s = 10.0

    def __init__(self, routes: RouteTable, clock: Clock) -> None:
        super().__init__()
        self._routes, self._clock = routes, clock

    async def step(self) -> None:
        """Look once."""
        for address in self._routes.expire(self._clock.now_ms()):
            log.warning("broker expired address=%s", address)
