"""What a broker remembers, in one place: its settings and its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rmqlab.broker.call import HeldPull
from rmqlab.broker.rates import Rates
from rmqlab.broker.tables.clients import Clients
from rmqlab.broker.tables.delays import DelayOffsets
from rmqlab.broker.tables.filters import Filters
from rmqlab.broker.tables.groups import Groups
from rmqlab.broker.tables.holds import PullHolds
from rmqlab.broker.tables.locks import QueueLocks
from rmqlab.broker.tables.offsets import Offsets
from rmqlab.broker.tables.send_queue import SendQueue
from rmqlab.broker.tables.stats import Stats
from rmqlab.broker.tables.took import Took
from rmqlab.broker.tables.topics import Topics
from rmqlab.settings import BrokerConfig


@dataclass(frozen=True)
class Memory:
    """Shared by all handlers and services of one broker; its event loop owns it."""

    config: BrokerConfig
    topics: Topics
    groups: Groups
    filters: Filters
    stats: Stats
    rates: Rates = field(default_factory=Rates)
    offsets: Offsets = field(default_factory=Offsets)
    delays: DelayOffsets = field(default_factory=DelayOffsets)
    clients: Clients = field(default_factory=Clients)
    holds: PullHolds[HeldPull] = field(default_factory=PullHolds)
    took: Took = field(default_factory=Took)
    locks: QueueLocks = field(default_factory=QueueLocks)
    sends: SendQueue[Any] = field(default_factory=SendQueue)

    @classmethod
    def fresh(cls, config: BrokerConfig, now_ms: int) -> Memory:
        """Return what a broker knows before it has read its files."""
        topics, groups = Topics(config, now_ms), Groups(config, now_ms)
        filters = Filters(config.filter_data_clean_time_span)
        stats = Stats(config.broker_cluster_name)
        return cls(config, topics, groups, filters, stats)
