"""A broker: builds its parts, joins them, starts and stops them in order.

Source: BrokerController.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from random import Random
from typing import Self, cast

from rmqlab.broker.admission import Admission
from rmqlab.broker.call import Peer, Tell
from rmqlab.broker.configuration import Configuration, SettingsFile
from rmqlab.broker.copy import Copy
from rmqlab.broker.dispatch import Dispatch
from rmqlab.broker.handlers.administration import administration
from rmqlab.broker.handlers.membership import membership
from rmqlab.broker.handlers.pull import PullHandler
from rmqlab.broker.handlers.query import QueryHandler
from rmqlab.broker.handlers.reply import ReplyHandler
from rmqlab.broker.handlers.retry import RetryHandler
from rmqlab.broker.handlers.send import SendHandler
from rmqlab.broker.handlers.transaction import TransactionHandler
from rmqlab.broker.measure import measure
from rmqlab.broker.memory import Memory
from rmqlab.broker.ports import FAST_PORT, HA_PORT
from rmqlab.broker.questions import Questions
from rmqlab.broker.services.cleaning import Cleaning
from rmqlab.broker.services.delayed import DelayedDelivery
from rmqlab.broker.services.dispatcher import Dispatcher, HoldScan
from rmqlab.broker.services.durability import LogFlush, QueueFlush
from rmqlab.broker.services.housekeeping import ClientExpiry, Persistence
from rmqlab.broker.services.registration import Registration
from rmqlab.broker.services.sampling import Sampling
from rmqlab.broker.services.slave_sync import SlaveSync
from rmqlab.broker.services.transaction_check import TransactionCheck
from rmqlab.clock import Clock, SystemClock
from rmqlab.errors import StoreError
from rmqlab.ha.master import HaMaster
from rmqlab.ha.slave import HaSlave
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.messaging import NotifyConsumerIdsChanged
from rmqlab.protocol.routing import RegisterReply
from rmqlab.remoting import LOOPBACK, Connection, RemotingClient, RemotingServer
from rmqlab.service import Service
from rmqlab.settings import BrokerConfig, BrokerRole, StoreConfig
from rmqlab.store.disk import Disk
from rmqlab.store.layout import StorePaths
from rmqlab.store.retention import Limits
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)


class Broker:
    """One broker, master or slave.

    `config.broker_i_p1` and `broker_i_p2` must be set: an address is the machine's to
    know, not the broker's.
    """

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        disk: Disk,
        clock: Clock | None = None,
        random: Random | None = None,
        disk_limits: Limits | None = None,
        file: SettingsFile | None = None,
    ) -> None:
        self.config, self.clock = config, clock or SystemClock()
        self.role = store_config.broker_role
        paths = StorePaths(
            store_config.store_path_root_dir, store_config.store_path_commit_log
        )
        self.store = MessageStore(store_config, paths, disk)
        self.booted_ms = self.clock.now_ms()
        self.memory = Memory.fresh(config, self.booted_ms)
        self._remoting = RemotingClient()
        self.ha_master = HaMaster(self.store.log, store_config, self._copied)
        self.ha_slave = HaSlave(Copy(self.store), store_config)
        self._cleaning = Cleaning(self.store, self.clock, disk_limits)
        self._questions = Questions()
        self._configuration = Configuration(
            config, store_config, disk, file or SettingsFile(), self.booted_ms
        )
        handlers = self._handlers(random or Random())  # noqa: S311
        self._build_services(disk, paths)
        self._dispatch = Dispatch(
            handlers,
            store_config,
            self.ha_master,
            self._log_flush_soon,
            self.clock,
            self._questions,
        )
        self._admission = Admission(
            self.memory, store_config, self.clock, self._dispatch.handle
        )
        self._server = RemotingServer(
            self._admission.handle,
            self._hung_up,
            lambda: config.server_channel_max_idle_time_seconds,
        )
        self._log_flush = LogFlush(self.store, self._dispatch.flushed)

    def _handlers(self, random: Random) -> tuple[object, ...]:
        tell = Tell(self._topics_changed, self._group_changed)
        self.sends = SendHandler(self.memory, self.store, tell, random)
        self.pulls = PullHandler(self.memory, self.store)
        return (
            self.sends,
            self.pulls,
            RetryHandler(self.memory, self.store, tell, random),
            QueryHandler(self.store),
            *membership(self.memory, self.store, tell),
            TransactionHandler(self.memory, self.store),
            ReplyHandler(self.memory, self.store, tell, random, self._questions),
            *administration(
                self.memory,
                self.store,
                tell,
                self._questions,
                self._configuration,
                self._measure,
                self._cleaning.clean_now,
            ),
        )

    def _measure(self, now_ms: int) -> dict[str, str]:
        parts = self.memory, self.store, self.ha_master, self.ha_slave
        return measure(*parts, self.booted_ms, now_ms)

    def _build_services(self, disk: Disk, paths: StorePaths) -> None:
        config, memory, pulls = self.config, self.memory, self.pulls
        interval_s = config.flush_consumer_offset_interval / 1000
        tables = (memory.topics, memory.groups, memory.offsets, memory.filters)
        self._persistence = Persistence(disk, paths, tables, interval_s)
        delays_s = self.store.config.flush_delay_offset_interval / 1000
        self._delays_saved = Persistence(disk, paths, (memory.delays,), delays_s)
        self._delayed = DelayedDelivery(memory, self.store, self.clock)
        self._dispatcher = Dispatcher(
            self.store, memory.holds, pulls, self._delayed.wake, self.clock
        )
        self.transaction_check = TransactionCheck(
            memory, self.store, self.clock, self._topics_changed
        )
        saving = self._persistence, self._delays_saved
        self.slave_sync = SlaveSync(config, memory, self._remoting, saving)
        name_servers = [one for one in config.namesrv_addr.split(";") if one.strip()]
        self.registrations = [
            Registration(
                one.strip(),
                config,
                memory.topics,
                self._remoting,
                self._learn,
                self._announced,
            )
            for one in name_servers
        ]
        self._others: list[Service] = [
            HoldScan(config, self.store, memory.holds, pulls, self.clock),
            QueueFlush(self.store),
            self._cleaning,
            ClientExpiry(memory.clients, self.clock),
            Sampling(memory, self.store.counts, self.clock),
        ]

    def _services(self) -> list[Service]:
        services = [self._persistence, self._delays_saved, self._dispatcher]
        services += [self._log_flush, *self._others]
        services += self.registrations
        if self.role is BrokerRole.SLAVE:
            services += [self.ha_slave, self.slave_sync]
        else:
            services += [self._delayed, self.transaction_check]
        return services

    async def start(self) -> None:
        """Open the store, listen, register with every name server that is there.

        Raises:
            StoreLocked, StoreError: the store cannot be opened.
            OSError: one of the three ports is taken.
        """
        self._remoting.open()
        self.store.open()
        self._persistence.load()
        self._delays_saved.load()
        self.store.on_append += [self._dispatcher.wake, self.ha_master.grew]
        self.store.on_append.append(self._log_flush.grew)
        try:
            address = self.config.bind_address or LOOPBACK
            port = await self._server.listen(self.config.listen_port, address)
            self.config.listen_port = port
            fast_port = await self._server.listen(port + FAST_PORT, address)
            self._dispatch.fast_port = fast_port
            await self.ha_master.listen(port + HA_PORT, address)
        except OSError:
            await self.abandon()
            raise
        self.sends.store_host = (self.config.broker_i_p1, port)
        for service in self._services():
            service.start()
        await asyncio.gather(*(one.step() for one in self.registrations))
        facts = self.config.broker_name, self.role.name, address, port
        log.info("broker started name=%s role=%s at=%s:%d", *facts)

    async def stop(self) -> None:
        """Say goodbye, stop listening, save the tables, close the store."""
        await asyncio.gather(*(one.goodbye() for one in self.registrations))
        await self._fall_silent()
        self._persistence.save_changed()
        self._delays_saved.save_changed()
        try:
            await self.store.close()
        except StoreError as error:
            log.error("the next start recovers as after a crash: %s", error)  # noqa: TRY400
        log.info("broker stopped name=%s", self.config.broker_name)

    async def abandon(self) -> None:
        """End as a dying process would: nothing is said, saved or flushed."""
        self._server.cut_off()
        await self._fall_silent()
        self.store.abandon()

    async def _fall_silent(self) -> None:
        self._admission.close()
        self._dispatch.close()
        await self._server.stop()
        await self.ha_master.stop()
        for service in reversed(self._services()):
            await service.stop()
        await self._remoting.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def _log_flush_soon(self) -> None:
        self._log_flush.wake()

    def _copied(self, offset: int) -> None:
        self._dispatch.copied.advance(offset)

    def _topics_changed(self) -> None:
        """A topic or group is new: on the disk before anybody is told."""
        self._persistence.save_changed()
        for registration in self.registrations:
            registration.wake()
        self._announced()

    def _announced(self) -> None:
        told = (one.told for one in self.registrations)
        version = min(told, default=self.memory.topics.version)
        self._dispatch.announced.advance(version)

    def _learn(
        self, by: Registration, reply: RegisterReply, ordered: set[str] | None
    ) -> None:
        """Take from a name server who the master is, and which topics have an order.

        Of the latter only the first one that answers is believed: they may differ.
        """
        first = next(one for one in self.registrations if one.is_registered)
        if ordered is not None and by is first:
            now_ms = self.clock.now_ms()
            if self.memory.topics.set_ordered(ordered, now_ms):
                self._topics_changed()
        if self.role is BrokerRole.SLAVE:
            self.ha_slave.follow(reply.ha_server_addr or "")
            self.slave_sync.master = reply.master_addr or ""

    def _group_changed(self, group: str) -> None:
        """Tell a group's members that it changed, as RocketMQ does: all of them."""
        if self.memory.clients.consumers(group) is None:
            self.memory.filters.group_gone(group, self.clock.now_ms())
        if not self.config.notify_consumer_ids_changed_enable:
            return
        fields = NotifyConsumerIdsChanged(group).to_wire()
        for connection in self.memory.clients.connections(group):
            code = NotifyConsumerIdsChanged.CODE
            cast("Peer", connection).send(Frame(code, fields, flag=Flag.ONEWAY))

    def _hung_up(self, connection: Connection) -> None:
        self._questions.hung_up(cast("Hashable", connection))
        self.memory.holds.hung_up(cast("Hashable", connection))
        for group in self.memory.clients.hung_up(cast("Hashable", connection)):
            self._group_changed(group)
