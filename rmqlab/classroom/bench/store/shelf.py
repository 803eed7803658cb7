"""Stores to be measured, and the messages that go into them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmqlab.protocol import message as messages
from rmqlab.protocol.message import join_properties
from rmqlab.protocol.record import Record
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import StorePaths
from rmqlab.store.real_disk import RealDisk
from rmqlab.store.store import MessageStore

TOPIC, QUEUES = "bench", 4
BODY = bytes(range(128))
FIRST_MS, APART_MS = 1_700_000_000_000, 100
AT_ONCE = 1000
"""Messages that are made before they are put: making them is not measured."""


def store_in(folder: Path, **settings: Any) -> MessageStore:
    """Return the store of a folder, not open yet."""
    config = StoreConfig(store_path_root_dir=str(folder), **settings)
    return MessageStore(config, StorePaths(str(folder)), RealDisk())


def key_of(number: int) -> str:
    """Return the key of a message, which no other has."""
    return f"order-{number}"


def stored_ms(number: int) -> int:
    """Return when a message is stored."""
    return FIRST_MS + number * APART_MS


def message(number: int) -> Record:
    """Return a message as a producer sends it and an idle broker stores it.

    Recovery looks at the store times: what it does must not depend on how fast the
    store is filled here.
    """
    at_ms = stored_ms(number)
    properties = {
        messages.KEYS: key_of(number),
        messages.TAGS: "paid",
        messages.UNIQ_KEY: f"{number:032X}",
        messages.WAIT: "true",
    }
    return Record(
        topic=TOPIC,
        queue_id=number % QUEUES,
        body=BODY,
        properties=join_properties(properties).encode(),
        flag=0,
        sys_flag=0,
        born_timestamp=at_ms,
        born_host=("10.0.0.9", 50_001),
        store_timestamp=at_ms,
        store_host=("10.0.0.1", 10_911),
    )


def batches(count: int, at_once: int = AT_ONCE) -> Iterator[list[Record]]:
    """Yield so many messages, some at a time: memory is for what is measured."""
    for first in range(0, count, at_once):
        yield [message(n) for n in range(first, min(first + at_once, count))]


def dispatch_all(store: MessageStore) -> None:
    """Enter everything that is in the log into its queues."""
    while store.dispatched < store.log.end:
        store.dispatch()
