"""A store alone: opened, filled, stopped, killed and damaged by tests."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from rmqlab.errors import DiskFull
from rmqlab.protocol.record import Record, decode_all
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import StorePaths
from rmqlab.store.real_disk import RealDisk
from rmqlab.store.store import MessageStore
from tests.support import SMALL_FILES

NOW_MS = 1_700_000_000_000
DISK = RealDisk()
"""One for all: each has a thread that flushes."""


def record(body=b"coffee", topic="orders", queue_id=0, **fields) -> Record:
    """Return a message as a broker gives it to its store."""
    given = {
        "properties": b"",
        "flag": 0,
        "sys_flag": 0,
        "born_timestamp": NOW_MS,
        "born_host": ("10.0.0.9", 50_001),
        "store_timestamp": NOW_MS,
        "store_host": ("10.0.0.1", 10_911),
    }
    return Record(topic, queue_id, body, **given | fields)


def letters(text=b"abc", **fields):
    """Return messages, each with one letter as its body."""
    return [record(bytes([letter]), **fields) for letter in text]


def make_store(root: Path, disk=DISK, **settings) -> MessageStore:
    """Return a store that is not open yet."""
    config = StoreConfig(store_path_root_dir=str(root), **SMALL_FILES | settings)
    return MessageStore(config, StorePaths(str(root)), disk)


@contextmanager
def opened(root: Path, disk=DISK, **settings):
    """Open a store; at the end it is left as a killed process leaves it."""
    store = make_store(root, disk, **settings)
    store.found = store.open()
    try:
        yield store
    finally:
        store.abandon()


def stop(root: Path, *records: Record, **settings) -> None:
    """Open a store, put the messages, and stop it in good order."""
    store = make_store(root, **settings)
    store.open()
    for one in records:
        store.put(one)
    asyncio.run(store.close())


def kill(root: Path, *records: Record, **settings) -> None:
    """Open a store, put the messages, enter them into queues, and die."""
    with opened(root, **settings) as store:
        for one in records:
            store.put(one)
        store.dispatch()


def bodies(store: MessageStore, topic="orders", queue_id=0, offset=0) -> list[bytes]:
    """Return the bodies that the store serves from one queue."""
    got = store.reading.get(topic, queue_id, offset, 32, lambda _: True)
    return [one.body for one in decode_all(b"".join(got.records))]


def entries(store: MessageStore) -> dict[tuple[str, int], list[tuple[int, int, int]]]:
    """Return every entry of every queue that has one."""
    found = {}
    for (topic, queue_id), queue in store.queues.items():
        wanted = range(queue.min_offset, queue.max_offset)
        rows = [tuple(entry) for n in wanted for entry in queue.entries(n, 1)]
        if rows:
            found[topic, queue_id] = rows
    return found


def zero_from(path: Path, at: int) -> None:
    """Make all bytes of a file from `at` on zero, as a crash of the machine may."""
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes(len(data) - at))


def log_files(root: Path) -> list[Path]:
    """Return the commit log's files."""
    return sorted((root / "commitlog").iterdir())


@contextmanager
def full_after(machine, writes):
    """Have a simulated disk take this many further writes and no more."""
    left = iter(range(writes))

    def check(verb, doing):
        if verb == "write" and next(left, None) is None:
            raise DiskFull(doing)

    with patch.object(machine, "check", check):
        yield
