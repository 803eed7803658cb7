"""The event loop that a local node runs on: it plays the node's host.

A node listens on every address of its host and connects from it, as on a machine of
its own.  Here a host is one loopback address and a table of names, so the loop narrows
the one and looks up the other.  The node knows nothing of it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

EVERY_ADDRESS = (None, "", "0.0.0.0")


class HostLoop(asyncio.SelectorEventLoop):
    """A selector loop with an address and a hosts file."""

    def __init__(self, address: str, names: dict[str, str]) -> None:
        super().__init__()
        self._address, self._names = address, names

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> asyncio.Server:
        """Listen on this host's address where every address is meant."""
        host = self._address if host in EVERY_ADDRESS else host
        return await super().create_server(protocol_factory, host, port, **options)

    async def create_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, Any]:
        """Connect from this host's address, to a name of its table or an address."""
        options.setdefault("local_addr", (self._address, 0))
        return await super().create_connection(
            protocol_factory, self._names.get(host, host), port, **options
        )

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Look a name up in this host's table first."""
        name = self._names.get(host, host)
        try:
            socket.inet_aton(name)
        except (OSError, TypeError):
            return await super().getaddrinfo(name, port, **options)
        kind = options.get("type") or socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 0, "", (name, port))]
