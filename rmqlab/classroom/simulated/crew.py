"""The machines of a topology in one simulation, and the nodes on them.

Nothing here lets time pass: what is begun comes about when someone else does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from rmqlab.classroom.runtime import ClusterError, Event, NodeState, State, compare
from rmqlab.classroom.simulated.node import SimNode
from rmqlab.classroom.topology import Topology
from rmqlab.classroom.trace.nodes import listed
from rmqlab.sim.machine import Machine, Simulation

CLIENT_HOST = "client"
MAX_EVENTS = 1000


class Crew:
    """All machines and nodes of one cluster."""

    def __init__(self, chosen: Topology, simulation: Simulation) -> None:
        self.simulation, self.topology = simulation, chosen.name
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.machines = {
            host.name: simulation.machine(host.name, host.address, chosen.names)
            for host in chosen.hosts
        }
        self.clients = simulation.machine(
            CLIENT_HOST, chosen.free_address, chosen.names
        )
        self.nodes = {
            node.name: SimNode(node, self.machines[node.host.name], self._changed)
            for node in chosen.nodes
        }

    def _changed(self, name: str, state: State, why: str) -> None:
        timeline = self.simulation.timeline
        at_ms = timeline.epoch_ms + int(timeline.now_s * 1000)
        self.events.append(Event(at_ms, name, f"{state} {why}".strip()))
        timeline.tell("node", node=name, state=state, why=why)

    def node(self, name: str) -> SimNode:
        """Return a node.

        Raises:
            ClusterError: there is none of this name.
        """
        if name not in self.nodes:
            known = ", ".join(self.nodes)
            raise ClusterError(f"no node {name!r} in this cluster: it has {known}")
        return self.nodes[name]

    def machine(self, host: str) -> Machine:
        """Return a host's machine, or that of the clients.

        Raises:
            ClusterError: there is none of this name.
        """
        machines = {**self.machines, CLIENT_HOST: self.clients}
        if host not in machines:
            known = ", ".join(machines)
            raise ClusterError(f"no host {host!r} in this cluster: it has {known}")
        return machines[host]

    def on(self, host: str) -> Iterator[SimNode]:
        """Yield the nodes of a host."""
        return (node for node in self.nodes.values() if node.node.host.name == host)

    def begin(self, node: SimNode) -> None:
        """Begin to start a node.

        Raises:
            ClusterError: it runs, or its machine is down.
        """
        node.start(has_slave=self._has_running_slave(node))

    def _has_running_slave(self, node: SimNode) -> bool:
        return not (node.node.is_namesrv or node.is_slave) and any(
            other.is_alive
            and other.is_slave
            and other.node.broker.broker_name == node.node.broker.broker_name
            for other in self.nodes.values()
        )

    def crash(self, host: str) -> None:
        """Have a machine lose power."""
        self.machine(host).crash()
        for node in self.on(host):
            node.crashed()

    @property
    def name_servers(self) -> str:
        """The name servers, as host:port;host:port."""
        nodes = self.nodes.values()
        return ";".join(one.address for one in nodes if one.node.is_namesrv)

    def listed(self) -> list[dict[str, str]]:
        """Return the nodes as a trace's first event lists them."""
        return [listed(one.node, one.address) for one in self.nodes.values()]

    def states(self) -> list[NodeState]:
        """Return every node's state now."""
        states = [node.known() for node in self.nodes.values()]
        compare(one for one in states if one.broker_name)
        return states
