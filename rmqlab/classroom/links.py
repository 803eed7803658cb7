"""Which faults are between a local node and whoever it talks to.

             host1 ──────────────► host2         a client
    a cut    both of them hold it up             the node does, both ways
    slow     who receives takes it later         the node does, both ways

Whoever is at an address that is no host's is a stranger, a client for example, and does
nothing itself.  Within a host nothing is cut or slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rmqlab.classroom.faults import Faults

OWNER = "127.0.0.2"
"""The owner of a local cluster asks its nodes from here, past all faults."""


class Way(NamedTuple):
    """One direction of a connection: is it cut, and how long does it take?"""

    is_cut: bool
    delay_s: float


CLEAR = Way(False, 0.0)


@dataclass(frozen=True)
class Place:
    """Where a node is among the hosts."""

    node: str
    host: str
    address: str
    hosts: dict[str, str]
    """The hosts' names by address."""

    def inward(self, faults: Faults, peer: str) -> Way:
        """Return how what an address sends gets to the node."""
        own, node = faults.of(self.host), faults.of(self.node)
        other = faults.of(self.hosts.get(peer, ""))
        if self._is_near(peer):
            return CLEAR
        slow_ms = max(own.links_ms, other.links_ms) + node.links_ms
        return Way(own.inward or other.outward, slow_ms / 1000)

    def outward(self, faults: Faults, peer: str) -> Way:
        """Return how what the node sends gets away.

        How long it takes to another host is for that one's nodes to see to.
        """
        own, node = faults.of(self.host), faults.of(self.node)
        other = faults.of(self.hosts.get(peer, ""))
        if self._is_near(peer):
            return CLEAR
        slow_ms = node.links_ms + (0.0 if peer in self.hosts else own.links_ms)
        return Way(own.outward or other.inward, slow_ms / 1000)

    def flush_s(self, faults: Faults) -> float:
        """Return how long a flush takes at least."""
        own, node = faults.of(self.host), faults.of(self.node)
        return max(own.flush_ms, node.flush_ms) / 1000

    def _is_near(self, peer: str) -> bool:
        """Whether what goes to an address crosses no link: the same host, the owner."""
        return self.hosts.get(peer) == self.host or peer == OWNER
