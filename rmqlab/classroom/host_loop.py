"""The event loop that a local node runs on: it plays the node's host.

A node listens on every address of its host and connects from it, as on a machine of
its own.  Here a host is one loopback address and a table of names, so the loop narrows
the one and looks up the other.  The node knows nothing of it.

It also holds up what a fault holds up: every connection is a `Cable`, and one to an
address behind a cut is not made before that heals.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from rmqlab.classroom.cable import Cable
from rmqlab.classroom.faults import Faults
from rmqlab.classroom.links import OWNER, Place
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK

EVERY_ADDRESS = (None, "", "0.0.0.0")
CONNECT_S = 127.0
"""How long a kernel tries to connect to a host that does not answer (Linux)."""


class HostLoop(asyncio.SelectorEventLoop):
    """A selector loop with an address, a hosts file and faults."""

    def __init__(self, place: Place, names: dict[str, str]) -> None:
        super().__init__()
        self._place, self._names = place, names
        self._faults = Faults()
        self._cables: set[Cable] = set()
        self._changed = asyncio.Event()

    def bring(self, faults: Faults) -> None:
        """Let these be the faults of this cluster from now on."""
        self._faults = faults
        for cable in list(self._cables):
            self._follow(cable)
        self._changed.set()
        self._changed = asyncio.Event()

    def _follow(self, cable: Cable) -> None:
        ways = (
            way(self._faults, cable.peer)
            for way in (self._place.inward, self._place.outward)
        )
        cable.follow(*ways)

    def _plugged(self, cable: Cable) -> None:
        self._cables.add(cable)
        self._follow(cable)

    def _cable(self, inner: asyncio.BaseProtocol) -> Cable:
        protocol = cast("asyncio.Protocol", inner)
        return Cable(self, protocol, self._plugged, self._cables.discard)

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> asyncio.Server:
        """Listen on this host's address where every address is meant."""
        host = self._place.address if host in EVERY_ADDRESS else host

        def make() -> Cable:
            return self._cable(protocol_factory())

        return await super().create_server(make, host, port, **options)

    async def create_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, Any]:
        """Connect from this host's address, to a name of its table or an address.

        Raises:
            TimeoutError: the other end is behind a cut, and was for 127 s.
        """
        options.setdefault("local_addr", (self._place.address, 0))
        there = self._names.get(host, host)
        await self._reach(there)
        _, cable = await super().create_connection(
            lambda: self._cable(protocol_factory()), there, port, **options
        )
        return cable.transport, cable.inner

    async def _reach(self, address: str) -> None:
        """Return when an address answers: at once, but for faults."""
        ways = self._place.inward, self._place.outward
        async with asyncio.timeout(CONNECT_S):
            while any(way(self._faults, address).is_cut for way in ways):
                await self._changed.wait()
        if delay_s := sum(way(self._faults, address).delay_s for way in ways):
            await asyncio.sleep(delay_s)

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Look a name up in this host's table first."""
        name = self._names.get(host, host)
        try:
            socket.inet_aton(name)
        except (OSError, TypeError):
            return await super().getaddrinfo(name, port, **options)
        kind = options.get("type") or socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 0, "", (name, port))]


class OwnersLoop(asyncio.SelectorEventLoop):
    """The loop of a cluster's owner, which faults do not keep from its nodes."""

    async def create_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, Any]:
        """Connect to a loopback address from the owner's own."""
        if HAS_LOOPBACK_NETWORK and str(host).startswith("127."):
            options.setdefault("local_addr", (OWNER, 0))
        return await super().create_connection(protocol_factory, host, port, **options)
