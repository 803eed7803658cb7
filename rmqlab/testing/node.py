"""A name server and a broker on this process's own loop, for one test.

    AsyncRocketMQ ── name server   127.0.0.1, a port that the kernel gives
          │              ▲ registers
          └───────── broker ── store below `folder`

A kill of it is a process's: what was written is there afterwards, flushed or not.

Not here: a power failure (`rmqlab.sim` has disks that forget), several brokers (the
fixture `rocketmq_cluster`).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Self

from rmqlab.broker.__main__ import site
from rmqlab.broker.broker import Broker
from rmqlab.broker.settle import settle
from rmqlab.client import Admin, SendResult
from rmqlab.config import Property, read
from rmqlab.errors import ConfigError
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol.admin import UpdateBrokerConfig
from rmqlab.protocol.message import StoredMessage
from rmqlab.remoting import ANY_ADDRESS, LOOPBACK
from rmqlab.settings import BrokerConfig, NamesrvConfig, StoreConfig
from rmqlab.store.real_disk import RealDisk
from rmqlab.store.retention import Limits
from rmqlab.testing import topics
from rmqlab.testing.ports import candidates

DISK_LIMITS = Limits(force=0.99, full=0.99)
"""A developer's disk may be fuller than a server's should be."""


class AsyncRocketMQ:
    """One broker and its name server; use it as an async context manager.

    `settings` are the broker's, by RocketMQ's own keys: ``{"brokerRole": …}``.
    """

    name_servers: str
    """host:port, for clients; there once it is started."""
    address: str
    """The broker's, likewise; the same after a restart."""

    def __init__(
        self,
        folder: str | Path,
        settings: Mapping[str, str] | None = None,
        name_server_port: int = 0,
    ) -> None:
        self._settings = {"brokerName": "broker-a", "storePathRootDir": str(folder)}
        self._settings |= settings or {}
        self._name_server = NameServer(NamesrvConfig(listen_port=name_server_port))
        self._disk = RealDisk()
        self._broker: Broker | None = None

    async def start(self) -> None:
        """Start both; the broker is registered when this returns.

        Raises:
            ConfigError: a setting cannot be used.
            StoreError: the folder cannot be.
            OSError: no port is free.
        """
        config, _ = _configs(self._settings)
        self._name_server.config.bind_address = config.bind_address
        await self._name_server.start()
        port = self._name_server.port
        self.name_servers = f"{config.broker_i_p1}:{port}"
        is_any = config.bind_address == ANY_ADDRESS
        here = LOOPBACK if is_any else config.bind_address
        self._settings["namesrvAddr"] = f"{here}:{port}"
        wanted = self._settings.get("listenPort")
        ports = [int(wanted)] if wanted else candidates(Random())  # noqa: S311
        try:
            await self._boot(ports)
        except BaseException:
            await self.close()
            raise

    async def _boot(self, ports: Iterable[int]) -> None:
        """Start a broker at the first port that is free with the two beside it."""
        taken = OSError(errno.EADDRINUSE, "no port was tried")
        for port in ports:
            config, store_config = _configs(self._settings)
            config.listen_port = port
            broker = Broker(config, store_config, self._disk, disk_limits=DISK_LIMITS)
            try:
                await broker.start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                taken = error
                continue
            self._settings["listenPort"] = str(port)
            self._broker = broker
            self.address = f"{config.broker_i_p1}:{port}"
            return
        raise taken

    @property
    def broker(self) -> Broker:
        """The broker, while it runs.

        Raises:
            RuntimeError: it does not.
        """
        if self._broker is None:
            raise RuntimeError("the broker does not run: restart() it first")
        return self._broker

    async def send(self, topic: str, body: bytes | str, **more: Any) -> SendResult:
        """Send a message; see `topics.send`."""
        return await topics.send(self.name_servers, topic, body, **more)

    async def create_topic(self, topic: str, queues: int = 4) -> None:
        """Create a topic; sends to one that is not there do that, too."""
        await topics.create_topic(self.name_servers, topic, queues)

    async def messages(self, topic: str) -> list[StoredMessage]:
        """Return what lies in a topic; see `topics.messages`."""
        return await topics.messages(self.name_servers, topic)

    async def configure(self, **settings: str) -> None:
        """Change settings of the broker while it runs, by RocketMQ's own keys.

        ``labSendMillis="500"`` makes it slow, ``brokerPermission="4"`` read-only.

        Raises:
            ConfigError: one cannot be used; nothing is changed.
            NotConnected: the broker does not run.
        """
        changed = self._settings | settings
        _configs(changed)
        body = "".join(f"{key}={value}\n" for key, value in settings.items())
        async with Admin(self.name_servers) as admin:
            await admin.call(self.address, UpdateBrokerConfig(), body.encode())
        self._settings = changed

    async def stop(self) -> None:
        """Stop the broker in good order."""
        broker, self._broker = self.broker, None
        await broker.stop()

    async def kill(self) -> None:
        """End the broker as SIGKILL would: it says nothing, and saves nothing."""
        broker, self._broker = self.broker, None
        await broker.abandon()

    async def restart(self) -> None:
        """Start the broker again, with what it stored; stop it first if it runs."""
        if self._broker is not None:
            await self.stop()
        await self._boot([int(self._settings["listenPort"])])

    async def close(self) -> None:
        """End both; the files stay."""
        if self._broker is not None:
            await self.kill()
        await self._name_server.stop()
        self._disk.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def _configs(settings: Mapping[str, str]) -> tuple[BrokerConfig, StoreConfig]:
    """Return what a broker is made of.

    Raises:
        ConfigError: a setting cannot be used.
    """
    config = BrokerConfig()
    # Files take no room before something is written to them; these are quick.
    store_config = StoreConfig(
        mapped_file_size_commit_log=1 << 26,
        max_hash_slot_num=10_000,
        max_index_num=40_000,
    )
    found = (Property(key, value, 0) for key, value in settings.items())
    for key, value, _, what in read(found, config, store_config):
        raise ConfigError(f"{key}={value} cannot be used: {what}")
    settle(config, store_config, site())
    return config, store_config
