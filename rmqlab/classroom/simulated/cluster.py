"""A cluster on simulated machines, to be used as one of processes is.

    with SimCluster.up("2m-2s-sync", seed=7) as cluster:
        cluster.kill("broker-a")
        cluster.run(seconds=120)          # done in a millisecond

Time stands still until it is asked to pass: by `run`, `run_until`, `step`, and by what
takes time, such as a client's call, `stop` and `restart`.  Faults strike at once.

Clients run on a machine of their own, as processes that can be killed, too.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from rmqlab.classroom import topology
from rmqlab.classroom.runtime import ClusterError, Event, NodeState, State, Status
from rmqlab.classroom.simulated.node import STOP_S, SimNode
from rmqlab.classroom.topology import Node, Topology
from rmqlab.client.place import Place
from rmqlab.sim.machine import LIMIT_S, Machine, Process, Simulation
from rmqlab.sim.timeline import Stuck

T = TypeVar("T")

CLIENT_HOST = "client"
START_S = 20.0
"""Of virtual time, for a node to become usable before we go on without it."""
MAX_EVENTS = 1000


@dataclass
class SimDriver:
    """Runs clients' work in a process of the simulation; see `blocking.Driver`."""

    cluster: SimCluster
    process: Process
    place: Place | None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let time pass until it is done, and return the result."""
        return self.cluster.complete(work, self.process)


class SimCluster:
    """Machines, nodes and time."""

    runtime = "sim"

    def __init__(self, chosen: Topology, name: str, seed: int) -> None:
        self.name, self.topology = name, str(chosen.folder)
        self.simulation = Simulation(seed)
        self.startup_s: float | None = None
        """Of virtual time."""
        self._lock = threading.RLock()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._machines = {
            host.name: self.simulation.machine(host.name, host.address, chosen.names)
            for host in chosen.hosts
        }
        self._clients = self.simulation.machine(
            CLIENT_HOST, _free_address(chosen), chosen.names
        )
        self._pids = count(1)
        self._nodes = {
            node.name: SimNode(node, self._machines[node.host.name], self._changed)
            for node in chosen.nodes
        }
        self.driver = self.new_client("lab")

    @classmethod
    def up(
        cls,
        wanted: str | Path,
        *,
        name: str | None = None,
        settings: dict[str, str] | None = None,
        seed: int = 0,
    ) -> Self:
        """Start a cluster and return when its nodes are usable, or known not to be.

        Raises:
            ConfigError: there is no such topology.
        """
        chosen = topology.load(wanted)
        if settings:
            chosen = chosen.with_settings(settings)
        cluster = cls(chosen, name or chosen.name, seed)
        for order in (0, 1, 2):
            cluster._start(
                [one for one in chosen.nodes if one.start_order == order],
            )
        cluster.startup_s = cluster.now_s
        return cluster

    def _start(self, nodes: list[Node]) -> None:
        for node in nodes:
            self._begin(node.name)
        settled = ("usable", "failed")
        names = [node.name for node in nodes]
        with contextlib.suppress(Stuck):
            self.run_until(
                lambda: all(self._nodes[name].state in settled for name in names),
                START_S,
            )

    def _begin(self, name: str) -> None:
        node = self._nodes[name]
        node.start(has_slave=self._has_running_slave(node))

    def _has_running_slave(self, node: SimNode) -> bool:
        return not (node.node.is_namesrv or node.is_slave) and any(
            other.is_alive
            and other.is_slave
            and other.node.broker.broker_name == node.node.broker.broker_name
            for other in self._nodes.values()
        )

    def _changed(self, name: str, state: State, why: str) -> None:
        timeline = self.simulation.timeline
        at_ms = timeline.epoch_ms + int(timeline.now_s * 1000)
        self._events.append(Event(at_ms, name, f"{state} {why}".strip()))
        timeline.tell("node", node=name, state=state, why=why)

    # ── what there is ─────────────────────────────────────────────────────────

    @property
    def name_servers(self) -> str:
        """The name servers, as host:port;host:port."""
        nodes = self._nodes.values()
        return ";".join(one.address for one in nodes if one.node.is_namesrv)

    def node_at(self, name: str) -> SimNode:
        """Return a node.

        Raises:
            ClusterError: there is none of this name.
        """
        if name not in self._nodes:
            known = ", ".join(self._nodes)
            raise ClusterError(f"no node {name!r} in this cluster: it has {known}")
        return self._nodes[name]

    def machine(self, host: str) -> Machine:
        """Return a host's machine.

        Raises:
            ClusterError: there is none of this name.
        """
        machines = {**self._machines, CLIENT_HOST: self._clients}
        if host not in machines:
            known = ", ".join(machines)
            raise ClusterError(f"no host {host!r} in this cluster: it has {known}")
        return machines[host]

    def status(self) -> Status:
        """Return every node's state now, and what happened so far."""
        with self._lock:
            nodes = [node.known() for node in self._nodes.values()]
            ends = {
                one.broker_name: one.log_end for one in nodes if one.role != "SLAVE"
            }
            for one in nodes:
                end = ends.get(one.broker_name)
                if one.role == "SLAVE" and end is not None and one.log_end is not None:
                    one.behind = end - one.log_end
            return Status(
                self.name,
                self.runtime,
                self.topology,
                self.name_servers,
                nodes,
                list(self._events),
            )

    def node(self, name: str) -> NodeState:
        """Return one node's state."""
        return self.status().node(self.node_at(name).name)

    # ── time ──────────────────────────────────────────────────────────────────

    @property
    def now_s(self) -> float:
        """Virtual seconds since the beginning."""
        return self.simulation.now_s

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        with self._lock:
            self.simulation.run(seconds)

    def run_until(
        self, is_so: Callable[[], object], within_s: float = LIMIT_S, what: str = ""
    ) -> None:
        """Let time pass until a condition holds.

        Raises:
            Stuck: it does not within so many virtual seconds.
        """
        with self._lock:
            self.simulation.run_until(is_so, within_s, what)

    def complete(
        self, work: Coroutine[Any, Any, T], process: Process | None = None
    ) -> T:
        """Let time pass until a client process has done something."""
        with self._lock:
            return self.simulation.complete(process or self.driver.process, work)

    # ── clients ───────────────────────────────────────────────────────────────

    def new_client(self, name: str) -> SimDriver:
        """Return a process for clients, on the clients' machine."""
        process = self._clients.process(name)
        place = Place(process.clock, process.random, name, next(self._pids), count())
        return SimDriver(self, process, place)

    # ── faults ────────────────────────────────────────────────────────────────

    def kill(self, node: str) -> NodeState:
        """End a node at once, without a goodbye."""
        return self._do(node, SimNode.kill)

    def pause(self, node: str) -> NodeState:
        """Stop a node in its tracks; its connections stay open."""
        return self._do(node, SimNode.pause)

    def resume(self, node: str) -> NodeState:
        """Let a paused node go on."""
        return self._do(node, SimNode.resume)

    def begin_to_stop(self, node: str) -> None:
        """Ask a node to end in good order; it does while time passes."""
        self._do(node, SimNode.begin_to_stop)

    def begin_to_start(self, node: str) -> None:
        """Start a node that does not run; it becomes usable while time passes."""
        with self._lock:
            self._begin(self.node_at(node).name)

    def _do(self, name: str, verb: Callable[[SimNode], None]) -> NodeState:
        with self._lock:
            verb(self.node_at(name))
            return self.node(name)

    def stop(self, node: str) -> NodeState:
        """Ask a node to end in good order, and let time pass until it has."""
        with self._lock:
            self.begin_to_stop(node)
            self.run_until(lambda: not self._nodes[node].is_alive, STOP_S + 1)
            return self.node(node)

    def restart(self, node: str) -> NodeState:
        """Start a node, stopping it first if it runs; let time pass until usable."""
        with self._lock:
            if self.node_at(node).is_alive:
                self.stop(node)
            self._start([self._nodes[node].node])
            return self.node(node)

    def configure(self, node: str, text: str) -> NodeState:
        """Give a node another `.properties` file; `restart` makes it read that."""
        return self._do(node, lambda one: one.replace(text))

    def crash(self, host: str) -> None:
        """Have a host lose power: what was not flushed is gone, nobody is told."""
        with self._lock:
            self.machine(host).crash()
            for node in self._on(host):
                node.crashed()

    def begin_to_boot(self, host: str) -> None:
        """Give a host power again and start its nodes; time must pass."""
        with self._lock:
            self.machine(host).boot()
            for node in self._on(host):
                self._begin(node.name)

    def boot(self, host: str) -> None:
        """Give a host power again; let time pass until its nodes are usable."""
        with self._lock:
            self.machine(host).boot()
            self._start([node.node for node in self._on(host)])

    def _on(self, host: str) -> Iterator[SimNode]:
        return (node for node in self._nodes.values() if node.node.host.name == host)

    def cut(self, host: str, *, inward: bool = True, outward: bool = True) -> None:
        """Let nothing through between a host and the others, both ways or one."""
        with self._lock:
            self.machine(host).cut(inward=inward, outward=outward)

    def heal(self, host: str) -> None:
        """Let everything through again."""
        with self._lock:
            self.machine(host).heal()

    def slow_link(self, host: str, latency_ms: float, jitter_ms: float = 0.0) -> None:
        """Let everything from and to a host take so long, one way."""
        with self._lock:
            address = self.machine(host).host.address
            network = self.simulation.network
            for link in (*network.links_from(address), *network.links_to(address)):
                link.latency_s, link.jitter_s = latency_ms / 1000, jitter_ms / 1000
            what = f"{latency_ms:g} ms a way"
            self.simulation.timeline.tell("fault", host=host, what=f"slow link: {what}")

    def slow_disk(self, host: str, flush_ms: float) -> None:
        """Let every flush of a host's disk take so long."""
        with self._lock:
            self.machine(host).disk.flush_s = flush_ms / 1000
            what = f"slow disk: {flush_ms:g} ms a flush"
            self.simulation.timeline.tell("fault", host=host, what=what)

    def down(self) -> None:
        """End everything at once."""
        with self._lock:
            self.simulation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.down()


def _free_address(chosen: Topology) -> str:
    """Return an address for clients, beside the hosts' own."""
    taken = {host.address for host in chosen.hosts}
    network = chosen.hosts[0].address.rpartition(".")[0]
    return next(
        address
        for address in (f"{network}.{last}" for last in range(1, 255))
        if address not in taken
    )
