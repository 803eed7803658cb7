"""Hosts with addresses, and what their kernels do: listen, connect, refuse.

    client                                 server
    connect ── SYN ──────────────────────► a listener?  → accepted
            ◄───────────────────── SYN-ACK   no?  → RST: refused
    process killed   FIN, or RST if it left bytes unread
    host down        nothing: the peer's half of the connection stays open

A kernel answers for a process that is paused, and for one that is dead; a host that is
down answers nobody.  What comes for a connection that it no longer knows is answered
with RST, which is how a peer learns that the host was started anew.

Not here: the ends of connections (`transport`), delay and cuts (`link`).
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import re
import socket
from collections.abc import Callable
from typing import Any

from rmqlab.sim.link import Link
from rmqlab.sim.timeline import Timeline
from rmqlab.sim.transport import SEGMENT_BYTES, ProcessLoop, SimTransport

CONNECT_S = 127.0
"""How long a kernel tries to connect to a host that does not answer (Linux)."""
FIRST_EPHEMERAL_PORT = 32_768
PORTS = 65_536
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_OWN_NAMES = ("localhost", "127.0.0.1")

Factory = Callable[[], asyncio.BaseProtocol]


class Network:
    """All hosts by address, and a link for each direction between two."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.hosts: dict[str, Host] = {}
        self.numbers = itertools.count(1)
        """Of connections."""
        self._links: dict[tuple[str, str], Link] = {}

    def host(self, address: str, names: dict[str, str]) -> Host:
        """Add a host; `names` is its hosts file."""
        self.hosts[address] = Host(self, address, names)
        return self.hosts[address]

    def link(self, source: str, target: str) -> Link:
        """Return the direction from one address to another."""
        link = self._links.get((source, target))
        if link is None:
            link = self._links[source, target] = Link(self.timeline, source, target)
        return link

    def links_from(self, source: str) -> list[Link]:
        """Return the directions that lead away from an address to others."""
        return [self.link(source, other) for other in self.hosts if other != source]

    def links_to(self, target: str) -> list[Link]:
        """Return the directions that lead to an address from others."""
        return [self.link(other, target) for other in self.hosts if other != target]


class Server(asyncio.AbstractServer):
    """A listening port of a process."""

    def __init__(
        self, host: Host, loop: ProcessLoop, factory: Factory, port: int
    ) -> None:
        self.loop, self.port = loop, port
        self._host, self._factory = host, factory

    @property
    def sockets(self) -> tuple[ListeningSocket, ...]:
        """What can be asked for its name."""
        return (ListeningSocket((self._host.address, self.port)),)

    def accept(self, transport: SimTransport) -> None:
        """Called on the process's loop: a connection stands."""
        transport.begin(self._factory())

    def close(self) -> None:
        """Stop listening; connections stay."""
        self._host.unlisten(self)

    def is_serving(self) -> bool:
        """Whether it listens."""
        return self._host.listeners.get(self.port) is self

    def get_loop(self) -> Any:
        """See asyncio."""
        return self.loop

    async def start_serving(self) -> None:
        """See asyncio: it listens from the beginning."""

    async def serve_forever(self) -> None:
        """See asyncio."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.close()

    async def wait_closed(self) -> None:
        """See asyncio; there is nothing to wait for."""


class ListeningSocket:
    """As much of a socket as the owner of a server asks for."""

    def __init__(self, name: tuple[str, int]) -> None:
        self._name = name

    def getsockname(self) -> tuple[str, int]:
        """Return address and port."""
        return self._name


class Host:
    """A machine as the network knows it: an address, names, ports, connections."""

    def __init__(self, network: Network, address: str, names: dict[str, str]) -> None:
        self.address, self.names = address, names
        self.is_up = True
        self.listeners: dict[int, Server] = {}
        self._network, self._timeline = network, network.timeline
        self._transports: dict[SimTransport, None] = {}
        self._ports = itertools.cycle(range(FIRST_EPHEMERAL_PORT, PORTS))

    def keep(self, transport: SimTransport) -> None:
        """Know a connection."""
        self._transports[transport] = None

    def forget(self, transport: SimTransport) -> None:
        """Know it no more."""
        self._transports.pop(transport, None)

    def resolve(self, name: str) -> str:
        """Return the address of a name.

        Raises:
            socket.gaierror: it is neither an address nor in the hosts file.
        """
        if name in _OWN_NAMES:
            return self.address
        if name in self.names:
            return self.names[name]
        if not _IPV4.fullmatch(name):
            raise socket.gaierror(
                socket.EAI_NONAME, f"{name}: Name or service not known"
            )
        return name

    def own(self, address: str) -> None:
        """Check that an address is this host's.

        Raises:
            OSError: it is another's.
        """
        if address != self.address:
            code = errno.EADDRNOTAVAIL
            raise OSError(code, f"{os.strerror(code)}: {address}")

    def listen(self, loop: ProcessLoop, factory: Factory, port: int) -> Server:
        """Listen on a port, on a free one for 0.

        Raises:
            OSError: it is taken.
        """
        port = port or self._free_port()
        if port in self.listeners:
            code = errno.EADDRINUSE
            raise OSError(code, f"{os.strerror(code)}: {self.address}:{port}")
        server = self.listeners[port] = Server(self, loop, factory, port)
        return server

    def _free_port(self) -> int:
        return next(port for port in self._ports if port not in self.listeners)

    def unlisten(self, server: Server) -> None:
        """Let go of a port."""
        if server.is_serving():
            del self.listeners[server.port]

    async def connect(
        self, loop: asyncio.AbstractEventLoop, address: str, port: int
    ) -> SimTransport:
        """Connect a process of this host to a port of another, or of this one.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: there is no answer for 127 s.
        """
        attempt = _Attempt(self, loop, address, port)
        target = self._network.hosts.get(address)
        if target is not None:
            out = self._network.link(self.address, address)
            out.send(SEGMENT_BYTES, lambda: target.syn(attempt))
        give_up = self._timeline.call_in(CONNECT_S, attempt.fail, errno.ETIMEDOUT)
        try:
            await attempt.answered
        except BaseException:
            attempt.transport.abort()
            raise
        finally:
            give_up.cancel()
        return attempt.transport

    def new_transport(
        self, loop: ProcessLoop, own_port: int, other: tuple[str, int]
    ) -> SimTransport:
        """Return an end of a connection to be."""
        link = self._network.link(self.address, other[0])
        own = (self.address, own_port)
        return SimTransport(self._timeline, loop, self, link, own, other)

    def next_port(self) -> int:
        """Return a port for an outgoing connection."""
        return next(self._ports)

    def syn(self, attempt: _Attempt) -> None:
        """A connection is asked for: take it, refuse it, or say nothing."""
        if not self.is_up:
            return
        client = attempt.transport
        server = self.listeners.get(client.other[1])
        back = self._network.link(self.address, client.own[0])
        if server is None:
            back.send(SEGMENT_BYTES, lambda: attempt.fail(errno.ECONNREFUSED))
            return
        transport = self.new_transport(server.loop, server.port, client.own)
        transport.pair(client, next(self._network.numbers))
        self._timeline.tell(
            "connected",
            connection=transport.number,
            node=client.loop.name,
            peer=server.loop.name,
            port=server.port,
        )
        server.loop.call_soon(server.accept, transport)
        back.send(SEGMENT_BYTES, attempt.succeed)

    def process_died(self, loop: ProcessLoop) -> None:
        """A process is gone: free its ports, end its connections."""
        for server in list(self.listeners.values()):
            if server.loop is loop:
                self.unlisten(server)
        for transport in list(self._transports):
            if transport.loop is loop:
                transport.orphan()

    def power_off(self) -> None:
        """Go down without a word to anybody."""
        self.is_up = False
        self.listeners.clear()
        for transport in list(self._transports):
            transport.vanish()
        for link in self._network.links_from(self.address):
            link.drop_held()

    def power_on(self) -> None:
        """Be there again, knowing nothing of what was."""
        self.is_up = True


class _Attempt:
    """A connection being asked for."""

    def __init__(
        self, host: Host, loop: asyncio.AbstractEventLoop, address: str, port: int
    ) -> None:
        self.answered: asyncio.Future[None] = loop.create_future()
        process_loop: Any = loop
        own_port = host.next_port()
        self.transport = host.new_transport(process_loop, own_port, (address, port))

    def succeed(self) -> None:
        """The other host took it."""
        if not self.transport.is_known:
            self.transport.refuse()
        elif not self.answered.done():
            self.answered.set_result(None)

    def fail(self, code: int) -> None:
        """The other host refused, or says nothing."""
        if self.transport.is_known and not self.answered.done():
            self.transport.vanish()
            other = self.transport.other
            text = f"{os.strerror(code)}: {other[0]}:{other[1]}"
            self.answered.set_exception(OSError(code, text))
