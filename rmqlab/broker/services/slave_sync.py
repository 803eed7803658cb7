"""Copies the master's tables to a slave: what replication of the log does not carry.

Topics, groups and offsets flow from the master to the slave only, every ten seconds
(a minute in 4.4).  What a group committed at the slave while the master was away is
overwritten once the master is back: some messages are then consumed twice.  While no
name server knows a master, nobody is asked.

    slave ── topics? ─────────────────────────► master, its VIP port
    slave ── offsets? delay offsets? groups? ─► master, its clients' port
          ◄─ each table as JSON, as the master would save it ──

A firewall between the two has to let both ports through, and the log's.

Source: SlaveSynchronize.java, BrokerController.handleSlaveSynchronize,
BrokerOuterAPI.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rmqlab.broker.memory import Memory
from rmqlab.broker.ports import fast_address
from rmqlab.broker.services.housekeeping import Persistence
from rmqlab.errors import RemoteError, Unavailable, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import (
    GetAllConsumerOffset,
    GetAllDelayOffset,
    GetAllGroupConfig,
    GetAllTopicConfig,
)
from rmqlab.remoting import RemotingClient
from rmqlab.service import Service
from rmqlab.settings import BrokerConfig

log = logging.getLogger(__name__)

FIRST_S, INTERVAL_S = 3.0, 10.0


class SlaveSync(Service):
    """Asks the master for four tables; each is taken over by itself."""

    def __init__(
        self,
        config: BrokerConfig,
        memory: Memory,
        remoting: RemotingClient,
        saving: Iterable[Persistence],
    ) -> None:
        super().__init__()
        self._config = config
        self.interval_s = self._interval_s
        self.first_s = min(FIRST_S, self._interval_s)
        self._topics, self._groups = memory.topics, memory.groups
        self._offsets, self._delays = memory.offsets, memory.delays
        self._remoting, self._saving = remoting, list(saving)
        self.master = ""
        """host:port of the master; empty while no name server has said."""

    @property
    def _interval_s(self) -> float:
        return self._config.lab_slave_sync_millis / 1000 or INTERVAL_S

    async def step(self) -> None:
        """Copy all four tables once."""
        self.interval_s = self._interval_s
        own = f"{self._config.broker_i_p1}:{self._config.listen_port}"
        if self.master in ("", own):
            return
        master, fast = self.master, fast_address(self.master)
        for address, header, take_over in (
            (fast, GetAllTopicConfig(), self._topics.replace),
            (master, GetAllConsumerOffset(), self._offsets.load),
            (master, GetAllDelayOffset(), self._delays.load),
            (master, GetAllGroupConfig(), self._groups.replace),
        ):
            try:
                answer = await self._remoting.ask(address, header)
                take_over(fastjson.loads(answer.body))
            except (Unavailable, RemoteError, WireError) as error:
                log.warning("not copied from master=%s: %s", address, error)
                continue
            for one in self._saving:
                one.save_changed()
