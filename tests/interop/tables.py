"""A broker's tables, written as our broker writes them."""

from __future__ import annotations

from pathlib import Path

from rmqlab.broker.services.housekeeping import Persistence
from rmqlab.broker.tables.offsets import Offsets
from rmqlab.broker.tables.topics import Topics
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.settings import BrokerConfig
from rmqlab.store.layout import StorePaths
from tests.interop.real import BROKER_NAME
from tests.store.shelf import DISK


def write_topics(root: Path, topics: dict[str, int]) -> None:
    """Write the topics.json of a store: each topic's name and number of queues."""
    config = BrokerConfig(broker_name=BROKER_NAME, broker_cluster_name="interop")
    table = Topics(config, now_ms=1)
    for name, queues in topics.items():
        table.put(TopicConfig(name, queues, queues), now_ms=2)
    _write(root, table)


def write_offset(root: Path, group: str, topic: str, offset: int) -> None:
    """Write the consumerOffset.json of a store, for queue 0 of one topic."""
    table = Offsets()
    table.commit(group, topic, 0, offset)
    _write(root, table)


def _write(root: Path, table: Topics | Offsets) -> None:
    Persistence(DISK, StorePaths(str(root)), [table], interval_s=1).save_changed()
