"""One connection: bytes in, frames out; frames in, bytes out.

Frames that arrive together are handled together and their answers leave in one write.
A peer that does not read its answers is not read from either: what waits for it stays
bounded.  A peer that sends what is no frame is cut off; of one that sends a frame
slowly, its owner knows how much is there and since when.

Source: NettyRemotingAbstract.java, NettyDecoder.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol, cast

from rmqlab.errors import WireError
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.stream import FrameDecoder

log = logging.getLogger(__name__)

WRITE_BUFFER_BYTES = 1 << 20
"""Unsent bytes at which reading from the peer pauses."""


class Owner(Protocol):
    """Who a connection belongs to; none of these may wait."""

    def connected(self, connection: Connection) -> None:
        """A connection stands."""

    def received(self, frame: Frame, connection: Connection) -> None:
        """A frame came."""

    def kept(self, connection: Connection, more_bytes: int) -> None:
        """So much more, or less, of a frame that is not whole has to be kept."""

    def lost(self, connection: Connection) -> None:
        """The connection ended, from whichever side."""


class Connection(asyncio.Protocol):
    """A connection, of a server or of a client."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._decoder = FrameDecoder()
        self._frames: Iterator[Frame] = iter(())
        self._corked: list[bytes] | None = None
        self._corked_bytes = 0
        self._is_full = False
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        """Done once the connection is gone."""
        self.heard_at = self._loop.time()
        """When the peer or this side last sent something, in the loop's seconds."""
        self.whole_at = self.heard_at
        """When the frame began to come that is not whole yet, if there is one."""
        self.kept_bytes = 0
        """How much of it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        peer, own = (transport.get_extra_info(k) for k in ("peername", "sockname"))
        self.peer: tuple[str, int] = peer[:2]
        self.own: tuple[str, int] = own[:2]
        self._owner.connected(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.heard_at = self._loop.time()
        if not self.kept_bytes:
            self.whole_at = self.heard_at
        self._frames = self._decoder.feed(data)
        self._handle()

    def _handle(self) -> None:
        """Hand on the frames that came, until the peer must read its answers first."""
        self._corked = []
        try:
            for frame in self._frames:
                self.whole_at = self.heard_at
                self._owner.received(frame, self)
                if self._corked_bytes >= WRITE_BUFFER_BYTES:
                    self._uncork()
                if self._is_full:
                    return
        except WireError as error:
            log.warning("closing peer=%s:%d: %s", *self.peer, error)
            self._uncork()  # who asked properly before is answered
            self._transport.close()
        finally:
            self._uncork()
            self._corked = None
            self._count_kept()

    def _count_kept(self) -> None:
        more = self._decoder.kept - self.kept_bytes
        if more:
            self.kept_bytes += more
            self._owner.kept(self, more)

    def _uncork(self) -> None:
        answers, self._corked, self._corked_bytes = self._corked, [], 0
        if answers:
            self._transport.write(b"".join(answers))

    def send(self, *frames: Frame) -> None:
        """Send frames in one write; on a connection that ends, nothing happens.

        Raises:
            WireError: a frame is longer than any peer would read; none is sent.
        """
        if self._transport.is_closing():
            return
        self.heard_at = self._loop.time()
        data = b"".join([frame.to_bytes() for frame in frames])
        if self._corked is None:
            self._transport.write(data)
        else:
            self._corked.append(data)
            self._corked_bytes += len(data)

    def pause_writing(self) -> None:
        """Called by the loop: the peer is slower to read than we are to answer."""
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Called by the loop: go on, first with what had already come."""
        self._is_full = False
        if self.is_open:
            self._handle()
        if not self._is_full:
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        self._owner.lost(self)
        if not self.closed.done():
            self.closed.set_result(error)

    @property
    def is_open(self) -> bool:
        """Whether something sent now may reach the peer."""
        return not self._transport.is_closing()

    def close(self) -> None:
        """End the connection once what was sent has left."""
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def __str__(self) -> str:
        """``127.0.0.1:51234``."""
        return f"{self.peer[0]}:{self.peer[1]}"
