"""The runtime rocketmq: our topologies run by the real Apache RocketMQ 4.9.7.

A test that needs it leaves all nodes usable: JVMs are dear, so all share one cluster.
"""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.release import HOME_VARIABLE
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.sent import SendStatus
from rmqlab.protocol.message import Message
from rmqlab.settings import ClientConfig
from rmqlab.testing import wait_for
from tests.cluster.conftest import are_gone
from tests.interop.jars import home

PATIENCE_S = 90.0
SETTINGS = {
    "brokerFastFailureEnable": "false",  # however busy this machine's processors are
    "osPageCacheBusyTimeOutMills": "60000",
    "slaveTimeout": "60000",
}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Run masters and slaves of the real RocketMQ; they end with the last test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv(HOME_VARIABLE, home("4.9.7"))
        wanted = {"runtime": "rocketmq", "name": "real", "settings": SETTINGS}
        with Cluster.up("2m-2s-sync", **wanted) as cluster:
            wait_for(lambda: cluster.status().is_usable, PATIENCE_S)
            pids = [node.pid for node in cluster.status().nodes]
            yield cluster
        assert are_gone(pids)


def send(cluster, broker, body):
    """Send to the topic that each broker has from its start under its own name."""
    patient = ClientConfig(send_msg_timeout=60_000, retry_times_when_send_failed=0)
    with BlockingProducer("writers", cluster.name_servers, patient) as producer:
        return producer.send(Message(broker, body))


def bodies(node):
    return [message.body for message in StoreFiles.of(node).messages()]


def test_a_usable_pair_has_each_message_twice(real):
    for broker in ("broker-a", "broker-b"):
        body = f"to {broker}".encode()
        assert send(real, broker, body).status is SendStatus.SEND_OK
        slave = f"{broker}-s"
        assert bodies(real.node(broker)) == bodies(real.node(slave)) == [body]
        states = real.status()
        assert states.node(broker).log_end == states.node(slave).log_end > 0
        assert states.node(slave).behind == 0


def test_a_killed_master_comes_back_with_what_it_had(real):
    send(real, "broker-a", b"kept")
    assert real.kill("broker-a").state == "killed"
    assert real.node("broker-a").pid is None
    assert real.restart("broker-a").state == "usable"
    assert b"kept" in bodies(real.node("broker-a"))
    assert send(real, "broker-a", b"and more").status is SendStatus.SEND_OK


def test_a_slave_that_was_stopped_gets_again_what_its_master_stores(real):
    assert real.stop("broker-b-s").state == "stopped"
    assert not (StoreFiles.of(real.node("broker-b-s")).root / "abort").exists()
    assert real.restart("broker-b-s").state == "usable"
    assert send(real, "broker-b", b"again").status is SendStatus.SEND_OK
    assert b"again" in bodies(real.node("broker-b-s"))


def test_a_paused_node_keeps_its_process_and_goes_on(real):
    pid = real.node("namesrv2").pid
    assert real.pause("namesrv2").state == "paused"
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert real.resume("namesrv2").state == "usable"
    assert real.node("namesrv2").pid == pid


def test_a_node_that_ends_by_itself_is_failed(real):
    os.kill(real.node("namesrv1").pid, signal.SIGKILL)
    wait_for(lambda: real.node("namesrv1").state == "failed", PATIENCE_S)
    assert "exit code -9" in real.node("namesrv1").why
    assert real.restart("namesrv1").state == "usable"


@pytest.mark.parametrize(
    "strike",
    [
        lambda cluster: cluster.cut("host1"),
        lambda cluster: cluster.slow_disk("broker-a", 200),
    ],
)
def test_what_cannot_be_had_names_the_runtime_that_has_it(real, strike):
    with pytest.raises(ClusterError, match="take --runtime local"):
        strike(real)
    assert real.status().faults == {}
