"""The failover drill, of each mode and each fault: what is lost, doubled, unavailable.

    traffic ──► the fault ── a minute ──► who is called out mends it ──► a minute ──►
        traffic ends, consumers catch up ──► what lies in which log?

A drill is a run of the simulation: mode, fault and seed decide all of it, the moment
of the fault and what a crash leaves on the disk among it.

Not here: several seeds side by side (`drill_table`); many faults at once, and whether
promises were kept (`campaign`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.node import SimNode
from rmqlab.classroom.simulated.play import messages_in
from rmqlab.classroom.simulated.succession import lose_files, make_master
from rmqlab.classroom.simulated.traffic import SimTraffic

PER_SECOND, CONSUMERS = 10.0, 2
BEFORE_S, AWAY_S, AFTER_S = 20.0, 60.0, 60.0
"""Of traffic before the fault, at least; while it lasts; and after it was mended."""
DRAIN_S = 120.0
LAG_S = 1.0
"""How long a slave has got nothing, where it is to lag."""


class Found(NamedTuple):
    """What one drill came to; messages are counted.

    `lost` ones were acknowledged and lie in no log at the end; `unread` ones lie in
    one, and no consumer was given them; `failed` ones were never acknowledged, though
    the producer tried; `doubled` ones were given to consumers twice or more, and not
    already before the fault.  `unavailable_s` is the longest time in which no send was
    acknowledged.
    """

    seed: int
    sent: int
    lost: int
    unread: int
    failed: int
    doubled: int
    unavailable_s: float


class Ground:
    """Where a fault strikes: a cluster, its first master, and the slave of that."""

    def __init__(self, cluster: SimCluster) -> None:
        self.cluster = cluster
        brokers = [
            one for one in cluster.crew.nodes.values() if not one.node.is_namesrv
        ]
        self.master = next(one for one in brokers if not one.is_slave)
        wanted = self.master.node.broker.broker_name
        slaves = (one for one in brokers if one.is_slave)
        ours = (one for one in slaves if one.node.broker.broker_name == wanted)
        self.slave: SimNode | None = next(ours, None)

    @property
    def host(self) -> str:
        """The name of the master's host."""
        return self.master.machine.name

    def start_master(self) -> None:
        """Start it, with what its disk has."""
        self.cluster.begin_to_start(self.master.name)

    def lose_disk(self) -> None:
        """Kill the master and remove its files."""
        self.cluster.kill(self.master.name)
        lose_files(self.master)

    def replace_master(self) -> None:
        """Promote the slave by hand; where there is none, start the master empty."""
        if self.slave is None:
            self.start_master()
            return
        make_master(self.slave)
        self.cluster.stop(self.slave.name)
        self.cluster.begin_to_start(self.slave.name)

    def lose_disk_behind(self) -> None:
        """Lose the disk and the machine when the slave has got nothing for a while."""
        assert self.slave is not None
        here, there = (one.machine.host.address for one in (self.master, self.slave))
        network = self.cluster.simulation.network
        links = network.link(here, there), network.link(there, here)
        for link in links:
            link.cut()
        self.cluster.run(LAG_S)
        self.lose_disk()
        for link in links:
            link.drop_held()
            link.heal()


Step = Callable[[Ground], object]


@dataclass(frozen=True)
class Fault:
    """What befalls the first master, and what is done about it a minute later."""

    name: str
    text: str
    strike: Step
    mend: Step
    flush: str = "ASYNC_FLUSH"
    """How all brokers of this drill flush."""
    needs_slave: bool = False


def _crash(ground: Ground) -> None:
    ground.cluster.crash(ground.host)


def _boot(ground: Ground) -> None:
    ground.cluster.begin_to_boot(ground.host)


_ALL = (
    Fault(
        "kill",
        "a master is killed",
        lambda ground: ground.cluster.kill(ground.master.name),
        Ground.start_master,
    ),
    Fault("crash", "its machine loses power, ASYNC_FLUSH", _crash, _boot),
    Fault(
        "crash-flushed",
        "its machine loses power, SYNC_FLUSH",
        _crash,
        _boot,
        "SYNC_FLUSH",
    ),
    Fault("disk", "its disk is lost", Ground.lose_disk, Ground.replace_master),
    Fault(
        "disk-lag",
        "its disk is lost, its slave a second behind",
        Ground.lose_disk_behind,
        Ground.replace_master,
        needs_slave=True,
    ),
    Fault(
        "pause",
        "it is paused",
        lambda ground: ground.cluster.pause(ground.master.name),
        lambda ground: ground.cluster.resume(ground.master.name),
    ),
    Fault(
        "cut",
        "its host is cut off",
        lambda ground: ground.cluster.cut(ground.host),
        lambda ground: ground.cluster.heal(ground.host),
    ),
    Fault(
        "slave",
        "its slave is killed",
        lambda ground: ground.slave and ground.cluster.kill(ground.slave.name),
        lambda ground: (
            ground.slave and ground.cluster.begin_to_start(ground.slave.name)
        ),
        needs_slave=True,
    ),
)
FAULTS = {fault.name: fault for fault in _ALL}
FLUSH_OF = {fault.name: fault.flush for fault in _ALL}


def fits(mode: str, fault: str) -> bool:
    """Return whether there is somebody in this mode whom the fault can strike."""
    return mode.startswith("2m-2s") or not FAULTS[fault].needs_slave


def drill(mode: str, fault: str, seed: int = 0) -> Found:
    """Play one drill to its end; some 200 virtual seconds, a real one or two."""
    what = FAULTS[fault]
    settings = {"flushDiskType": what.flush}
    with SimCluster.up(mode, settings=settings, seed=seed) as cluster:
        ground = Ground(cluster)
        traffic = SimTraffic(
            cluster, "orders", per_second=PER_SECOND, consumers=CONSUMERS
        ).begin()
        moment = cluster.simulation.timeline.random("drill").uniform(0.0, 10.0)
        cluster.run(BEFORE_S + moment)
        before = traffic.report.doubled
        what.strike(ground)
        cluster.run(AWAY_S)
        what.mend(ground)
        cluster.run(AFTER_S)
        report = traffic.stop(DRAIN_S)
        stored = {
            str(message[3])
            for node in cluster.crew.nodes.values()
            if node.broker is not None
            for message in messages_in(node)
        }
    return Found(
        seed,
        sent=len(report.sent),
        lost=len(report.acknowledged - stored),
        unread=len(report.missing & stored),
        failed=len(report.sent) - len(report.acknowledged),
        doubled=len(report.doubled - before),
        unavailable_s=round(report.longest_pause_s, 3),
    )
