"""A connection of a local node, and the faults of the links that it goes over.

    peer ──► kernel ──► transport ──► inward lane ──► the node's protocol
    peer ◄── kernel ◄── transport ◄── outward lane ◄── the node's protocol

What cannot get through waits: what comes, unread in the kernel, and what goes, in its
lane.  Neither end is told; after a heal everything arrives in order, as TCP would have
sent it again.  What is full makes the other end wait, as ever.

Not here: which faults there are (`faults`); a connection's end, once only one way is
cut: its kernel tells the peer, though on the way that is cut.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from rmqlab.classroom.links import CLEAR, Way

LANE_BYTES = 1 << 18
"""What a lane takes before it makes its sender wait: a TCP window."""


class Lane:
    """One direction: first in, first out, after a while."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.way = CLEAR
        self._loop = loop
        self._waiting: deque[tuple[float, int, Callable[..., None], Any]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_clear(self) -> bool:
        """Whether what comes now may go on at once."""
        return not self._waiting and self.way == CLEAR

    @property
    def is_full(self) -> bool:
        """Whether more had better wait elsewhere."""
        return self._bytes > LANE_BYTES

    def send(self, size: int, arrive: Callable[..., None], *facts: Any) -> None:
        """Have so many bytes arrive later."""
        due_s = self._loop.time() + self.way.delay_s
        self._waiting.append((due_s, size, arrive, facts))
        self._bytes += size
        self.go_on()

    def go_on(self) -> None:
        """Let arrive what may by now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and not self.way.is_cut:
            due_s, size, arrive, facts = self._waiting[0]
            # Once the link is fast again, nobody waits as long as it was slow.
            left_s = min(due_s - self._loop.time(), self.way.delay_s)
            if left_s > 0:
                self._timer = self._loop.call_later(left_s, self.go_on)
                return
            self._waiting.popleft()
            self._bytes -= size
            arrive(*facts)

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._bytes = 0
        self.go_on()


class Cable(asyncio.Protocol):
    """Stands between a connection and the node's protocol."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        inner: asyncio.Protocol,
        plugged: Callable[[Cable], None],
        unplugged: Callable[[Cable], None],
    ) -> None:
        self.inner, self.peer, self._loop = inner, "", loop
        self._inward, self._outward = Lane(loop), Lane(loop)
        self._plugged, self._unplugged = plugged, unplugged
        self._is_full = self._told_full = self._is_ending = False
        self._wants_nothing = False

    # ── what the loop calls ───────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.plug = cast("asyncio.Transport", transport)
        self.peer = transport.get_extra_info("peername")[0]
        self.transport = cast("asyncio.Transport", CableTransport(self))
        self._plugged(self)
        self.inner.connection_made(self.transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._inward.is_clear:
            self.inner.data_received(data)
        else:
            self._inward.send(len(data), self._arrived, data)
            self._read_or_wait()

    def _arrived(self, data: bytes) -> None:
        if not self._is_ending:
            self.inner.data_received(data)
            self._read_or_wait()

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`; the connection stands until that has arrived."""
        self._inward.send(0, self._ended)
        return True

    def _ended(self) -> None:
        if not self.inner.eof_received():
            self.plug.close()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._unplugged(self)
        self._is_ending = True
        self._inward.drop()
        self._outward.drop()
        self.inner.connection_lost(error)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: the kernel takes no more."""
        self._is_full = True
        self._tell_if_full()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._is_full = False
        self._tell_if_full()

    def _tell_if_full(self) -> None:
        is_full = self._is_full or self._outward.is_full
        if is_full and not self._told_full:
            self._told_full = True
            self.inner.pause_writing()
        elif self._told_full and not is_full:
            self._told_full = False
            self.inner.resume_writing()

    # ── what the host's loop and the node's protocol want ─────────────────────

    def follow(self, inward: Way, outward: Way) -> None:
        """Let its links be so from now on."""
        self._inward.way, self._outward.way = inward, outward
        self._inward.go_on()
        self._outward.go_on()
        # A transport begins to read only after `connection_made`, paused or not.
        self._loop.call_soon(self._read_or_wait)
        self._tell_if_full()

    def want(self, *, nothing: bool) -> None:
        """Know whether the node's protocol takes data."""
        self._wants_nothing = nothing
        self._read_or_wait()

    def _read_or_wait(self) -> None:
        held = self._inward.way.is_cut or self._inward.is_full
        if held or self._wants_nothing:
            self.plug.pause_reading()
        else:
            self.plug.resume_reading()

    def write(self, data: bytes) -> None:
        """Send something when it may go."""
        if self._outward.is_clear:
            self.plug.write(data)
        elif not self.is_ending:
            self._outward.send(len(data), self._write, bytes(data))
            self._tell_if_full()

    def _write(self, data: bytes) -> None:
        self.plug.write(data)
        self._tell_if_full()

    @property
    def is_ending(self) -> bool:
        """Whether it takes no more data."""
        return self._is_ending or self.plug.is_closing()

    def close(self) -> None:
        """Close when what was written before has gone."""
        if self._outward.is_clear or self._outward.way.is_cut:
            self.plug.close()
        elif not self._is_ending:
            self._is_ending = True
            self._outward.send(0, self.plug.close)


class CableTransport:
    """A cable's end, as a protocol sees it."""

    def __init__(self, cable: Cable) -> None:
        self._cable, self._inner = cable, cable.plug
        self.write, self.close = cable.write, cable.close

    def writelines(self, pieces: list[bytes]) -> None:
        """Send several pieces."""
        self._cable.write(b"".join(pieces))

    def is_closing(self) -> bool:
        """Whether it takes no more data."""
        return self._cable.is_ending

    def pause_reading(self) -> None:
        """Take no data."""
        self._cable.want(nothing=True)

    def resume_reading(self) -> None:
        """Take data again."""
        self._cable.want(nothing=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
