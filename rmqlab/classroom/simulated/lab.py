"""A simulated cluster with a lab's verbs, and what only a simulation lets one see.

    cluster = SimLab.up("2m-2s-sync", seed=7)
    cluster.producer().send("orders", "one coffee")
    cluster.crash("host1")
    cluster.run(seconds=120)
    print(cluster.log_of("namesrv1"))

Its clients have RocketMQ's own intervals, 20 and 30 seconds: waiting costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

from rmqlab.classroom.host_verbs import HostState
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.promotion import Promoting
from rmqlab.classroom.raw import Reply, say
from rmqlab.classroom.runtime import ClusterError, NodeState, Status
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.logs import NodeLogs
from rmqlab.classroom.simulated.traffic import SimTraffic
from rmqlab.classroom.trace.overheard import Wire
from rmqlab.classroom.verbs import LabVerbs
from rmqlab.client.blocking import Driver
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.pages import PAGE_BYTES

LOG_LINES = 50

Rule = tuple[str, str, int]
"""A host that may connect, to another host, at a port; the clients' is ``client``."""


class SimLab(Promoting, SimCluster, LabVerbs):
    """A cluster of a lab, on simulated machines."""

    wait_s = 300.0

    def __init__(self, *arguments: Any) -> None:
        SimCluster.__init__(self, *arguments)
        LabVerbs.__init__(self)
        self._is_down = False
        self._logs = NodeLogs(self.simulation)
        self._logs.open()

    def status(self) -> Status:
        """Return every node's state now, and what happened so far.

        Raises:
            ClusterError: the cluster was ended.
        """
        if self._is_down:
            raise ClusterError("this simulation was ended")
        return super().status()

    def client_driver(self) -> Driver:
        """Return the process of the lab's clients; see `new_client` for others."""
        return self.driver

    def shelf(self, node: NodeState) -> MachineShelf:
        """Return the files of a node's machine."""
        return MachineShelf(self.crew.machine(node.host).disk)

    def store_of(self, node: NodeState) -> StoreFiles:
        """Return the files of a broker's store."""
        return StoreFiles.of(node, self.shelf(node))

    def text_of(self, node: NodeState) -> str:
        """Return a node's file."""
        return self.crew.node(node.name).node.text or ""

    def traffic(
        self, topic: str, per_second: float = 5.0, **options: Any
    ) -> SimTraffic:
        """Return traffic on `topic`, to be used in a `with` block; see `SimTraffic`."""
        return SimTraffic(self, topic, per_second=per_second, **options)

    def fill_disk(self, host: str, used: float) -> None:
        """Let a host's disk be so full, 0.0 to 1.0, with what is on it now."""
        with self._lock:
            disk = self.crew.machine(host).disk
            disk.capacity_bytes = disk.used_bytes / used

    def fail_disk(self, host: str, verb: str, times: float = math.inf) -> None:
        """Let the next reads, writes, flushes or removals of a host's disk fail.

        `verb` is ``"read"``, ``"write"``, ``"flush"`` or ``"remove"``; 0 times mends
        it.
        """
        with self._lock:
            self.crew.machine(host).disk.fail(verb, times)

    def flip(self, node: str, path: str, offset: int) -> None:
        """Turn one bit over in a byte of a file on a node's disk."""
        with self._lock:
            self.crew.machine(self.node(node).host).disk.flip(path, offset)

    def firewall(self, rules: Iterable[Rule] | None) -> None:
        """Let hosts open connections to each other by these rules only; None: by any.

        Connections that stand go on: start a node or a client anew to see the effect.
        """
        with self._lock:
            ways = None if rules is None else {self._way(rule) for rule in rules}
            for machine in self.crew.machines.values():
                machine.guard(partial(_lets_in, ways, machine.host.address))

    def _way(self, rule: Rule) -> Rule:
        """Return a rule with addresses for names."""
        source, target = (self.crew.machine(one).host.address for one in rule[:2])
        return source, target, rule[2]

    def listen(self) -> Wire:
        """Record what happens from now on, with the bytes of every frame."""
        with self._lock:
            wire = Wire(self._tap)
            self.record(wire)
            return wire

    def say(self, node: str, data: bytes, wait_s: float = 1.0) -> Reply:
        """Send a node bytes, be they what they may, and listen for so long."""
        return self.complete(say(self.node(node).address, data, wait_s))

    def log_of(self, node: str, lines: int = LOG_LINES) -> str:
        """Return what a node logged last, each line with its second.

        Warnings and errors, unless the logger ``rmqlab`` is set to a lower level.

        Raises:
            ClusterError: there is no such node.
        """
        self.crew.node(node)
        return self._logs.of(node, lines)

    def hosts(self) -> list[HostState]:
        """Return the state of every host, but for the clients' own."""
        with self._lock:
            network = self.simulation.network
            found = []
            for name, machine in self.crew.machines.items():
                address = machine.host.address
                ways = network.links_from(address), network.links_to(address)
                is_cut = any(all(link.is_cut for link in way) for way in ways)
                found.append(HostState(name, machine.host.is_up, is_cut))
            return found

    def down(self) -> None:
        """End everything at once."""
        super().down()
        self._is_down = True
        self._logs.close()


def _lets_in(ways: set[Rule] | None, target: str, source: str, port: int) -> bool:
    return ways is None or (source, target, port) in ways


class MachineShelf:
    """The files of a simulated machine, to be looked into."""

    def __init__(self, disk: MachineDisk) -> None:
        self._disk = disk

    def below(self, folder: str) -> list[str]:
        """See `Shelf.below`."""
        return sorted(one for one in self._disk.files if one.startswith(f"{folder}/"))

    def size(self, path: str) -> int:
        """See `Shelf.size`."""
        return int(self._file(path).size)

    def on_disk(self, path: str) -> int:
        """See `Shelf.on_disk`."""
        return len(self._file(path).pages) * PAGE_BYTES

    def read(self, path: str, offset: int, size: int) -> bytes:
        """See `Shelf.read`."""
        found: bytes = self._file(path).read(offset, size)
        return found

    def _file(self, path: str) -> Any:
        file = self._disk.files.get(path)
        if file is None:
            raise ClusterError(f"there is no file {path} on this disk")
        return file
