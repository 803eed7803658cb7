"""Listens, gives each request to a handler, sends what it answers.

A handler returns the answer, or None where there is none or it will come later over
the same connection.  It never waits.  What it raises becomes a code: `Refused` its own,
anything else SYSTEM_ERROR and a traceback in the log.

What peers can take of this process is bounded: a number of connections, of frames that
are not whole a number of bytes, and a time for one to become whole.  RocketMQ closes
idle connections only; the rest is ours.

Source: NettyRemotingServer.java, NettyRemotingAbstract.processRequestCommand, 4.9.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from rmqlab.protocol.frame import Frame
from rmqlab.remoting.connection import Connection
from rmqlab.remoting.refusal import refusal

log = logging.getLogger(__name__)

IDLE_S = 120.0
"""A connection on which nothing was said for so long is closed, unless a server is
told otherwise (`serverChannelMaxIdleTimeSeconds`)."""
SWEEP_S = 10.0
MAX_CONNECTIONS = 4096
"""Of one server; who comes then is turned away."""
MAX_KEPT_BYTES = 256 * 1024 * 1024
"""Of all frames that are not whole; the peer with the most of it is then cut off."""
STOP_S = 3.0
"""How long `stop` lets answers leave before it cuts connections off."""
BACKLOG = 1024

Handler = Callable[[Frame, Connection], Frame | None]
ANY_ADDRESS, LOOPBACK = "0.0.0.0", "127.0.0.1"


def answer_of(handle: Handler, frame: Frame, connection: Connection) -> Frame | None:
    """Return what a handler answers, or the refusal that its error becomes."""
    try:
        return handle(frame, connection)
    except Exception as error:  # noqa: BLE001
        return refusal(frame, error, connection)


class RemotingServer:
    """The listening side, on one port or several."""

    def __init__(
        self,
        handle: Handler,
        on_lost: Callable[[Connection], None] | None = None,
        idle_s: Callable[[], float] = lambda: IDLE_S,
    ) -> None:
        self._handle, self._on_lost, self._idle_s = handle, on_lost, idle_s
        self._servers: list[asyncio.Server] = []
        # A dict keeps the order in which they came; a set's order differs by run.
        self._connections: dict[Connection, None] = {}
        self._kept_bytes = self._turned_away = 0
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, port: int, address: str = LOOPBACK) -> int:
        """Listen at an address of this host; return the port, a free one for 0.

        Raises:
            OSError: the port is taken, or the address is another host's.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self), address, port, backlog=BACKLOG
        )
        self._servers.append(server)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_S, self._close_idle)
        return int(server.sockets[0].getsockname()[1])

    def connected(self, connection: Connection) -> None:
        """A peer connected."""
        if len(self._connections) >= MAX_CONNECTIONS:
            self._turned_away += 1
            connection.abort()
            return
        self._connections[connection] = None
        log.debug("connected peer=%s", connection)

    def received(self, frame: Frame, connection: Connection) -> None:
        """Answer a request; an answer to one of ours is the handler's to know, too."""
        answer = answer_of(self._handle, frame, connection)
        if answer is not None and not frame.is_oneway:
            connection.send(answer)

    def kept(self, connection: Connection, more_bytes: int) -> None:
        """A peer has sent a part of a frame, or the rest of one."""
        if connection not in self._connections:
            return
        self._kept_bytes += more_bytes
        if self._kept_bytes > MAX_KEPT_BYTES:
            greatest = max(self._connections, key=lambda one: one.kept_bytes)
            log.warning(
                "closing peer=%s: %d bytes of its frame and %d of all peers' wait for "
                "the rest, allowed %d",
                greatest, greatest.kept_bytes, self._kept_bytes, MAX_KEPT_BYTES,
            )  # fmt: skip
            greatest.abort()
            self._forget(greatest)

    def lost(self, connection: Connection) -> None:
        """A connection ended."""
        self._forget(connection)
        if self._on_lost:
            self._on_lost(connection)

    def _forget(self, connection: Connection) -> None:
        if connection in self._connections:
            del self._connections[connection]
            self._kept_bytes -= connection.kept_bytes

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        idle_s = self._idle_s()
        oldest = loop.time() - idle_s
        for connection in list(self._connections):
            if connection.heard_at < oldest:
                log.info("closing idle peer=%s", connection)
                connection.abort()  # what it did not read by now it never will
            elif connection.kept_bytes and connection.whole_at < oldest:
                log.warning(
                    "closing peer=%s: a frame was not whole after %g s",
                    connection, idle_s,
                )  # fmt: skip
                connection.abort()
        if self._turned_away:
            log.warning(
                "turned away peers=%d, allowed connections=%d",
                self._turned_away, MAX_CONNECTIONS,
            )  # fmt: skip
            self._turned_away = 0
        self._sweep = loop.call_later(SWEEP_S, self._close_idle)

    def cut_off(self) -> None:
        """End every connection at once; what was not sent yet never is."""
        for connection in list(self._connections):
            connection.abort()

    async def stop(self) -> None:
        """Stop listening, close every connection, return when all are gone."""
        if self._sweep:
            self._sweep.cancel()
        for server in self._servers:
            server.close()
        leaving = [connection.closed for connection in self._connections]
        for connection in list(self._connections):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(*leaving)
        self.cut_off()
        for server in self._servers:
            await server.wait_closed()
