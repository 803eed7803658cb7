"""Accepts slaves and feeds them the log.

Every slave has its own place in the log.  A slave that is slow is sent no more than
its socket takes; one that says nothing for 20 seconds is cut off.  One that was away so
long that what it needs was removed gets heartbeats, as in RocketMQ; that this is so is
logged here, and measured: its store must be emptied by hand.

Source: HAService.AcceptSocketService, HAConnection, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from rmqlab.errors import StoreError
from rmqlab.ha.session import Diverged, LogSource, MasterSession
from rmqlab.settings import StoreConfig

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
WRITE_BUFFER_BYTES = 1 << 18


class HaMaster:
    """The listening side of replication; every broker has it, slaves too."""

    def __init__(
        self, source: LogSource, config: StoreConfig, on_acked: Callable[[int], None]
    ) -> None:
        self.source, self.config = source, config
        self._on_acked = on_acked
        self._slaves: dict[Feed, None] = {}
        self._server: asyncio.Server | None = None
        self._is_due = False
        self.has_slave = asyncio.Event()
        """Set while a slave is connected."""
        self.acked = 0
        """How far the fastest slave has ever been; it never goes back."""

    @property
    def slaves(self) -> list[Feed]:
        """Those connected now, in the order in which they came."""
        return list(self._slaves)

    @property
    def stuck(self) -> list[Feed]:
        """The slaves that need what was removed from the log."""
        return [one for one in self._slaves if one.lacking]

    def is_reachable(self, end: int) -> bool:
        """Whether a slave is connected and not hopelessly behind `end`."""
        behind = end - self.acked
        return bool(self._slaves) and behind < self.config.ha_slave_fallbehind_max

    async def listen(self, port: int, address: str = LOOPBACK) -> int:
        """Start to accept slaves at an address of this host; return the port.

        Raises:
            OSError: the port is taken, or the address is another host's.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Feed(self), address, port)
        return int(self._server.sockets[0].getsockname()[1])

    def grew(self) -> None:
        """The log grew: feed the slaves once what runs now is through."""
        if self._slaves and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._feed_all)

    def _feed_all(self) -> None:
        self._is_due = False
        for slave in list(self._slaves):
            slave.feed()

    def joined(self, slave: Feed) -> None:
        """A slave connected."""
        self._slaves[slave] = None
        self.has_slave.set()
        log.info("slave connected peer=%s slaves=%d", slave, len(self._slaves))

    def reported(self, slave: Feed, offset: int) -> None:
        """A slave has the log up to `offset`."""
        if offset > self.acked:
            self.acked = offset
            self._on_acked(offset)

    def left(self, slave: Feed) -> None:
        """A slave is gone."""
        self._slaves.pop(slave, None)
        if not self._slaves:
            self.has_slave.clear()
        log.info("slave gone peer=%s slaves=%d", slave, len(self._slaves))

    async def stop(self) -> None:
        """Stop accepting and cut the slaves off."""
        if self._server:
            self._server.close()
        gone = [slave.closed for slave in self._slaves]
        for slave in list(self._slaves):
            slave.abort()
        await asyncio.gather(*gone)
        if self._server:
            await self._server.wait_closed()


class Feed(asyncio.Protocol):
    """One slave's connection."""

    def __init__(self, master: HaMaster) -> None:
        self._master = master
        self._config = master.config
        self._session = MasterSession(
            master.source, master.config.mapped_file_size_commit_log
        )
        self._loop = asyncio.get_running_loop()
        self._is_full = self._is_stuck = False
        self.closed = self._loop.create_future()

    @property
    def acked(self) -> int:
        """How far the slave says it is; -1 before it said anything."""
        return self._session.acked

    @property
    def lacking(self) -> int:
        """How many bytes it needs next that the log has no more."""
        return self._session.lacking

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self._peer = transport.get_extra_info("peername")
        self._heard_at = self._sent_at = self._loop.time()
        self._timer = self._loop.call_later(1.0, self._tick)
        self._master.joined(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop: a report."""
        self._heard_at = self._loop.time()
        try:
            if self._session.receive(data):
                self._master.reported(self, self._session.acked)
                self.feed()
        except Diverged as error:
            log.warning("slave[%s] %s", self, error)
            self._transport.abort()

    def feed(self) -> None:
        """Send what the slave does not have, as much as its socket takes."""
        try:
            while not self._is_full and not self._transport.is_closing():
                piece = self._session.next_piece(self._config.ha_transfer_batch_size)
                if piece is None:
                    self._look_whether_stuck()
                    return
                self._sent_at = self._loop.time()
                self._transport.write(piece.to_bytes())
        except StoreError:
            log.exception("cannot read the log for slave peer=%s", self)
            self._transport.abort()

    def _look_whether_stuck(self) -> None:
        if self._is_stuck or not self.lacking:
            return
        self._is_stuck = True
        log.warning(
            "slave stuck peer=%s: it needs %d bytes more than are left, the log starts "
            "at offset=%d; empty the slave's store and start it again",
            self, self.lacking, self._master.source.start,
        )  # fmt: skip

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._heard_at > self._config.ha_housekeeping_interval / 1000:
            log.warning("slave silent, closing peer=%s", self)
            self._transport.abort()
            return
        if now - self._sent_at > self._config.ha_send_heartbeat_interval / 1000:
            piece = self._session.heartbeat()
            if piece and not self._is_full:
                self._sent_at = now
                self._transport.write(piece.to_bytes())
        self._timer = self._loop.call_later(1.0, self._tick)

    def pause_writing(self) -> None:
        """Called by the loop: the slave is slower than we are."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Called by the loop."""
        self._is_full = False
        self.feed()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        self._timer.cancel()
        self._master.left(self)
        self.closed.set_result(None)

    def abort(self) -> None:
        """Cut the slave off."""
        self._transport.abort()

    def __str__(self) -> str:
        """``127.0.0.1:51234``."""
        return f"{self._peer[0]}:{self._peer[1]}"
