"""What a local node does, told from outside it: by its event loop and its disk.

The node's code knows nothing of it.  Only nodes that are traced run on these.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from rmqlab.classroom.host_loop import HostLoop
from rmqlab.classroom.links import Place
from rmqlab.classroom.slow_disk import SlowDisk, SlowFile
from rmqlab.classroom.trace.notes import Notes
from rmqlab.classroom.trace.parts import SOCKET
from rmqlab.classroom.trace.tap import Tap


class Tell(Protocol):
    """Told what happened: one of a tap's raw kinds."""

    def __call__(self, kind: str, /, **facts: object) -> None:
        """Take it."""


def begin(spec: dict[str, Any], path: Path) -> Tell:
    """Return whom to tell, for a node's own part of a trace in the file `path`.

    `spec` is what `tracing.spec_of` gives it.
    """
    first = spec["first"]
    notes, tap = Notes(path, first, spec["began_s"]), Tap(first["nodes"], ends=1)
    tap.add(notes.write)

    def tell(kind: str, /, **facts: object) -> None:
        if kind == SOCKET:
            notes.tell(kind, **facts)
        else:
            tap(notes.at_s, kind, facts)

    return tell


class OverheardLoop(HostLoop):
    """A host's loop that tells what goes over the connections that are accepted.

    Of those that it opens it tells the address only: who accepts them tells the rest.
    """

    def __init__(
        self, place: Place, names: dict[str, str], node: str, tell: Tell
    ) -> None:
        super().__init__(place, names)
        self._node, self._tell = node, tell
        self._numbers = itertools.count(1)

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        *args: Any,
        **options: Any,
    ) -> asyncio.Server:
        """See `HostLoop.create_server`."""

        def make() -> asyncio.BaseProtocol:
            inner = cast("asyncio.Protocol", protocol_factory())
            return _Overheard(inner, next(self._numbers), self._node, self._tell)

        return await super().create_server(make, *args, **options)

    async def create_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        *args: Any,
        **options: Any,
    ) -> tuple[asyncio.Transport, Any]:
        """See `HostLoop.create_connection`."""
        made = await super().create_connection(protocol_factory, *args, **options)
        own = made[0].get_extra_info("sockname")
        self._tell(SOCKET, node=self._node, own=_text(own))
        return made


def _text(address: Any) -> str:
    return f"{address[0]}:{address[1]}"


class _Overheard(asyncio.Protocol):
    """Stands between a connection and the node's protocol."""

    def __init__(
        self, inner: asyncio.Protocol, number: int, node: str, tell: Tell
    ) -> None:
        self._inner, self._number = inner, number
        self._node, self._tell = node, tell
        self._caller = ""
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        own, caller = (transport.get_extra_info(k) for k in ("sockname", "peername"))
        self._caller = _text(caller)
        facts = {"node": self._caller, "peer": self._node, "port": own[1]}
        self._tell("connected", connection=self._number, **facts)
        overheard = _Transport(cast("asyncio.Transport", transport), self._sent)
        self._inner.connection_made(cast("asyncio.Transport", overheard))

    def _sent(self, data: bytes) -> None:
        self._tell("sent", connection=self._number, node=self._node, data=data)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._tell("sent", connection=self._number, node=self._caller, data=data)
        self._inner.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        why = str(error) if error else ""
        self._tell("closed", connection=self._number, node=self._node, why=why)
        self._inner.connection_lost(error)


class _Transport:
    """A transport that tells what is written to it."""

    def __init__(self, inner: asyncio.Transport, sent: Callable[[bytes], None]) -> None:
        self._inner, self._sent = inner, sent

    def write(self, data: bytes) -> None:
        """Send something, unless the connection ends."""
        if not self._inner.is_closing():
            self._sent(bytes(data))
        self._inner.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class OverheardDisk(SlowDisk):
    """This machine's disk; it tells what is written and flushed, and on which host."""

    def __init__(self, host: str, tell: Tell) -> None:
        super().__init__()
        self._host, self._tell = host, tell

    def open(self, path: str, size: int) -> SlowFile:
        """See `Disk.open`."""
        file = _OverheardFile(path, size, self._flusher, self)

        def tell(kind: str, /, **facts: object) -> None:
            self._tell(kind, host=self._host, path=path, **facts)

        file.tell = tell
        return file

    def remove(self, path: str) -> None:
        """See `Disk.remove`."""
        super().remove(path)
        self._tell("cut", host=self._host, path=path, offset=0)


class _OverheardFile(SlowFile):
    tell: Tell

    def write(self, offset: int, data: bytes) -> None:
        super().write(offset, data)
        self.tell("write", offset=offset, size=len(data))

    def cut(self, offset: int) -> None:
        super().cut(offset)
        self.tell("cut", offset=offset)

    async def flush(self) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        self.tell("flushing")
        try:
            await super().flush()
        except BaseException:
            self.tell("unflushed")
            raise
        self.tell("flush", took_s=loop.time() - began_s)
