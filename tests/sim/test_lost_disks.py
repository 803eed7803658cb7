"""A master whose disk is gone, in both modes of a pair: what SYNC_MASTER is for."""

from __future__ import annotations

from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.play import run
from rmqlab.classroom.simulated.scenario import Hold, Scenario
from rmqlab.classroom.simulated.traffic import SimTraffic

KEPT = Hold("every promise is kept", "broken")


def lose_a_masters_disk(cluster: SimCluster) -> None:
    """Cut a host off, and while it is have the other one's disk break."""
    first, second = cluster.crew.machines
    with SimTraffic(cluster, "orders", per_second=10) as traffic:
        traffic.run_for(30)
        cluster.cut(second)
        traffic.run_for(5)
        cluster.crash(first)
        cluster.crew.machine(first).disk.wipe()
        cluster.boot(first)
        cluster.heal(second)
        traffic.run_for(60)
        traffic.stop()


def verdict_of(topology: str):
    settings = {"flushDiskType": "SYNC_FLUSH"}
    scenario = Scenario("lost disk", topology=topology, settings=settings)
    scenario.act, scenario.holds, scenario.wait_s = lose_a_masters_disk, [KEPT], 0.0
    verdict = run(scenario, seed=3).verdict
    assert verdict is not None
    return verdict


def test_an_asynchronous_pair_loses_with_a_disk_what_the_slave_had_not():
    verdict = verdict_of("2m-2s-async")
    assert verdict.broken == []
    assert verdict.count("lost") > 0


def test_a_synchronous_pair_loses_nothing_acknowledged_with_a_disk():
    verdict = verdict_of("2m-2s-sync")
    assert verdict.broken == []
    assert verdict.acknowledged > 300
    assert verdict.count("lost") == 0
