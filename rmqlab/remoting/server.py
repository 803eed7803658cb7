"""Listens, gives each request to a handler, sends what it answers.

A handler returns the answer, or None where there is none or it will come later over
the same connection.  It never waits.  What it raises becomes a code: `Refused` its own,
anything else SYSTEM_ERROR and a traceback in the log.

Source: NettyRemotingServer.java, NettyRemotingAbstract.processRequestCommand, 4.9.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from rmqlab.errors import Refused, WireError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.remoting.connection import Connection

log = logging.getLogger(__name__)

IDLE_S = 120.0
"""A connection on which nothing was said for so long is closed, unless a server is
told otherwise (`serverChannelMaxIdleTimeSeconds`)."""
SWEEP_S = 10.0
STOP_S = 3.0
"""How long `stop` lets answers leave before it cuts connections off."""
BACKLOG = 1024

Handler = Callable[[Frame, Connection], Frame | None]
ANY_ADDRESS = "0.0.0.0"


def answer_of(handle: Handler, frame: Frame, connection: Connection) -> Frame | None:
    """Return what a handler answers, or the refusal that its error becomes.

    A peer is told of a foreign error, and of one of the disk, no more than its name:
    their texts are full of this machine's paths.
    """
    try:
        return handle(frame, connection)
    except Refused as error:
        return frame.answer(error.code, remark=error.remark)
    except WireError as error:  # the frame is one, its body is not
        return frame.answer(ResponseCode.SYSTEM_ERROR, remark=str(error))
    except Exception as error:
        log.exception("request failed peer=%s %s", connection, frame)
        remark = f"{type(error).__name__}: the log of this node says more"
        return frame.answer(ResponseCode.SYSTEM_ERROR, remark=remark)


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
        self._sweep: asyncio.TimerHandle | None = None

    async def listen(self, port: int) -> int:
        """Listen on every address of this host; return the port, a free one for 0.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self), ANY_ADDRESS, port, backlog=BACKLOG
        )
        self._servers.append(server)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_S, self._close_idle)
        return int(server.sockets[0].getsockname()[1])

    def connected(self, connection: Connection) -> None:
        """A peer connected."""
        self._connections[connection] = None
        log.debug("connected peer=%s", connection)

    def received(self, frame: Frame, connection: Connection) -> None:
        """Answer a request; an answer to one of ours is the handler's to know, too."""
        answer = answer_of(self._handle, frame, connection)
        if answer is not None and not frame.is_oneway:
            connection.send(answer)

    def lost(self, connection: Connection) -> None:
        """A connection ended."""
        self._connections.pop(connection, None)
        if self._on_lost:
            self._on_lost(connection)

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_s()
        for connection in list(self._connections):
            if connection.heard_at < oldest:
                log.info("closing idle peer=%s", connection)
                connection.close()
        self._sweep = loop.call_later(SWEEP_S, self._close_idle)

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
        for connection in list(self._connections):
            connection.abort()
        for server in self._servers:
            await server.wait_closed()
