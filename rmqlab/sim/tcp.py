"""TCP as two kernels do it, each at one end of a connection.

    send  ──►  link  ──►  inbox  ──► receive     at most WINDOW_BYTES between the two
    close ──►  FIN: the peer reads to the end
               RST: the peer is cut off, if something had come that nobody read

A kernel answers for processes that are paused, and for those that are dead: it closes
their ends.  What comes for an end that it does not know, because it was closed or the
machine was down since, it answers with RST.

Not here: how segments travel (`link`), who may connect (`network`), half-closed
connections, keep-alive.  Each behaviour is Linux's, tried there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Protocol

from rmqlab.sim.link import Link

SEGMENT_BYTES = 60
"""Of a segment without data."""
WINDOW_BYTES = 1 << 18
"""What the two kernels keep of what was sent and not yet read."""

_WHY = {errno.ECONNRESET: "Connection reset by peer", errno.EPIPE: "Broken pipe"}
"""Linux's words, on whatever system this runs."""

Address = tuple[str, int]


class ProcessLoop(Protocol):
    """What kernels know of a process: its loop."""

    name: str

    def call_soon(self, callback: Callable[..., object], *args: object) -> object:
        """See asyncio."""
        ...


class Kernel(Protocol):
    """The machine that an end is on."""

    is_up: bool

    def keep(self, end: End) -> None:
        """Know an end."""
        ...

    def forget(self, end: End) -> None:
        """Know it no more."""
        ...

    def ask_again(self, question: Callable[[], None]) -> None:
        """Being down, hear what was sent once more when up again."""
        ...


class End:
    """One end of a connection: a connected socket."""

    def __init__(
        self,
        kernel: Kernel,
        loop: ProcessLoop,
        link: Link,
        own: Address,
        other: Address,
    ) -> None:
        self.loop, self.own, self.other = loop, own, other
        self.number = 0
        """Of the connection; both ends have the same."""
        self.is_known = True
        """Whether the kernel has this end."""
        self.is_queued = False
        """Whether it waits for its process to accept it."""
        self.wake: Callable[[], None] | None = None
        """Called when there is something to read, or room to write again."""
        self._kernel, self._link = kernel, link
        self._peer: End | None = None
        self._inbox: list[bytes] = []
        self._room = WINDOW_BYTES
        self._broken = 0
        """The error's number, once the peer's kernel sent RST."""
        self._has_ended = False
        kernel.keep(self)

    def join(self, peer: End, number: int) -> None:
        """Make a connection of two ends."""
        self._peer, peer._peer = peer, self
        self.number = peer.number = number

    # ── what a process does with it ───────────────────────────────────────────

    @property
    def is_readable(self) -> bool:
        """Whether `receive` gives something, be it the end or an error."""
        return bool(self._inbox or self._has_ended or self._broken)

    @property
    def is_writable(self) -> bool:
        """Whether `send` takes something or fails."""
        return self._room > 0 or self._broken > 0

    def send(self, data: bytes) -> int:
        """Take as many bytes as there is room for; return how many.

        Raises:
            ConnectionError: the peer is gone.
        """
        if self._broken:
            raise self._error()
        if not self.is_known or self._peer is None:  # a dead process's last words
            return len(data)
        taken = data[: self._room]
        self._room -= len(taken)
        for piece in self._link.pieces(taken) if taken else ():
            size = len(piece) + SEGMENT_BYTES
            self._link.send(size, self._peer.data_arrived, piece)
        return len(taken)

    def receive(self) -> bytes:
        """Return everything that has come, nothing at the stream's end.

        Raises:
            ConnectionResetError: the peer is gone, without an end.
        """
        if self._inbox:
            data = b"".join(self._inbox)
            self._inbox.clear()
            self._acknowledge(len(data))
            return data
        if self._broken and not self._has_ended:
            raise self._error()
        return b""

    def close(self) -> None:
        """Let go of it.  What was sent still arrives."""
        if not self.is_known:
            return
        self.forget()
        if self._peer and not self._broken:
            is_rude = self._inbox or self.is_queued
            self._post(self._peer.reset_arrived if is_rude else self._peer.fin_arrived)

    def forget(self) -> None:
        """Know it no more; nobody is told."""
        self.is_known = False
        self._kernel.forget(self)

    # ── what kernels tell each other ──────────────────────────────────────────

    def _post(self, arrive: Callable[..., None], *facts: object) -> None:
        self._link.send(SEGMENT_BYTES, arrive, *facts)

    def _acknowledge(self, size: int) -> None:
        # Where nothing is in the way, that is as good as at once.
        if self._peer and self._link.is_clear:
            self._peer.room_arrived(size)
        elif self._peer:
            self._post(self._peer.room_arrived, size)

    def data_arrived(self, data: bytes) -> None:
        """Bytes."""
        if self.is_known:
            self._inbox.append(data)
            self._wake()
        else:
            self.refuse()

    def room_arrived(self, size: int) -> None:
        """The peer's process has read so many bytes."""
        was_full = self._room <= 0
        self._room += size
        if was_full:
            self._wake()

    def fin_arrived(self) -> None:
        """Nothing more will come."""
        self._has_ended = True
        self._wake()

    def reset_arrived(self) -> None:
        """The peer's kernel knows no such connection (any more)."""
        self._broken = errno.EPIPE if self._has_ended else errno.ECONNRESET
        if self.is_queued:
            self.forget()
        self._wake()

    def refuse(self) -> None:
        """Answer for an end that this kernel does not know."""
        if not self._kernel.is_up:
            self._kernel.ask_again(self.refuse)
        elif self._peer:
            self._post(self._peer.reset_arrived)

    def _error(self) -> OSError:
        return OSError(self._broken, _WHY[self._broken])

    def _wake(self) -> None:
        if self.wake and self.is_known:
            self.wake()
