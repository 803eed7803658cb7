"""The failover drill on processes comes to what it does in the simulation."""

from __future__ import annotations

import asyncio

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.flow import QUEUES
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.simulated.drills import drill
from rmqlab.classroom.traffic import Traffic
from tests.support import until

MODE = "2m-2s-sync"
SOON_S = 3.0
"""Shorter than a producer waits for one answer."""


def test_a_killed_master_of_a_pair_loses_nothing_and_is_hardly_missed(home):
    simulated, real = drill(MODE, "kill", 0), played_on_processes()
    assert (simulated.lost, simulated.failed) == (0, 0)
    assert simulated.unavailable_s < SOON_S
    assert real == (0, 0, True)


def played_on_processes():
    """Return how many were lost and failed, and whether it was for a short time."""
    acknowledged = []

    def record(kind, **facts):
        if kind == "told" and "broker" in facts:
            acknowledged.append((facts["broker"], facts["queue"]))

    with (
        Cluster.up(MODE, settings={"flushDiskType": "ASYNC_FLUSH"}) as cluster,
        Traffic(
            cluster.name_servers, "orders", per_second=40, record=record
        ) as traffic,
    ):
        queues = {
            (broker, n) for broker in ("broker-a", "broker-b") for n in range(QUEUES)
        }

        def wait_for_all(wanted):
            before = len(acknowledged)
            asyncio.run(until(lambda: set(acknowledged[before:]) >= wanted))

        wait_for_all(queues)
        cluster.kill("broker-a")
        wait_for_all({one for one in queues if one[0] == "broker-b"})
        cluster.restart("broker-a")
        wait_for_all(queues)
        report = traffic.stop(drain_s=60)
        brokers = [node for node in cluster.status().nodes if node.broker_name]
        logs = (StoreFiles.of(node).messages() for node in brokers)
        stored = {one.keys for log in logs for one in log}
    failed = len(report.sent) - len(report.acknowledged)
    lost = len(report.acknowledged - stored)
    return lost, failed, report.longest_pause_s < SOON_S
