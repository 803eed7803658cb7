"""What can be done to a cluster's hosts, from Python: the simulation's own verbs.

cluster.cut("host1")                      nothing gets through, both ways
cluster.cut("host1", inward=False)        … but to it
cluster.heal("host1")
cluster.slow_link("host1", 200)           ms more, one way; 0: no more
cluster.slow_disk("broker-a", 300)        ms that every flush takes
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from rmqlab.classroom.faults import CUT_OFF
from rmqlab.classroom.runtime import Status


class HostState(NamedTuple):
    """A host: has it power, and is it cut off, in one direction at least?"""

    name: str
    is_up: bool
    is_cut: bool


class HostVerbs:
    """To stand among the bases of a cluster's handle."""

    def ask(self, do: str, node: str | None = None, **more: Any) -> Any:
        """Ask the cluster's owner; see `Cluster.ask`."""
        raise NotImplementedError

    def cut(self, host: str, *, inward: bool = True, outward: bool = True) -> None:
        """Let nothing through between a host and the others, both ways or one.

        Clients are others, too.  What is cut already stays so.

        Raises:
            ClusterError: there is no such host, or it cannot be had here.
        """
        self.ask("cut", host, inward=inward, outward=outward)

    def heal(self, host: str) -> None:
        """Let everything through again; what waited arrives, in order."""
        self.ask("heal", host)

    def slow_link(self, host: str, latency_ms: float) -> None:
        """Let everything from and to a host, or a node, take longer, one way.

        A node's is over when it is restarted; 0 ms: as before.
        """
        self.ask("slow", host, ms=latency_ms)

    def slow_disk(self, host: str, flush_ms: float) -> None:
        """Let every flush of a host's disk, or of a node's, take so long.

        A node's is over when it is restarted; 0 ms: as before.
        """
        self.ask("slow", host, ms=flush_ms, disk=True)


def hosts_of(status: Status) -> list[HostState]:
    """Return the hosts of real nodes: none is without power."""
    names = dict.fromkeys(node.host for node in status.nodes)
    return [
        HostState(name, True, CUT_OFF in status.faults.get(name, "")) for name in names
    ]


class AsyncHostVerbs:
    """The same, to be awaited."""

    cluster: HostVerbs

    async def cut(
        self, host: str, *, inward: bool = True, outward: bool = True
    ) -> None:
        """See `HostVerbs.cut`."""
        ways = {"inward": inward, "outward": outward}
        await asyncio.to_thread(self.cluster.cut, host, **ways)

    async def heal(self, host: str) -> None:
        """See `HostVerbs.heal`."""
        await asyncio.to_thread(self.cluster.heal, host)

    async def slow_link(self, host: str, latency_ms: float) -> None:
        """See `HostVerbs.slow_link`."""
        await asyncio.to_thread(self.cluster.slow_link, host, latency_ms)

    async def slow_disk(self, host: str, flush_ms: float) -> None:
        """See `HostVerbs.slow_disk`."""
        await asyncio.to_thread(self.cluster.slow_disk, host, flush_ms)
