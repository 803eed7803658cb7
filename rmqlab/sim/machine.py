"""Machines and the processes on them: what can be started, and how it can end.

process  killed    its memory is gone; page cache, files and the machine stay
paused    it does nothing, its connections stay open
machine  crashed   every process is gone, and of the disk what was not flushed
cut off   it runs, and nothing gets through
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Self, TypeVar

from rmqlab.sim.disk import MachineDisk, ProcessDisk
from rmqlab.sim.loop import SimLoop, outer_loop_aside
from rmqlab.sim.network import Host, LetsIn, Network
from rmqlab.sim.task import SimTask
from rmqlab.sim.timeline import Stuck, Timeline

T = TypeVar("T")
LIMIT_S = 3600.0
"""Of virtual time, for what is expected to end by itself."""


HOUR_MS = 3_600_000
ROUNDING_MS = 1e-6
"""So that 0.3 s are 300 ms and not 299.99…"""


class ProcessClock:
    """The wall clock as a process sees it; a machine's may be wrong."""

    def __init__(self, timeline: Timeline, machine: Machine) -> None:
        self._timeline, self._machine = timeline, machine

    def now_ms(self) -> int:
        """Return milliseconds since 1970, as this machine has them."""
        elapsed_ms = int(self._timeline.now_s * 1000 + ROUNDING_MS)
        return self._timeline.epoch_ms + elapsed_ms + self._machine.skew_ms

    def hour(self) -> int:
        """Return the hour of the day; simulated machines stand at UTC."""
        return self.now_ms() // HOUR_MS % 24

    def day(self) -> int:
        """Return the days since 1970."""
        return self.now_ms() // (24 * HOUR_MS)


class Process:
    """A program on a machine, from its start to its end."""

    def __init__(self, machine: Machine, name: str, number: int) -> None:
        timeline = machine.simulation.timeline
        self.machine, self.name = machine, name
        self.loop = SimLoop(timeline, machine.host, name)
        self.disk: ProcessDisk = machine.disk.mount()
        self.clock = ProcessClock(timeline, machine)
        self.random: Random = timeline.random(f"process/{name}/{number}")
        self._timeline = timeline

    def start(self, work: Coroutine[Any, Any, T], name: str = "main") -> SimTask:
        """Have the process do something; return the task.

        Raises:
            RuntimeError: it has ended.
        """
        if not self.is_alive:
            work.close()
            raise RuntimeError(f"{self.name} has ended: start another process")
        return self.loop.create_task(work, name=name)

    @property
    def is_alive(self) -> bool:
        """Whether it was not killed."""
        return not self.loop.is_dead

    @property
    def is_paused(self) -> bool:
        """Whether it is stopped in its tracks."""
        return self.loop.is_paused

    def pause(self) -> None:
        """SIGSTOP."""
        if self.is_alive:
            self._timeline.tell("fault", node=self.name, what="pause")
            self.loop.pause()

    def resume(self) -> None:
        """SIGCONT."""
        if self.is_alive:
            self._timeline.tell("fault", node=self.name, what="resume")
            self.loop.resume()

    def kill(self) -> None:
        """SIGKILL."""
        if self.is_alive:
            self._timeline.tell("fault", node=self.name, what="kill")
            self.end()

    def end(self) -> None:
        """Be gone, as the kernel sees to it at every exit."""
        if self.is_alive:
            self.disk.abandon()
            self.machine.host.process_died(self.loop)
            self.loop.kill()
            del self.machine.processes[self]


class Machine:
    """A host with a disk and a clock, on which processes run."""

    def __init__(self, simulation: Simulation, name: str, host: Host) -> None:
        self.simulation, self.name, self.host = simulation, name, host
        self.disk = MachineDisk(simulation.timeline, name)
        self.skew_ms = 0
        """How far its clock is ahead."""
        self.processes: dict[Process, None] = {}
        self._numbers = itertools.count()

    def process(self, name: str) -> Process:
        """Return a new process; it does nothing before it is told to.

        Raises:
            RuntimeError: the machine is down.
        """
        if not self.host.is_up:
            raise RuntimeError(f"{self.name} is down: boot it first")
        process = Process(self, name, next(self._numbers))
        self.processes[process] = None
        return process

    def crash(self) -> None:
        """Lose power: processes, connections and what was not flushed are gone."""
        if not self.host.is_up:
            return
        self.simulation.timeline.tell("fault", host=self.name, what="crash")
        self.host.power_off()
        self.disk.crash()
        for process in list(self.processes):
            process.end()

    def boot(self) -> None:
        """Have power again."""
        if self.host.is_up:
            return
        self.simulation.timeline.tell("fault", host=self.name, what="boot")
        self.host.power_on()

    def cut(self, *, inward: bool = True, outward: bool = True) -> None:
        """Let nothing through between this machine and others, both ways or one."""
        network, address = self.simulation.network, self.host.address
        ways = {"inward": inward, "outward": outward}
        for link in network.links_to(address) if inward else []:
            link.cut(self.name)
        for link in network.links_from(address) if outward else []:
            link.cut(self.name)
        self.simulation.timeline.tell("fault", host=self.name, what="cut", **ways)

    def guard(self, lets_in: LetsIn) -> None:
        """Put up a firewall: it is asked with an address and a port of this machine.

        Whoever is not let in waits for an answer in vain.  Connections that stand go
        on, and so do those within the machine.
        """
        self.host.guard(lets_in)
        self.simulation.timeline.tell("fault", host=self.name, what="firewall")

    def slow_links(self, latency_s: float, jitter_s: float = 0.0) -> None:
        """Let everything from and to other machines take so long, one way."""
        network, address = self.simulation.network, self.host.address
        for link in (*network.links_from(address), *network.links_to(address)):
            link.latency_s, link.jitter_s = latency_s, jitter_s
        what = f"links take {latency_s * 1000:g} ms"
        self.simulation.timeline.tell("fault", host=self.name, what=what)

    def slow_disk(self, flush_s: float) -> None:
        """Let every flush take so long."""
        self.disk.flush_s = flush_s
        what = f"a flush takes {flush_s * 1000:g} ms"
        self.simulation.timeline.tell("fault", host=self.name, what=what)

    def heal(self) -> None:
        """Let everything through again, but for what another machine has cut."""
        network, address = self.simulation.network, self.host.address
        for link in (*network.links_to(address), *network.links_from(address)):
            link.heal(self.name)
        self.simulation.timeline.tell("fault", host=self.name, what="heal")


class Simulation:
    """Time, a network and machines: everything that one seed decides."""

    def __init__(self, seed: int = 0) -> None:
        self.timeline = Timeline(seed)
        self.timeline.explain = self._explain
        self.network = Network(self.timeline)
        self.machines: dict[str, Machine] = {}

    @property
    def now_s(self) -> float:
        """Virtual seconds since the beginning."""
        return self.timeline.now_s

    def machine(
        self, name: str, address: str, names: dict[str, str] | None = None
    ) -> Machine:
        """Add a machine; `names` is its hosts file."""
        host = self.network.host(address, names or {})
        self.machines[name] = Machine(self, name, host)
        return self.machines[name]

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        with outer_loop_aside():
            self.timeline.run(seconds)

    def step(self) -> bool:
        """Let the next thing happen; return False where nothing is left."""
        with outer_loop_aside():
            return self.timeline.step()

    def run_until(
        self, is_so: Callable[[], object], within_s: float = LIMIT_S, what: str = ""
    ) -> None:
        """Let time pass until a condition holds; it is looked at after every event.

        Raises:
            Stuck: it does not within so many virtual seconds, or nothing is left to
                happen; the text says who waits for what.
        """
        with outer_loop_aside():
            self.timeline.run_until(is_so, within_s, what)

    def complete(
        self,
        process: Process,
        work: Coroutine[Any, Any, T],
        within_s: float = LIMIT_S,
    ) -> T:
        """Let time pass until a process has done something; return the result.

        Raises:
            Stuck: it does not come to an end, and the text says what it waits for; or
                the process ended first.
        """
        name = getattr(work, "__qualname__", "work")
        task = process.start(work, name)
        aim = f"{process.name} did {name}"
        try:
            self.run_until(lambda: task.done() or not process.is_alive, within_s, aim)
        except BaseException:
            task.cancel()
            raise
        if not task.done():
            raise Stuck(f"{process.name} ended before it did {name}")
        found: T = task.result()
        return found

    def _explain(self) -> str:
        lines = [
            line
            for machine in self.machines.values()
            for process in machine.processes
            for line in process.loop.explain()
        ]
        return "\n  ".join(["Waiting:", *lines]) if lines else "Nobody waits."

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        with outer_loop_aside():
            for machine in self.machines.values():
                for process in list(machine.processes):
                    process.end()
