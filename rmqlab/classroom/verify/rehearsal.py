"""What a broker's next start would do to the files, by doing it on an overlay.

It is the broker's own recovery that runs, on a disk that keeps what it writes in
memory: nothing here knows its rules.

Not here: the broker's tables, which no recovery changes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rmqlab.classroom.verify.files import Files
from rmqlab.classroom.verify.folder import QueueKey
from rmqlab.classroom.verify.overlay import MOST_BYTES, Change, Overlay
from rmqlab.errors import ConfigError, StoreError
from rmqlab.settings import StoreConfig
from rmqlab.store.damage import Damage
from rmqlab.store.layout import StorePaths
from rmqlab.store.store import MessageStore


@dataclass
class Rehearsal:
    """What the start would have done."""

    was_crash: bool
    refused: str = ""
    """Why the broker would not start; then nothing below is said."""
    log_start: int = 0
    log_end: int = 0
    damage: Damage | None = None
    """What is cut off the log, and how many sound messages with it."""
    changes: list[Change] = field(default_factory=list)
    queues: dict[QueueKey, int] = field(default_factory=dict)
    """The queue offset that each queue's next message would get."""

    def what_of(self, what: str) -> list[Change]:
        """Return the files that are ``removed``, ``made`` or ``changed``."""
        return [change for change in self.changes if change.what == what]


def rehearse(
    files: Files, paths: StorePaths, config: StoreConfig, most_bytes: int = MOST_BYTES
) -> tuple[Rehearsal, Overlay]:
    """Open the store on an overlay; return what that did, and the overlay."""
    disk = Overlay(files, most_bytes)
    found = Rehearsal(was_crash=files.size(paths.abort) is not None)
    try:
        with _quiet():
            _open(disk, paths, config, found)
    except (StoreError, ConfigError) as error:
        found.refused = str(error)
    passing = {paths.abort, paths.lock}
    found.changes = [one for one in disk.changes() if one.path not in passing]
    return found, disk


def _open(
    disk: Overlay, paths: StorePaths, config: StoreConfig, found: Rehearsal
) -> None:
    store = MessageStore(config, paths, disk)
    found.damage = store.open().damage
    try:
        while store.catch_up_index():
            pass  # a broker does that beside its other work
    finally:
        found.log_start, found.log_end = store.log.start, store.log.end
        found.queues = {key: queue.max_offset for key, queue in store.queues.items()}
        store.abandon()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the store would log to itself: it is reported in its place."""
    log = logging.getLogger("rmqlab.store")
    before = log.propagate
    nobody = logging.NullHandler()
    log.propagate = False
    log.addHandler(nobody)
    try:
        yield
    finally:
        log.propagate = before
        log.removeHandler(nobody)
