"""A small store with one of everything, opened again after whatever befell its files.

Three files of the log, queues over several files, a few index files; messages with keys
and tags, a delayed one, one that was prepared and committed, one that was rolled back.
It lives on a simulated disk, so that thousands of damaged copies can be opened.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import keys_of
from rmqlab.protocol.record import Record, decode, properties_of
from rmqlab.settings import StoreConfig
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.machine import Simulation
from rmqlab.sim.pages import File
from rmqlab.store.layout import StorePaths
from rmqlab.store.store import MessageStore
from tests.store.shelf import NOW_MS, record

ROOT = "/store"
PATHS = StorePaths(ROOT)
LOG_BYTES, QUEUE_BYTES = 1600, 40
SETTINGS = {
    "mapped_file_size_commit_log": LOG_BYTES,
    "mapped_file_size_consume_queue": QUEUE_BYTES,
    "max_hash_slot_num": 5,
    "max_index_num": 24,
}
QUEUES = [("orders", 0), ("orders", 1), ("tea", 0)]
COUNT = 24
QUEUE_OF = [QUEUES[(n * 5 + n // 7) % len(QUEUES)] for n in range(COUNT)]
SAVED_AT = 14
"""After so many messages everything is flushed, and the checkpoint says so."""
EVER = (0, 1 << 62)

EVERY_BYTE = bool(os.environ.get("RMQLAB_CAMPAIGN"))
"""Whether to damage every byte of every file: `make damage` does."""

Files = dict[str, bytes]
Queue = tuple[str, int]


def _messages() -> Iterator[Record]:
    """Yield messages as a broker puts them into its store."""
    for number in range(COUNT):
        topic, queue_id = QUEUE_OF[number]
        text = f"UNIQ_KEY\1id{number}\2KEYS\1k{number} odd{number % 2}\2TAGS\1paid"
        given: dict[str, Any] = {"properties": text.encode()}
        if number == 4:
            topic, queue_id = "SCHEDULE_TOPIC_XXXX", 2
            given["properties"] += b"\2DELAY\x013\2REAL_TOPIC\1orders"
        if number in (7, 11):
            given["sys_flag"] = SysFlag.TRANSACTION_PREPARED
        if number == 9:
            given |= {"sys_flag": SysFlag.TRANSACTION_COMMIT, "prepared_offset": 1}
        if number == 13:
            given["sys_flag"] = SysFlag.TRANSACTION_ROLLBACK
        body = b"%04d" % number * (number % 5)
        at_ms = NOW_MS + number * 1000
        yield record(body, topic, queue_id, store_timestamp=at_ms, **given)


@dataclass
class SmallStore:
    """What was sent, and the files that it left behind."""

    was_stopped: bool
    sent: list[Record]
    files: Files

    @property
    def queued(self) -> list[Record]:
        """The messages that are in a queue."""
        prepared = SysFlag.TRANSACTION_PREPARED
        return [one for one in self.sent if not one.sys_flag & prepared]

    def paths(self, part: str) -> list[str]:
        """Return the files below a folder, or the file of that name."""
        return sorted(
            one for one in self.files if f"{one}/".startswith(f"{ROOT}/{part}/")
        )


@cache
def small_store(*, was_stopped: bool) -> SmallStore:
    """Return a store that was stopped in good order, or killed."""
    with machine({}) as host:
        store, sent = host.opened(), list(_messages())
        for number, one in enumerate(sent):
            store.put(one)
            store.dispatch()
            if number == SAVED_AT:
                host.do(store.flush_log())
                host.do(store.flush_queues())
                host.do(store.checkpoint.save())
        host.end(was_stopped=was_stopped)
        return SmallStore(was_stopped, sent, host.files)


# ── one machine ───────────────────────────────────────────────────────────────


class Machine:
    """A simulated machine with a store; it is opened and ended again and again."""

    def __init__(self, files: Files) -> None:
        self.sim = Simulation()
        self._machine = self.sim.machine("here", "127.0.0.1")
        self.disk: MachineDisk = self._machine.disk
        self.disk.files = {path: File(len(data), data) for path, data in files.items()}

    @property
    def files(self) -> Files:
        """Every file's bytes."""
        return {path: one.read(0, one.size) for path, one in self.disk.files.items()}

    def opened(self) -> MessageStore:
        """Open the store in a new process."""
        self._process = self._machine.process("broker")
        config = StoreConfig(store_path_root_dir=ROOT, **SETTINGS)
        self.store = MessageStore(config, PATHS, self._process.disk)
        self.found = self.store.open()
        return self.store

    def do(self, work) -> None:
        """Let time pass until the store has done something."""
        self.sim.complete(self._process, work)

    def end(self, *, was_stopped: bool) -> None:
        """Stop the store in good order, or kill its process."""
        if was_stopped:
            self.do(self.store.close())
        self._process.kill()


@contextmanager
def machine(files: Files) -> Iterator[Machine]:
    """Return a machine with these files on its disk."""
    host = Machine(files)
    try:
        yield host
    finally:
        host.sim.close()


# ── a look at a store ─────────────────────────────────────────────────────────


class Loud(logging.Handler):
    """Keeps what the store says loudly."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record):
        self.texts.append(record.getMessage())


@contextmanager
def heard() -> Iterator[list[str]]:
    """Yield a list that grows by what the store says loudly."""
    handler, logger = Loud(), logging.getLogger("rmqlab.store")
    logger.addHandler(handler)
    was, logger.propagate = logger.propagate, False
    try:
        yield handler.texts
    finally:
        logger.removeHandler(handler)
        logger.propagate = was


@dataclass
class Look:
    """What one opened store has, and what it said."""

    served: dict[Queue, list[Record]]
    said: list[str] = field(default_factory=list)

    @property
    def offsets(self) -> set[int]:
        """Where in the log the messages lie that are served."""
        return {one.physical_offset for some in self.served.values() for one in some}

    def lacks(self, sent: list[Record]) -> list[Record]:
        """Return the messages that are not served."""
        return [one for one in sent if one.physical_offset not in self.offsets]


def look(host: Machine) -> Look:
    """Open the store and read everything that there is, by queue and by key."""
    with heard() as said:
        store = host.opened()
        found = Look(read(store), said)
        for number, (topic, _) in enumerate(QUEUE_OF):
            key = f"id{number}"
            for one in store.reading.by_key(topic, key, 32, *EVER):
                assert key in keys_of(properties_of(one))
                assert one.topic == topic
    return found


def read(store: MessageStore) -> dict[Queue, list[Record]]:
    """Read each queue as a consumer does, from its first offset to its last."""
    return {queue: _served(store, *queue) for queue, _ in store.queues.items()}


def _served(store: MessageStore, topic: str, queue_id: int) -> list[Record]:
    found, offset = [], store.queues.min_offset(topic, queue_id)
    while offset < store.queues.max_offset(topic, queue_id):
        got = store.reading.get(topic, queue_id, offset, 32, lambda _: True)
        assert got.next_offset > offset
        for data in got.records:
            one = decode(data)
            assert (one.topic, one.queue_id) == (topic, queue_id)
            assert offset <= one.queue_offset < got.next_offset
            found.append(one)
        offset = got.next_offset
    return found


# ── what must hold, whatever was damaged ──────────────────────────────────────


def check(was: SmallStore, files: Files, *, is_flip: bool = False) -> list[Record]:
    """Open a damaged copy again and again; return the messages that it lost.

    It serves what was sent and nothing else; says that it lost something; a second
    start changes and finds nothing; and it takes new messages that are there later.
    `is_flip`: where a record lies in the log is all that is then sure of its head.
    """
    with machine(files) as host:
        first = look(host)
        _check_served(was, first, is_flip=is_flip)
        lost = first.lacks(was.queued)
        assert not lost or first.said
        host.end(was_stopped=was.was_stopped)
        left = host.files
        store = host.opened()
        now = {path: data for path, data in host.files.items() if path in left}
        assert now == left
        assert Look(read(store)).offsets == first.offsets
        new = [store.put(copy(one)).record for one in NEW]
        store.dispatch()
        assert not Look(read(store)).lacks(new)
        host.end(was_stopped=was.was_stopped)
        last = Look(read(host.opened()))
        assert last.offsets >= first.offsets | {one.physical_offset for one in new}
    return lost


NEW = [record(b"new", *queue, store_timestamp=NOW_MS + 90_000) for queue in QUEUES]


def _check_served(was: SmallStore, found: Look, *, is_flip: bool) -> None:
    bodies = {one.physical_offset: one.body for one in was.sent}
    places = {one.physical_offset: (one.topic, one.queue_id) for one in was.queued}
    for queue, some in found.served.items():
        offsets = [one.queue_offset for one in some]
        assert offsets == sorted(set(offsets))
        for one in some:
            assert one.body == bodies[one.physical_offset]
            assert is_flip or places[one.physical_offset] == queue
