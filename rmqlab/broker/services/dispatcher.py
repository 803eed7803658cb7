"""Follows the log into the queues, and wakes the pulls that wait for what arrived.

On a slave nobody is woken: its pulls are looked at every five seconds only, as in
RocketMQ.

Source: DefaultMessageStore.ReputMessageService, PullRequestHoldService.java, 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rmqlab.broker.call import HeldPull
from rmqlab.broker.handlers.pull import PullHandler
from rmqlab.broker.tables.holds import Arrived, PullHolds
from rmqlab.clock import Clock
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.service import Service
from rmqlab.settings import BrokerConfig, BrokerRole
from rmqlab.store.results import Arrival
from rmqlab.store.store import MessageStore

SCAN_S = 5.0


class Dispatcher(Service):
    """Runs whenever the log grew; a full disk makes it try again every second."""

    interval_s = 1.0

    def __init__(
        self,
        store: MessageStore,
        holds: PullHolds[HeldPull],
        pulls: PullHandler,
        delayed: Callable[[], None],
        clock: Clock,
    ) -> None:
        super().__init__()
        self._store, self._holds, self._pulls = store, holds, pulls
        self._delayed, self._clock = delayed, clock
        self._wakes_pulls = store.config.broker_role is not BrokerRole.SLAVE

    async def step(self) -> None:
        """Enter what is new into queues and index.

        Raises:
            StoreError: the log is damaged, or a file could not be written.
        """
        before = self._store.dispatched
        arrivals = self._store.dispatch()
        self._wake_pulls(arrivals)
        if any(one.topic == SCHEDULE_TOPIC for one in arrivals):
            self._delayed()
        if before < self._store.dispatched < self._store.log.end:
            self.wake()  # more is to come; others have their turn first
        elif self._store.catch_up_index():
            self.wake()

    def _wake_pulls(self, arrivals: Iterable[Arrival]) -> None:
        if not (self._wakes_pulls and len(self._holds)):
            return
        now_ms = self._clock.now_ms()
        for one in arrivals:
            queue = one.topic, one.queue_id
            message = Arrived(one.tags_code, one.properties)
            for pull in self._holds.arrived(queue, one.end, message):
                self._pulls.resume(pull, now_ms)


class HoldScan(Service):
    """Lets go of pulls whose time is up, and of those that nobody woke."""

    def __init__(
        self,
        config: BrokerConfig,
        store: MessageStore,
        holds: PullHolds[HeldPull],
        pulls: PullHandler,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._store, self._holds, self._pulls = store, holds, pulls
        self._clock = clock
        self._config = config
        self.interval_s = self._pause_s()

    def _pause_s(self) -> float:
        short_s = self._config.short_polling_time_mills / 1000
        return SCAN_S if self._config.long_polling_enable else short_s

    async def step(self) -> None:
        """Look at all held pulls once."""
        self.interval_s = self._pause_s()
        now_ms = self._clock.now_ms()
        for queue in self._holds.queues():
            end = self._store.queues.max_offset(*queue)
            for pull in self._holds.arrived(queue, end):
                self._pulls.resume(pull, now_ms)
        for pull in self._holds.expired(now_ms):
            self._pulls.resume(pull, now_ms)
