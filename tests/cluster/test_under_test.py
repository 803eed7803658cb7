"""A cluster of processes as a fixture gives it to other people's tests."""

from __future__ import annotations

from rmqlab.classroom.under_test import ClusterUnderTest


def test_a_test_writes_breaks_and_reads_a_cluster(home):
    with ClusterUnderTest.up("2m-noslave") as cluster:
        assert cluster.messages("orders") == []
        for _ in range(2):
            cluster.send("broker-a", "coffee")
        cluster.kill("broker-b")
        found = cluster.wait_for(lambda: cluster.messages("broker-a"))
        assert [one.body for one in found] == [b"coffee"] * 2
        cluster.kill("broker-a")
        assert cluster.wait_for(lambda: not cluster.messages("broker-a"))
