"""What asyncio shows of the network: a transport a connection, a server a port.

    write ──► buffer ──► kernel's end     the buffer dies with its process; when it
                                          grows long, its writer is told to pause
    data_received ◄───── kernel's end

These are asyncio's own selector transport and server over simulated ends: the same
callbacks in the same order, the same errors.

Not here: the kernel's part (`tcp`), half-closed connections, buffered protocols, TLS.
"""

from __future__ import annotations

import asyncio
from asyncio import transports
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from rmqlab.sim.network import Host
from rmqlab.sim.tcp import Address, End, ProcessLoop
from rmqlab.sim.timeline import Timeline

Factory = Callable[[], asyncio.BaseProtocol]


class SimTransport(transports._FlowControlMixin):  # noqa: SLF001
    """A connection as a protocol sees it."""

    def __init__(
        self,
        timeline: Timeline,
        loop: asyncio.AbstractEventLoop,
        end: End,
        protocol: asyncio.BaseProtocol,
        gone: Callable[[], None] | None = None,
    ) -> None:
        super().__init__({"sockname": end.own, "peername": end.other}, loop)
        self._tell, self._loop, self._end, self._gone = timeline.tell, loop, end, gone
        self._protocol = protocol
        self._buffer: deque[bytes] = deque()
        self._is_paused = self._is_at_end = False
        self._is_closing = self._is_lost = self._is_due = False
        end.is_queued = False
        loop.call_soon(protocol.connection_made, self)
        loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Read from now on: `connection_made` was called."""
        self._end.wake = self._look_soon
        self._look_soon()

    # ── what the selector does for a real one ─────────────────────────────────

    def _look_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._is_due = False
        if self.is_reading() and self._end.is_readable:
            self._read()
        if self._buffer and self._end.is_writable:
            self._write_more()
        if self.is_reading() and self._end.is_readable:
            self._look_soon()

    def _read(self) -> None:
        protocol = cast("asyncio.Protocol", self._protocol)
        try:
            if data := self._end.receive():
                protocol.data_received(data)
                return
            self._is_at_end = True
            if not protocol.eof_received():
                self.close()
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _write_more(self) -> None:
        try:
            while self._buffer and self._end.is_writable:
                if rest := self._take(self._buffer.popleft()):
                    self._buffer.appendleft(rest)
        except OSError as error:
            self._fail(error)
            return
        self._maybe_resume_protocol()  # type: ignore[attr-defined]
        if self._is_closing and not self._buffer:
            self._leave(None)

    def _take(self, data: bytes) -> bytes:
        """Give the kernel what it takes; return the rest."""
        end = self._end
        taken = end.send(data)
        if taken:
            sent = data[:taken]
            self._tell("sent", connection=end.number, node=end.loop.name, data=sent)
        return data[taken:]

    # ── what a protocol asks for: see asyncio ─────────────────────────────────

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send now, or later what the kernel does not take now."""
        if self._is_lost or not self._end.is_known:
            return
        rest = bytes(data)
        if not self._buffer:
            try:
                rest = self._take(rest)
            except OSError as error:
                self._fail(error)
                return
        if rest:
            self._buffer.append(rest)
            self._maybe_pause_protocol()  # type: ignore[attr-defined]

    def get_write_buffer_size(self) -> int:
        """Return what the kernel would not take yet."""
        return sum(map(len, self._buffer))

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Say when to pause the writer, and when to have it go on."""
        self._set_write_buffer_limits(high, low)  # type: ignore[attr-defined]
        self._maybe_pause_protocol()  # type: ignore[attr-defined]

    def can_write_eof(self) -> bool:
        """Half-closed connections are not simulated."""
        return False

    def pause_reading(self) -> None:
        """Leave what comes to the kernel."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Take it again, and hear of the stream's end again, too."""
        if self._is_paused:
            self._is_paused = self._is_at_end = False
            self._look_soon()

    def is_reading(self) -> bool:
        """Whether something that came would be read."""
        return not (self._is_paused or self._is_closing or self._is_at_end)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Call another one from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is called."""
        return self._protocol

    # ── the end ───────────────────────────────────────────────────────────────

    def is_closing(self) -> bool:
        """Whether it is closed, or will be once everything is sent."""
        return self._is_closing or not self._end.is_known

    def close(self) -> None:
        """Read no more, send what was written, then be gone."""
        self._is_closing = True
        if not self._buffer:
            self._leave(None)

    def abort(self) -> None:
        """Be gone; the kernel still sends what it has."""
        self._leave(None)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            what = "Fatal error: a protocol's call failed"
            facts = {"message": what, "exception": error, "transport": self}
            self._loop.call_exception_handler(facts)
        self._leave(error)

    def _leave(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_closing = self._is_lost = True
            self._buffer.clear()
            self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        end = self._end
        why = getattr(error, "strerror", None) or (repr(error) if error else "")
        self._tell("closed", connection=end.number, node=end.loop.name, why=why)
        try:
            self._protocol.connection_lost(error)
        finally:
            end.close()
            if self._gone:
                self._gone()


class Server(asyncio.AbstractServer):
    """A port that a process listens on."""

    def __init__(
        self,
        timeline: Timeline,
        loop: asyncio.AbstractEventLoop,
        host: Host,
        factory: Factory,
        port: int,
    ) -> None:
        self._timeline, self._loop, self._factory = timeline, loop, factory
        owner = cast("ProcessLoop", loop)
        self._listener = host.listen(owner, port, self._accept)
        self._connections = 0
        self._is_over = asyncio.Event()
        self._forever: asyncio.Future[None] | None = None

    def _accept(self, end: End) -> None:
        """Called on the process's loop: a connection stands."""
        if not self.is_serving():
            end.close()
            return
        protocol = self._factory()
        self._connections += 1
        SimTransport(self._timeline, self._loop, end, protocol, self._left)

    def _left(self) -> None:
        self._connections -= 1
        self._check_over()

    def _check_over(self) -> None:
        if not self._connections and not self.is_serving():
            self._is_over.set()

    @property
    def sockets(self) -> tuple[ListeningSocket, ...]:
        """What can be asked for its name."""
        return (ListeningSocket(self._listener.own),) if self.is_serving() else ()

    def is_serving(self) -> bool:
        """Whether it listens."""
        return self._listener.is_open

    def get_loop(self) -> Any:
        """See asyncio."""
        return self._loop

    def close(self) -> None:
        """Listen no more; connections stay."""
        self._listener.close()
        if self._forever and not self._forever.done():
            self._forever.cancel()
        self._check_over()

    async def start_serving(self) -> None:
        """See asyncio: it listens from the beginning."""

    async def serve_forever(self) -> None:
        """Return never: `close`, or a cancellation, raises."""
        self._forever = self._loop.create_future()
        try:
            await self._forever
        finally:
            self.close()
            await self.wait_closed()

    async def wait_closed(self) -> None:
        """Return once it is closed and its last connection gone, as from 3.12 on."""
        await self._is_over.wait()


class ListeningSocket:
    """As much of a socket as the owner of a server asks for."""

    def __init__(self, name: Address) -> None:
        self._name = name

    def getsockname(self) -> Address:
        """Return address and port."""
        return self._name
