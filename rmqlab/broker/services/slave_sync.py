"""Copies the master's tables to a slave: what replication of the log does not carry.

Topics, groups and offsets flow from the master to the slave only, every ten seconds.
What a group committed at the slave while the master was away is overwritten once the
master is back: some messages are then consumed twice.

Source: SlaveSynchronize.java, BrokerController.handleSlaveSynchronize, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rmqlab.broker.memory import Memory
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

log = logging.getLogger(__name__)


class SlaveSync(Service):
    """Asks the master for four tables; each is taken over by itself."""

    first_s = 3.0
    interval_s = 10.0

    def __init__(
        self, memory: Memory, remoting: RemotingClient, saving: Iterable[Persistence]
    ) -> None:
        super().__init__()
        self._topics, self._groups = memory.topics, memory.groups
        self._offsets, self._delays = memory.offsets, memory.delays
        self._remoting, self._saving = remoting, list(saving)
        self.master = ""
        """host:port of the master; empty while no name server has said."""

    async def step(self) -> None:
        """Copy all four tables once."""
        if not self.master:
            return
        for header, take_over in (
            (GetAllTopicConfig(), self._topics.replace),
            (GetAllConsumerOffset(), self._offsets.load),
            (GetAllDelayOffset(), self._delays.load),
            (GetAllGroupConfig(), self._groups.replace),
        ):
            try:
                answer = await self._remoting.ask(self.master, header)
                take_over(fastjson.loads(answer.body))
            except (Unavailable, RemoteError, WireError) as error:
                log.warning("not copied from master=%s: %s", self.master, error)
        for one in self._saving:
            one.save_changed()
