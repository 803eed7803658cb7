"""Writes the tables to their files, and hangs up on clients that fell silent.

Source: ConfigManager.java, ClientHousekeepingService.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Protocol, cast

from rmqlab.broker.call import Peer
from rmqlab.broker.tables.clients import Clients
from rmqlab.clock import Clock
from rmqlab.errors import StoreError, WireError
from rmqlab.protocol import fastjson
from rmqlab.service import Service
from rmqlab.store.disk import Disk
from rmqlab.store.layout import StorePaths

log = logging.getLogger(__name__)


class Table(Protocol):
    """A table that lives in a file."""

    FILE: str

    @property
    def state(self) -> object:
        """Something that differs after every change."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        ...

    def load(self, found: Any) -> None:
        """Take over what the file holds."""
        ...


class Persistence(Service):
    """Reads the tables at the start; writes those that changed every five seconds."""

    first_s = 10.0

    def __init__(
        self, disk: Disk, paths: StorePaths, tables: Iterable[Table], interval_s: float
    ) -> None:
        super().__init__()
        self._disk, self._paths, self._tables = disk, paths, list(tables)
        self._saved: dict[str, object] = {}
        self._failing: set[str] = set()
        self.interval_s = interval_s

    def load(self) -> None:
        """Fill each table from its file, or from the file's backup.

        As in RocketMQ a missing, empty or unreadable file gives way to its backup.
        """
        for table in self._tables:
            path = self._paths.config(table.FILE)
            if self._load_from(path, table) or self._load_from(f"{path}.bak", table):
                self._saved[table.FILE] = table.state

    def _load_from(self, path: str, table: Table) -> bool:
        try:
            text = self._disk.read_text(path)
            if text:
                table.load(fastjson.loads(text))
        except (StoreError, WireError, UnicodeDecodeError):
            log.exception("cannot read %s", path)
            return False
        return bool(text)

    def save(self, name: str, found: Any) -> bool:
        """Write a table; return whether the disk took it, else the old file stays.

        That it refuses is logged once.
        """
        text = fastjson.dumps(found, pretty=True)
        try:
            self._disk.replace_text(self._paths.config(name), text)
        except StoreError as error:
            if name not in self._failing:
                log.error("cannot save %s yet: %s", name, error)  # noqa: TRY400
            self._failing.add(name)
            return False
        if name in self._failing:
            log.info("saved again %s", name)
        self._failing.discard(name)
        return True

    def save_changed(self) -> None:
        """Write the tables that changed since they were last read or written."""
        for table in self._tables:
            state = table.state
            if self._saved.get(table.FILE) != state and self.save(
                table.FILE, table.to_json()
            ):
                self._saved[table.FILE] = state

    async def step(self) -> None:
        """Save what changed."""
        self.save_changed()


class ClientExpiry(Service):
    """Hangs up on clients that were silent for two minutes."""

    interval_s = 10.0

    def __init__(self, clients: Clients, clock: Clock) -> None:
        super().__init__()
        self._clients, self._clock = clients, clock

    async def step(self) -> None:
        """Look once."""
        for connection in self._clients.expire(self._clock.now_ms()):
            peer = cast("Peer", connection)
            log.warning("client silent, closing peer=%s:%d", *peer.peer)
            peer.close()
