"""Looks at what was counted: each second at the store, every ten at topics and groups.

Source: StoreStatsService.run, StatsItemSet.init, BrokerController.initialize, 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.stats import SAMPLE_MS
from rmqlab.clock import Clock
from rmqlab.service import Service
from rmqlab.store.counts import Counts


class Sampling(Service):
    """Has the tables `rates` and `stats` look."""

    interval_s = 1.0

    def __init__(self, memory: Memory, counts: Counts, clock: Clock) -> None:
        super().__init__()
        self._rates, self._stats = memory.rates, memory.stats
        self._counts, self._clock = counts, clock
        self._due_ms = clock.now_ms() + SAMPLE_MS

    async def step(self) -> None:
        """Look once."""
        now_ms = self._clock.now_ms()
        self._rates.look(self._counts, now_ms, self._clock.day())
        if now_ms >= self._due_ms:
            self._due_ms = now_ms + SAMPLE_MS
            self._stats.sample(now_ms)
