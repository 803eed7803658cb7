"""What a kill -9 does to real processes, in each of the four cluster modes."""

from __future__ import annotations

import pytest

from rmqlab.classroom.lab import LabCluster, wait_until
from rmqlab.classroom.looking import StoreFiles
from rmqlab.client.sent import SendStatus
from rmqlab.protocol.message import MessageQueue

AT_A = MessageQueue("broker-a", "broker-a", 0)
"""A topic that broker-a and its slave have from their start: none has to be copied."""
ACKNOWLEDGED = 60


@pytest.fixture
def up(monkeypatch, tmp_path):
    """Return a way to start a cluster, which ends with the test."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    running = []

    def start(topology, **settings):
        running.append(LabCluster.up(topology, settings=settings))
        return running[-1]

    yield start
    for cluster in running:
        cluster.down()


def test_a_slave_killed_during_synchronous_sends_comes_back_with_the_same_bytes(up):
    cluster = up("2m-2s-sync", slaveTimeout="1000")
    producer = cluster.producer()

    def send():
        return producer.send("broker-a", "one order", queue=AT_A).status

    assert {send() for _ in range(20)} == {SendStatus.SEND_OK}
    cluster.kill("broker-a-s")
    alone = [send() for _ in range(20)]
    # The first may have been handed to the dying slave; then the master knows.
    assert set(alone[:1]) <= {
        SendStatus.SLAVE_NOT_AVAILABLE,
        SendStatus.FLUSH_SLAVE_TIMEOUT,
    }
    assert set(alone[1:]) == {SendStatus.SLAVE_NOT_AVAILABLE}

    cluster.restart("broker-a-s")
    cluster.wait_in_step("broker-a", "broker-a-s")
    assert {send() for _ in range(20)} == {SendStatus.SEND_OK}
    end = cluster.wait_in_step("broker-a", "broker-a-s")
    master, slave = (
        cluster.store(name).log(end) for name in ("broker-a", "broker-a-s")
    )
    assert len(cluster.messages_on_disk("broker-a")) == 60
    assert master == slave


def test_a_slave_that_hangs_is_waited_for_and_said_to_be_late(up):
    cluster = up("2m-2s-sync", slaveTimeout="200")
    producer = cluster.producer()
    cluster.pause("broker-a-s")
    late = producer.send("broker-a", "late", queue=AT_A)
    cluster.resume("broker-a-s")
    cluster.wait_in_step("broker-a", "broker-a-s")
    assert late.status is SendStatus.FLUSH_SLAVE_TIMEOUT
    assert [one.body for one in cluster.messages_on_disk("broker-a-s")] == [b"late"]


@pytest.mark.parametrize("mode", ["1m", "2m-noslave", "2m-2s-async", "2m-2s-sync"])
def test_nothing_acknowledged_is_lost_when_a_master_is_killed_and_comes_back(up, mode):
    cluster = up(mode)
    with cluster.traffic("orders") as traffic:
        traffic.wait_for(ACKNOWLEDGED)
        cluster.kill("broker-a")
        if mode != "1m":  # the other master goes on
            traffic.wait_for(2 * ACKNOWLEDGED)
        cluster.restart("broker-a")
        traffic.wait_for(3 * ACKNOWLEDGED)
        report = traffic.stop()
    assert len(report.acknowledged) >= 3 * ACKNOWLEDGED
    assert report.missing == set()


@pytest.mark.parametrize("mode", ["2m-2s-async", "2m-2s-sync"])
def test_what_a_dead_master_has_is_read_from_its_slave(up, mode):
    cluster = up(mode)
    producer, received = cluster.producer(), []
    sent = [f"order {i}" for i in range(20)]
    for body in sent:
        producer.send("broker-a", body, queue=AT_A)
    cluster.wait_in_step("broker-a", "broker-a-s")
    cluster.kill("broker-a")
    with cluster.consumer("broker-a", lambda one: received.append(one.body.decode())):
        wait_until(lambda: len(received) == len(sent))
    assert received == sent


def test_what_only_a_dead_master_has_waits_for_its_return(up):
    cluster = up("2m-noslave")
    producer, received = cluster.producer(), []
    producer.send("broker-a", "waits", queue=AT_A)
    cluster.kill("broker-a")
    on_disk = StoreFiles.of(cluster.node("broker-a")).messages()
    assert [one.body for one in on_disk] == [b"waits"]
    with cluster.consumer("broker-a", lambda one: received.append(one.body)):
        assert received == []
        cluster.restart("broker-a")
        wait_until(lambda: received == [b"waits"])
