"""Hosts with addresses, and what their kernels do: listen, connect, refuse.

    client                                 server
    connect ── SYN ──────────────────────► does anybody listen?
            ◄───────────────────── SYN-ACK   yes
            ◄───────────────────────── RST   no: connection refused
            ── ACK ──────────────────────► accept
    process gone      its kernel closes every end: FIN, or RST
    host down         nothing: the peer's half of a connection stays open
    firewall          nothing either: SYN is dropped; what stands already, stands

A host that is down answers nobody.  Started anew, it knows none of the connections of
before, which their peers learn when they say something, or had said something.

Not here: connections that stand (`tcp`), delay and cuts (`link`), queues of a limited
length for those who connect.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import re
import socket
from collections.abc import Callable

from rmqlab.sim.link import RESEND_S, Link
from rmqlab.sim.tcp import SEGMENT_BYTES, Address, End, ProcessLoop
from rmqlab.sim.timeline import Timeline

CONNECT_S = 127.0
"""How long a kernel tries to connect to a host that does not answer (Linux)."""
EPHEMERAL_PORTS = range(32_768, 61_000)
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
LOOPBACK = "127.0.0.1"
"""Of every host, whoever asks: itself."""
_CANNOT_BIND = {
    errno.EADDRINUSE: "address already in use",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
}
"""Linux's words, on whatever system this runs."""

Accept = Callable[[End], None]
LetsIn = Callable[[str, int], bool]
"""Whether a firewall lets an address connect to a port."""


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


class Listener:
    """A listening port of a process."""

    def __init__(
        self, host: Host, loop: ProcessLoop, own: Address, accept: Accept
    ) -> None:
        self.loop, self.own, self.accept = loop, own, accept
        self._host = host

    @property
    def is_open(self) -> bool:
        """Whether whoever connects is taken."""
        return self._host.listeners.get(self.own[1]) is self

    def close(self) -> None:
        """Let go of the port."""
        if self.is_open:
            del self._host.listeners[self.own[1]]


class Host:
    """A machine as the network knows it: an address, names, ports, connections."""

    def __init__(self, network: Network, address: str, names: dict[str, str]) -> None:
        self.address, self.names = address, names
        self.is_up = True
        self.listeners: dict[int, Listener] = {}
        self._lets_in: LetsIn = lambda address, port: True
        self._network, self._timeline = network, network.timeline
        self._ends: dict[End, None] = {}
        self._unheard: dict[Callable[[], None], None] = {}
        self._ports = itertools.cycle(EPHEMERAL_PORTS)

    # ── names and ports ───────────────────────────────────────────────────────

    def resolve(self, name: str) -> str:
        """Return the address of a name.

        Raises:
            socket.gaierror: it is neither an address nor in the hosts file.
        """
        if name == "localhost":
            return LOOPBACK
        if name in self.names:
            return self.names[name]
        if not _IPV4.fullmatch(name):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return name

    def check_own(self, address: str, port: int) -> None:
        """Check that an address is this host's.

        Raises:
            OSError: it is another's.
        """
        if address not in (self.address, LOOPBACK):
            raise _cannot_bind(errno.EADDRNOTAVAIL, (address, port))

    def listen(self, loop: ProcessLoop, port: int, accept: Accept) -> Listener:
        """Listen on a port, on a free one for 0; `accept` is called on the loop.

        Raises:
            OSError: it is taken.
        """
        own = (self.address, port or self._free_port())
        if own[1] in self.listeners:
            raise _cannot_bind(errno.EADDRINUSE, own)
        listener = self.listeners[own[1]] = Listener(self, loop, own, accept)
        return listener

    def _free_port(self) -> int:
        return next(port for port in self._ports if port not in self.listeners)

    # ── connections ───────────────────────────────────────────────────────────

    def keep(self, end: End) -> None:
        """Know an end of a connection."""
        self._ends[end] = None

    def forget(self, end: End) -> None:
        """Know it no more."""
        self._ends.pop(end, None)

    async def connect(self, loop: ProcessLoop, address: str, port: int) -> End:
        """Connect a process of this host to a port of another, or of this one.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: there is no answer for 127 s.
        """
        other = self.address if address == LOOPBACK else address
        end = self.end(loop, self._free_port(), (other, port))
        attempt = _Attempt(self._network, end)
        attempt.ask()
        give_up = self._timeline.call_in(CONNECT_S, attempt.fail, errno.ETIMEDOUT)
        try:
            await attempt.answered
        except BaseException:
            end.close()
            raise
        finally:
            give_up.cancel()
        return end

    def end(self, loop: ProcessLoop, own_port: int, other: Address) -> End:
        """Return an end of a connection to be."""
        link = self._network.link(self.address, other[0])
        return End(self, loop, link, (self.address, own_port), other)

    # ── faults ────────────────────────────────────────────────────────────────

    def process_died(self, loop: ProcessLoop) -> None:
        """A process is gone: free its ports, close its ends."""
        for listener in list(self.listeners.values()):
            if listener.loop is loop:
                listener.close()
        for end in list(self._ends):
            if end.loop is loop:
                end.close()

    def power_off(self) -> None:
        """Go down without a word to anybody."""
        self.is_up = False
        self.listeners.clear()
        for end in list(self._ends):
            end.forget()
        for link in self._network.links_from(self.address):
            link.drop_held()

    def power_on(self) -> None:
        """Be there again, knowing nothing of what was."""
        self.is_up = True
        self._listen_again()

    def guard(self, lets_in: LetsIn) -> None:
        """Have a firewall that is asked about each connection from another host."""
        self._lets_in = lets_in
        self._listen_again()

    def hears(self, address: str, port: int) -> bool:
        """Whether it learns that somebody wants to connect to a port."""
        is_itself = address == self.address
        return self.is_up and (is_itself or self._lets_in(address, port))

    def _listen_again(self) -> None:
        unheard, self._unheard = self._unheard, {}
        for question in unheard:
            self._timeline.call_in(RESEND_S, question)

    def ask_again(self, question: Callable[[], None]) -> None:
        """Not having heard it, be asked again once that may be, as TCP repeats it."""
        self._unheard[question] = None


class _Attempt:
    """A connection being asked for."""

    def __init__(self, network: Network, end: End) -> None:
        self.answered = asyncio.get_running_loop().create_future()
        self._network, self._end = network, end
        self._there = network.link(end.own[0], end.other[0])
        self._back = network.link(end.other[0], end.own[0])

    def ask(self) -> None:
        """SYN."""
        if self._end.is_known and self._end.other[0] in self._network.hosts:
            self._there.send(SEGMENT_BYTES, self._asked)

    def _asked(self) -> None:
        host = self._network.hosts[self._end.other[0]]
        if not host.hears(self._end.own[0], self._end.other[1]):
            host.ask_again(self.ask)
            return
        listener = host.listeners.get(self._end.other[1])
        if listener is None:
            self._back.send(SEGMENT_BYTES, self.fail, errno.ECONNREFUSED)
            return
        end = host.end(listener.loop, listener.own[1], self._end.own)
        end.is_queued = True
        self._back.send(SEGMENT_BYTES, self._taken, listener, end)

    def _taken(self, listener: Listener, end: End) -> None:
        """SYN-ACK: for the client, the connection stands."""
        if not self._end.is_known:
            self._there.send(SEGMENT_BYTES, end.reset_arrived)
            return
        self._end.join(end, next(self._network.numbers))
        self._network.timeline.tell(
            "connected",
            connection=end.number,
            node=self._end.loop.name,
            peer=end.loop.name,
            port=listener.own[1],
        )
        if not self.answered.done():  # else: given up, and to be closed in a moment
            self.answered.set_result(None)
        self._there.send(SEGMENT_BYTES, self._acknowledged, listener, end)

    def _acknowledged(self, listener: Listener, end: End) -> None:
        """ACK: the server's process is told."""
        if end.is_known:
            end.loop.call_soon(listener.accept, end)
        else:
            end.refuse()

    def fail(self, code: int) -> None:
        """The other host refuses, or says nothing."""
        if self._end.is_known and not self.answered.done():
            self._end.forget()
            error = OSError(code, f"Connect call failed {self._end.other}")
            self.answered.set_exception(error)


def _cannot_bind(code: int, own: Address) -> OSError:
    text = f"error while attempting to bind on address {own}: {_CANNOT_BIND[code]}"
    return OSError(code, text)
