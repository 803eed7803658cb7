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
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from rmqlab.classroom import topology
from rmqlab.classroom.runtime import NodeState, Status
from rmqlab.classroom.simulated.crew import Crew
from rmqlab.classroom.simulated.node import STOP_S, SimNode
from rmqlab.classroom.topology import Topology
from rmqlab.classroom.trace import Event, header
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.classroom.trace.steps import Steps
from rmqlab.classroom.trace.tap import Tap
from rmqlab.client.place import Place
from rmqlab.sim.machine import LIMIT_S, Process, Simulation
from rmqlab.sim.timeline import Stuck

T = TypeVar("T")

START_S = 20.0
"""Of virtual time, for a node to become usable before we go on without it."""


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
    """Machines, nodes and time; any thread may use it, one at a time does."""

    runtime = "sim"

    def __init__(self, chosen: Topology, name: str, seed: int) -> None:
        self.name, self.topology = name, str(chosen.folder)
        self.simulation = Simulation(seed)
        self.crew = Crew(chosen, self.simulation)
        self.name_servers = self.crew.name_servers
        """host:port;host:port."""
        self.startup_s: float | None = None
        """Of virtual time."""
        self._lock = threading.RLock()
        self._tap = Tap(self.crew.listed())
        self.simulation.timeline.observers.append(self._tap)
        self._steps = Steps(self._tap, lambda: self.now_s)
        self._recorders: list[Recorder] = []
        self._pids = count(1)
        self.driver = self.new_client("lab")

    @classmethod
    def up(
        cls,
        wanted: str | Path,
        *,
        name: str | None = None,
        settings: dict[str, str] | None = None,
        seed: int = 0,
        record: Recorder | str | Path | None = None,
        scenario: str | None = None,
    ) -> Self:
        """Start a cluster and return when its nodes are usable, or known not to be.

        `record` is where a trace goes from the very beginning, see `record`.

        Raises:
            ConfigError: there is no such topology.
        """
        chosen = topology.load(wanted).with_settings(settings or {})
        cluster = cls(chosen, name or chosen.name, seed)
        if record is not None:
            cluster.record(record, scenario)
        cluster.start()
        return cluster

    def start(self) -> None:
        """Start all nodes; return when they are usable, or known not to be."""
        nodes = list(self.crew.nodes.values())
        for order in (0, 1, 2):
            self._start(one for one in nodes if one.node.start_order == order)
        self.startup_s = self.now_s

    def _start(self, nodes: Iterable[SimNode]) -> None:
        """Start nodes; let time pass until each is usable or has failed, in a bound."""
        started = list(nodes)
        for node in started:
            self.crew.begin(node)
        with contextlib.suppress(Stuck):
            self.run_until(lambda: all(one.has_settled for one in started), START_S)

    def status(self) -> Status:
        """Return every node's state now, and what happened so far."""
        with self._lock:
            return Status(
                self.name,
                self.runtime,
                self.topology,
                self.name_servers,
                self.crew.states(),
                list(self.crew.events),
            )

    def node(self, name: str) -> NodeState:
        """Return one node's state."""
        return self.status().node(name)

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

    def step(self, *kinds: str) -> Event:
        """Let time pass until the next thing has happened, and return it.

        `kinds` are those of a trace that count, such as ``"told"``; with none it is
        everything but the steady murmur of polls, heartbeats and registrations.

        Raises:
            Stuck: nothing of the kind happens within an hour.
        """
        with self._lock:
            return self._steps.next(self.run_until, kinds)

    def record(
        self, to: Recorder | str | Path | None = None, scenario: str | None = None
    ) -> Recorder:
        """Record what happens from now on, until the recorder is closed.

        In memory, and if a path is given all of it in that file.  `scenario` is the
        text that with the cluster's seed repeats all of it, from the beginning on.
        """
        with self._lock:
            recorder = to if isinstance(to, Recorder) else Recorder(to)
            listed, seed = self.crew.listed(), self.simulation.timeline.seed
            first = header("sim", self.crew.topology, listed, seed, scenario)
            recorder.begin(first, lambda: self._tap.remove(recorder))
            self._recorders.append(recorder)
            self._tap.add(recorder)
            return recorder

    def complete(
        self, work: Coroutine[Any, Any, T], process: Process | None = None
    ) -> T:
        """Let time pass until a client process has done something."""
        with self._lock:
            return self.simulation.complete(process or self.driver.process, work)

    def new_client(self, name: str) -> SimDriver:
        """Return a process for clients, on the clients' machine."""
        process = self.crew.clients.process(name)
        who = name, next(self._pids), count()
        place = Place(process.clock, process.random, *who, UTC, process.disk)
        return SimDriver(self, process, place)

    # ── nodes ─────────────────────────────────────────────────────────────────

    def kill(self, node: str) -> NodeState:
        """End a node at once, without a goodbye."""
        return self._do(node, SimNode.kill)

    def pause(self, node: str) -> NodeState:
        """Stop a node in its tracks; its connections stay open."""
        return self._do(node, SimNode.pause)

    def resume(self, node: str) -> NodeState:
        """Let a paused node go on."""
        return self._do(node, SimNode.resume)

    def begin_to_stop(self, node: str) -> NodeState:
        """Ask a node to end in good order; it does while time passes."""
        return self._do(node, SimNode.begin_to_stop)

    def begin_to_start(self, node: str) -> NodeState:
        """Start a node that does not run; it becomes usable while time passes."""
        return self._do(node, self.crew.begin)

    def configure(self, node: str, text: str) -> NodeState:
        """Give a node another `.properties` file; `restart` makes it read that."""
        return self._do(node, lambda one: one.replace(text))

    def _do(self, name: str, verb: Callable[[SimNode], None]) -> NodeState:
        with self._lock:
            verb(self.crew.node(name))
            return self.node(name)

    def stop(self, node: str) -> NodeState:
        """Ask a node to end in good order, and let time pass until it has."""
        with self._lock:
            self.begin_to_stop(node)
            found = self.crew.node(node)
            self.run_until(lambda: not found.is_alive, STOP_S + 1)
            return self.node(node)

    def restart(self, node: str) -> NodeState:
        """Start a node, stopping it first if it runs; let time pass until usable."""
        with self._lock:
            found = self.crew.node(node)
            if found.is_alive:
                self.stop(node)
            self._start([found])
            return self.node(node)

    # ── hosts ─────────────────────────────────────────────────────────────────

    def crash(self, host: str) -> None:
        """Have a host lose power: what was not flushed is gone, nobody is told."""
        with self._lock:
            self.crew.crash(host)

    def begin_to_boot(self, host: str) -> None:
        """Give a host power again and start its nodes; time must pass."""
        with self._lock:
            self.crew.machine(host).boot()
            for node in self.crew.on(host):
                self.crew.begin(node)

    def boot(self, host: str) -> None:
        """Give a host power again; let time pass until its nodes are usable."""
        with self._lock:
            self.crew.machine(host).boot()
            self._start(self.crew.on(host))

    def cut(self, host: str, *, inward: bool = True, outward: bool = True) -> None:
        """Let nothing through between a host and the others, both ways or one."""
        with self._lock:
            self.crew.machine(host).cut(inward=inward, outward=outward)

    def heal(self, host: str) -> None:
        """Let everything through again."""
        with self._lock:
            self.crew.machine(host).heal()

    def slow_link(self, host: str, latency_ms: float, jitter_ms: float = 0.0) -> None:
        """Let everything from and to a host take so long, one way."""
        with self._lock:
            self.crew.machine(host).slow_links(latency_ms / 1000, jitter_ms / 1000)

    def slow_disk(self, host: str, flush_ms: float) -> None:
        """Let every flush of a host's disk take so long."""
        with self._lock:
            self.crew.machine(host).slow_disk(flush_ms / 1000)

    # ── end ───────────────────────────────────────────────────────────────────

    def down(self) -> None:
        """End everything at once."""
        with self._lock:
            self.simulation.close()
            for recorder in self._recorders:
                recorder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.down()
