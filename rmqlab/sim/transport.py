"""One end of a simulated connection: what the kernel keeps, and what asyncio sees.

    write ──► link ──► inbox ──► data_received       `unread` counts what is between
    close ──► FIN  ──► eof_received, then connection_lost on both ends

What a peer has not read piles up, and once more than the kernels would keep does, the
writer is told to pause, as on a real socket.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

from rmqlab.sim.link import Link
from rmqlab.sim.timeline import Timeline

SEGMENT_BYTES = 60
"""Of a segment without data."""
KERNEL_BYTES = 1 << 18
"""What two kernels keep for a reader that does not read."""
READ_BYTES = 1 << 18
"""Handed to a protocol at once, as asyncio's selector loop does."""
HIGH_WATER_BYTES = 1 << 16

Address = tuple[str, int]


class ProcessLoop(Protocol):
    """What a connection needs of its process's loop."""

    name: str

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> object:
        """See asyncio."""
        ...


class Home(Protocol):
    """The kernel of the machine that an end is on."""

    @property
    def is_up(self) -> bool:
        """Whether the machine runs."""
        ...

    def keep(self, transport: SimTransport) -> None:
        """Know a connection."""
        ...

    def forget(self, transport: SimTransport) -> None:
        """Know it no more."""
        ...


class SimTransport(asyncio.Transport):
    """One end; `pair` joins two."""

    def __init__(
        self,
        timeline: Timeline,
        loop: ProcessLoop,
        home: Home,
        link: Link,
        own: Address,
        other: Address,
    ) -> None:
        super().__init__({"sockname": own, "peername": other})
        self.loop, self.own, self.other = loop, own, other
        self.number = 0
        """Of the connection; both ends have the same."""
        self.is_known = True
        """Whether the kernel has this connection."""
        self._timeline, self._home, self._link = timeline, home, link
        self._peer: SimTransport | None = None
        self._protocol: asyncio.BaseProtocol | None = None
        self._inbox: deque[bytes] = deque()
        self._unread = 0
        self._high, self._low = HIGH_WATER_BYTES, HIGH_WATER_BYTES // 4
        self._error: OSError | None = None
        self._has_ended = self._is_due = self._is_full = False
        self._is_closing = self._is_lost = self._is_leaving = False
        self._is_reading = True
        home.keep(self)

    def pair(self, peer: SimTransport, number: int) -> None:
        """Join two ends."""
        self._peer, peer._peer = peer, self
        self.number = peer.number = number

    # ── what travels ──────────────────────────────────────────────────────────

    def _send(self, size: int, action: Callable[[SimTransport], None]) -> None:
        """Have something done to the other end when it gets there."""
        peer = self._peer
        if peer is None:
            return

        def arrive() -> None:
            if peer.is_known:
                action(peer)
            elif action not in _ENDS:
                peer.refuse()

        self._link.send(size, arrive)

    def _arrived(self, data: bytes) -> None:
        self._inbox.append(data)
        self._read_soon()

    def _ended(self) -> None:
        self._has_ended = True
        self._read_soon()

    def _was_reset(self) -> None:
        code = errno.ECONNRESET
        self._error = ConnectionResetError(code, os.strerror(code))
        self._inbox.clear()
        self._read_soon()

    def vanish(self) -> None:
        """The machine is down: nobody is told."""
        self.is_known = False
        self._home.forget(self)

    def refuse(self) -> None:
        """Answer for a connection that this kernel does not know."""
        if self._home.is_up:
            self._send(SEGMENT_BYTES, _RESET)

    def orphan(self) -> None:
        """The process is dead: its kernel tells the peer."""
        has_unread = bool(self._inbox) or self._protocol is None
        self.vanish()
        self._send(SEGMENT_BYTES, _RESET if has_unread else _FIN)

    # ── reading ───────────────────────────────────────────────────────────────

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to the process's code."""
        self._protocol = protocol
        protocol.connection_made(self)
        self._read_soon()

    def _read_soon(self) -> None:
        if not self._is_due and self._protocol is not None:
            self._is_due = True
            self.loop.call_soon(self._read)

    def _read(self) -> None:
        self._is_due = False
        if self._is_closing or not self._is_reading:
            return
        if self._error:
            self._leave(self._error)
        elif self._inbox:
            self._hand_over()
            if self._inbox or self._has_ended or self._error:
                self._read_soon()
        elif self._has_ended:
            protocol = cast("asyncio.Protocol", self._protocol)
            self._is_reading = False
            if not protocol.eof_received():
                self.close()

    def _hand_over(self) -> None:
        data = self._inbox.popleft()
        while self._inbox and len(data) < READ_BYTES:
            data += self._inbox.popleft()
        if self._peer:
            self._peer.was_read(len(data))
        cast("asyncio.Protocol", self._protocol).data_received(data)

    def pause_reading(self) -> None:
        """See asyncio."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """See asyncio."""
        self._is_reading = True
        self._read_soon()

    def is_reading(self) -> bool:
        """See asyncio."""
        return self._is_reading and not self._is_closing

    # ── writing ───────────────────────────────────────────────────────────────

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        if self._is_closing or self._is_lost or not data or not self.is_known:
            return
        content = bytes(data)
        self._unread += len(content)
        tell = self._timeline.tell
        tell("sent", connection=self.number, node=self.loop.name, data=content)
        for piece in self._link.pieces(content):
            self._send(len(piece) + SEGMENT_BYTES, _bringing(piece))
        if self._unread > KERNEL_BYTES + self._high and not self._is_full:
            self._is_full = True
            cast("asyncio.Protocol", self._protocol).pause_writing()

    def was_read(self, size: int) -> None:
        """The peer's process has read so many bytes."""
        self._unread -= size
        if self._is_full or self._is_leaving:
            self.loop.call_soon(self._drained)

    def _drained(self) -> None:
        if self._is_leaving and self._unread <= KERNEL_BYTES:
            self._leave(None)
        elif self._is_full and self._unread <= KERNEL_BYTES + self._low:
            self._is_full = False
            cast("asyncio.Protocol", self._protocol).resume_writing()

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """See asyncio."""
        self._high = HIGH_WATER_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """See asyncio."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Return what the kernel would not take yet."""
        return max(0, self._unread - KERNEL_BYTES)

    def can_write_eof(self) -> bool:
        """Half-closed connections are not simulated."""
        return False

    # ── ending ────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """See asyncio: what was written still leaves."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._unread > KERNEL_BYTES:
            self._is_leaving = True
        else:
            self._leave(None)

    def abort(self) -> None:
        """See asyncio."""
        self._leave(None)

    def _leave(self, error: OSError | None) -> None:
        """Close the socket; the protocol is told once what runs now is through."""
        self._is_closing, self._is_leaving = True, False
        if not self.is_known:
            return
        self.vanish()
        if error is None:
            self._send(SEGMENT_BYTES, _RESET if self._inbox else _FIN)
        tell = self._timeline.tell
        why = str(error) if error else ""
        tell("closed", connection=self.number, node=self.loop.name, why=why)
        self.loop.call_soon(self._lose, error)

    def _lose(self, error: OSError | None) -> None:
        if not self._is_lost and self._protocol is not None:
            self._is_lost = True
            self._protocol.connection_lost(error)

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._is_closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See asyncio."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See asyncio."""
        return cast("asyncio.BaseProtocol", self._protocol)


_FIN, _RESET = SimTransport._ended, SimTransport._was_reset  # noqa: SLF001
_ENDS = (_FIN, _RESET)
"""What is never answered: the one who sent it knows the connection no more."""


def _bringing(data: bytes) -> Callable[[SimTransport], None]:
    return lambda peer: peer._arrived(data)  # noqa: SLF001
