"""Follows one master and comes back after a cut.

RocketMQ's slave first speaks five seconds after it connected; this one speaks at once,
which a real master takes as well.  It waits those seconds where it is no use to hurry:
the master's log does not continue its own, or what is there is no master.  The rest is
alike: a report after every piece, one every five seconds of silence, a new connection
after twenty, and five seconds between attempts.  (4.9.7 takes its own reports for
signs of life and so never misses a master that has gone silent; this one does, as 4.4.)

Source: HAService.HAClient, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

from rmqlab.errors import StoreError, WireError
from rmqlab.ha.session import Diverged, SlaveSession
from rmqlab.service import Service
from rmqlab.settings import StoreConfig

log = logging.getLogger(__name__)

RETRY_S = 5.0
CONNECT_S = 3.0
UNHEARD = "the connection ended before a master was heard"
SHORTEST_ADDRESS = 6
"""A haMasterAddress of fewer characters counts as none."""


class Copy(Protocol):
    """Where the pieces go: the store."""

    @property
    def end(self) -> int:
        """End of the log here."""
        ...

    def copy(self, offset: int, data: bytes) -> None:
        """Append."""
        ...


class HaSlave(Service):
    """Keeps a connection to the master whose address it is given."""

    interval_s = RETRY_S
    first_s = 0.0  # a configured address needs no name server

    def __init__(self, copy: Copy, config: StoreConfig) -> None:
        super().__init__()
        self._copy, self._config = copy, config
        self._link: Follower | None = None
        self._is_fixed = len(config.ha_master_address) >= SHORTEST_ADDRESS
        self.address = config.ha_master_address if self._is_fixed else ""
        """host:port of the master's HA port; empty while nobody has said."""
        self.fault = ""
        """Why it copies nothing though its master is there; empty if it does."""
        self._missed = ""
        self.connected = asyncio.Event()
        """Set while the master's connection stands."""

    def follow(self, address: str) -> None:
        """Take the master's address from a name server, unless one is configured.

        A name server that knows none, "", changes nothing: the master may come back.
        """
        if address and not self._is_fixed and address != self.address:
            self.address = address
            if self._link:
                self._link.abort()
            self.wake()

    async def step(self) -> None:
        """Connect, if there is an address and no connection."""
        if not self.address or self._link is not None:
            return
        address = self.address
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                link = Follower(self, self._copy, self._config)
                self._link = link
                await loop.create_connection(lambda: link, host, int(port))
        except (OSError, ValueError, OverflowError) as error:
            self._link = None
            self._miss(address, _reason(error))
        else:
            self._missed = ""
            if address != self.address:
                link.abort()  # the master moved while this connected

    def _miss(self, address: str, why: str) -> None:
        """Say that there is no master, once for each reason."""
        if self._missed != (missed := f"{address}: {why}"):
            log.info("no master at %s", missed)
        self._missed = missed

    def lost(self, fault: str) -> None:
        """The connection ended; come back at once, if nothing is wrong with it."""
        if fault and fault != self.fault:
            log.error("master=%s: %s", self.address, fault)
        self._link, self.fault = None, fault
        self.connected.clear()
        if not fault:
            self.wake()

    async def stop(self) -> None:
        """Stop following."""
        await super().stop()
        if self._link and self._link.is_connected:
            self._link.abort()
            await self._link.closed


class Follower(asyncio.Protocol):
    """One connection to the master."""

    def __init__(self, owner: HaSlave, copy: Copy, config: StoreConfig) -> None:
        self._owner, self._copy, self._config = owner, copy, config
        self._session = SlaveSession(copy.end)
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        self.is_connected = False
        self._fault = UNHEARD

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop: say how far we are."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_connected = True
        self._heard_at = self._said_at = self._loop.time()
        self._transport.write(self._session.report())
        self._timer = self._loop.call_later(1.0, self._tick)
        self._owner.connected.set()
        log.info("following master=%s offset=%d", self._owner.address, self._copy.end)

    def data_received(self, data: bytes) -> None:
        """Called by the loop: pieces of the master's log."""
        self._heard_at = self._loop.time()
        try:
            pieces = self._session.receive(data)
            for piece in pieces:
                # Where an empty log starts, even a heartbeat decides.
                if piece.data or (piece.offset and not self._copy.end):
                    self._copy.copy(piece.offset, piece.data)
        except (Diverged, WireError, StoreError) as error:
            self._fault = str(error)
            self._transport.abort()
            return
        if pieces:
            self._fault = self._owner.fault = ""
        if any(piece.data for piece in pieces):
            self._report()

    def _report(self) -> None:
        self._said_at = self._loop.time()
        self._transport.write(self._session.report())

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._heard_at > self._config.ha_housekeeping_interval / 1000:
            log.warning("master silent, closing master=%s", self._owner.address)
            self._transport.abort()
            return
        if now - self._said_at > self._config.ha_send_heartbeat_interval / 1000:
            self._report()
        self._timer = self._loop.call_later(1.0, self._tick)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        self._timer.cancel()
        self.is_connected = False
        self._owner.lost(self._fault)
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        """End the connection; nothing is wrong with it."""
        if self.is_connected:
            self._fault = ""
            self._transport.abort()


def _reason(error: Exception) -> str:
    """Return why there is no connection, in words: error numbers differ by system."""
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, ValueError | OverflowError):
        return "an address is host:port"
    why = getattr(error, "strerror", None) or str(error)
    return why or f"no answer within {CONNECT_S:g} s"
