"""A block of ports for a cluster whose hosts share every address.

    31_100          31_260          …  32_700 ┆ 32_768 on: the kernel's, for anybody's
    │ claim                                   ┆ outgoing connections
    │ ┌─ 9876 ─┐┌─ 10911 ─┐┌─ 11011 ─┐┌─ 9876 ─┐ …
    └─┴ host1  ┴┴         ┴┴         ┴┴ host2 ─┘

The kernel arbitrates, as for a `subnet`: who has bound a block's first port has the
block, and a process that is killed lets go of it.
"""

from __future__ import annotations

import socket
from typing import Self

from rmqlab.classroom.runtime import ClusterError

SIZE = 160
FIRSTS = range(31_100, 32_700, SIZE)
SLOT = 10
"""From 5 below a port to 4 above it."""
NEAR = 3
"""A broker has the port two below the one that it is told, and the next one."""


class PortBlock:
    """For each port of each host, one of this machine; claimed while it is open."""

    def __init__(self, first: int, claim: socket.socket) -> None:
        self.first, self._claim = first, claim
        self._given: dict[tuple[str, int], int] = {}

    @classmethod
    def claim(cls) -> Self:
        """Return the first block that nobody has.

        Raises:
            ClusterError: all are somebody's.
        """
        for first in FIRSTS:
            claim = socket.socket()
            try:
                claim.bind(("", first))
            except OSError:
                claim.close()
                continue
            if all(map(_is_free, range(first + 1, first + SIZE))):
                return cls(first, claim)
            claim.close()
        raise ClusterError(
            f"of ports {FIRSTS[0]} to {FIRSTS[-1] + SIZE - 1} no {SIZE} side by side "
            "are free: `rmqlab down --all` ends clusters that have them"
        )

    def of(self, host: str, port: int) -> int:
        """Return this machine's port for a host's; neighbours stay neighbours.

        So two nodes of a host that would be in each other's way are so here, too.

        Raises:
            ClusterError: more are asked for than there are.
        """
        for (other_host, other), here in self._given.items():
            if other_host == host and abs(port - other) <= NEAR:
                return here + port - other
        here = self.first + SLOT * (len(self._given) + 1) + SLOT // 2
        if here >= self.first + SIZE:
            raise ClusterError(
                f"{len(self._given)} nodes are all that {SIZE} ports are enough for: "
                "--runtime docker has room for more"
            )
        self._given[host, port] = here
        return here

    def close(self) -> None:
        """Let others have it."""
        self._claim.close()


def _is_free(port: int) -> bool:
    """Whether nobody listens there; what is left of old connections is in no way."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
