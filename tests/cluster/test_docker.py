"""The docker runtime and the image alone, on a real Docker daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from rmqlab import health
from rmqlab.classroom import image, registry
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.docker_runtime import DockerRuntime
from rmqlab.classroom.kinds import Ours
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.runtime import ClusterError, NodeState, Plan
from rmqlab.classroom.topology import MODES, SHIPPED, load
from rmqlab.client.blocking import BlockingAdmin, BlockingConsumer, BlockingProducer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.sent import SendStatus
from rmqlab.errors import RmqError
from rmqlab.protocol.admin import UpdateBrokerConfig
from rmqlab.protocol.message import Message
from rmqlab.testing import wait_for
from tests import daemon
from tests.cluster.conftest import shell
from tests.daemon import NAME_SERVERS
from tests.support import free_port, quick_client

ARRIVAL_S = 30.0
LARGEST_BYTES = 150_000_000
SECOND_NS, HEALTH_S = 1_000_000_000, 60.0


def left(client, name):
    """Return what a cluster has in Docker."""
    return daemon.left(client, f"{image.CLUSTER_LABEL}={name}")


def received(topic, name_servers, count):
    """Return the bodies that a new group gets of a topic."""
    bodies, enough = [], threading.Event()

    def listener(message):
        bodies.append(message.body)
        if len(bodies) >= count:
            enough.set()

    with BlockingConsumer(
        "readers", name_servers, listener, quick_client(), ConsumeFrom.FIRST_OFFSET
    ) as consumer:
        consumer.subscribe(topic)
        enough.wait(ARRIVAL_S)
    return sorted(bodies)


def test_a_slave_serves_what_its_killed_master_had_acknowledged(docker):
    with Cluster.up("2m-2s-sync", runtime="docker", name="pair") as cluster:
        assert cluster.name_servers == NAME_SERVERS
        assert [node.state for node in cluster.status().nodes] == ["usable"] * 6
        # A topic that every broker of the name has from its start: of a newer one its
        # slave hears only when it copies the master's tables.
        with BlockingProducer("writers", cluster.name_servers) as producer:
            sent = producer.send(Message("broker-a", b"kept"))
        assert sent.status is SendStatus.SEND_OK

        assert cluster.kill("broker-a").state == "killed"
        assert received("broker-a", cluster.name_servers, 1) == [b"kept"]

        master = cluster.restart("broker-a")
        assert master.state == "usable"
        log = Path(f"{master.folder}{master.commit_log}")
        assert b"kept" in next(log.iterdir()).read_bytes()
        assert master.container in left(docker, "pair")
    assert left(docker, "pair") == []


def test_a_slave_in_a_container_is_made_a_master(docker):
    with Cluster.up("2m-2s-sync", runtime="docker", name="promoting") as cluster:
        with BlockingProducer("writers", cluster.name_servers) as producer:
            producer.send(Message("broker-a", b"before"))
        cluster.kill("broker-a")
        done = cluster.promote("broker-a-s")
        assert (done.lost_messages, done.lost_topics) == (0, [])
        state = cluster.node("broker-a-s")
        assert (state.role, state.state) == ("ASYNC_MASTER", "usable")
        with BlockingProducer("writers", cluster.name_servers) as producer:
            sent = producer.send(Message("broker-a", b"after"))
        assert sent.status is SendStatus.SEND_OK
        stored = [one.body for one in StoreFiles.of(state).messages()]
        assert stored == [b"before", b"after"]


def test_two_brokers_of_a_host_with_one_store_fail_as_the_articles_would(docker):
    with Cluster.up("article", runtime="docker", name="article") as cluster:
        states = {node.name: node for node in cluster.status().nodes}
    for name in ("broker-a", "broker-b", "namesrv1", "namesrv2"):
        assert states[name].state == "usable"
    for name in ("broker-a-s", "broker-b-s"):
        assert states[name].state == "failed"
        assert states[name].why.startswith("Lock failed,MQ already started")


def test_a_paused_broker_can_be_resumed_and_be_stopped(docker):
    with Cluster.up("1m", runtime="docker", name="pausing") as cluster:
        assert cluster.pause("broker-a").state == "paused"
        assert cluster.resume("broker-a").state == "usable"
        cluster.pause("broker-a")
        assert cluster.stop("broker-a").state == "stopped"
        with pytest.raises(ClusterError, match="not running"):
            cluster.kill("broker-a")


@pytest.mark.parametrize("mode", MODES)
def test_every_node_of_a_topology_may_be_killed_and_comes_back(docker, mode):
    with Cluster.up(mode, runtime="docker", name="killed") as cluster:
        nodes = cluster.status().nodes
        masters = [one.name for one in nodes if one.role.endswith("MASTER")]
        first = daemon.send_to(masters, cluster.name_servers)
        assert first == dict.fromkeys(masters, (SendStatus.SEND_OK, 0))
        for node in nodes:
            assert cluster.kill(node.name).state == "killed"
        for node in nodes:
            cluster.restart(node.name)
        wait_for(lambda: cluster.status().is_usable, HEALTH_S)
        # The offset tells that the first message outlived its broker.
        again = daemon.send_to(masters, cluster.name_servers)
        assert again == dict.fromkeys(masters, (SendStatus.SEND_OK, 1))
    assert left(docker, "killed") == []


def hasty(folder):
    """Write the pairs' topology, its name servers losing patience in 12 s, not 120."""
    shutil.copytree(SHIPPED / "2m-2s-sync", folder)
    for file in folder.glob("*/namesrv*.properties"):
        with file.open("a") as more:
            more.write("serverChannelMaxIdleTimeSeconds=12\n")
    return folder


def test_a_host_that_is_cut_off_is_forgotten_and_known_again_after_the_heal(
    docker, tmp_path
):
    often = {"registerNameServerPeriod": "10000"}
    folder = hasty(tmp_path / "hasty")
    with Cluster.up(folder, runtime="docker", name="cut", settings=often) as cluster:
        assert daemon.send_to(["broker-a"]) == {"broker-a": (SendStatus.SEND_OK, 0)}
        _, on_host2 = cluster.name_servers.split(";")

        def is_known():
            return health.MASTER_ID in health.addresses(on_host2, "broker-a")

        def is_safe():
            with contextlib.suppress(RmqError):
                status, _ = daemon.send_to(["broker-a"], on_host2)["broker-a"]
                return status is SendStatus.SEND_OK

        cluster.cut("host1")
        assert cluster.status().faults == {"host1": "cut off"}
        with pytest.raises(RmqError):
            daemon.send_to(["broker-a"], on_host2)
        with pytest.raises(ClusterError, match="both ways: not links take 5 ms"):
            cluster.slow_link("host2", 5)
        wait_for(lambda: not is_known(), HEALTH_S)

        cluster.heal("host1")
        assert cluster.status().faults == {}
        wait_for(is_known, HEALTH_S)
        wait_for(is_safe, HEALTH_S)


def test_a_second_cluster_is_told_who_has_its_addresses(docker):
    with (
        Cluster.up("1m", runtime="docker", name="first"),
        pytest.raises(ClusterError, match=r"192\.168\.157\.0/24.*cluster 'first'"),
    ):
        Cluster.up("1m", runtime="docker", name="second", detached=True)
    assert left(docker, "second") == []


def test_the_shell_looks_into_a_cluster_and_removes_what_a_killed_owner_left(docker):
    up = shell("up", "1m", "--runtime", "docker", "--name", "orphan")
    assert up.returncode == 0, up.stderr
    assert "orphan: network and hosts" in up.stderr
    assert daemon.unconfined(docker, f"{image.CLUSTER_LABEL}=orphan") == []
    assert "registered name_server=" in shell("logs", "broker-a").stdout
    inside = shell("exec", "broker-a", "--", "sh", "-c", "cat /etc/hosts; exit 7")
    assert inside.returncode == 7
    assert "192.168.157.128\trocketmq-master1" in inside.stdout
    assert len(left(docker, "orphan")) == 4

    os.kill(registry.read_state("orphan")["pid"], signal.SIGKILL)
    ended = "orphan: its owner was gone already; ended broker-a, namesrv1\n"
    assert shell("down").stdout == ended
    assert left(docker, "orphan") == []


async def test_a_node_that_dies_by_itself_is_noticed(docker, tmp_path):
    topology = load("1m")
    died = asyncio.Event()

    def changed(state: NodeState, what: str) -> None:
        if state.state == "failed":
            died.set()

    plan = Plan("dying", str(tmp_path / "dying"), "docker", "1m")
    runtime = DockerRuntime(topology, plan, changed, Ours())
    node = topology.nodes[0]
    state = NodeState(node.name, node.host.name, node.role)
    try:
        await runtime.open(lambda what: None)
        await runtime.start(node, state)
        assert state.state == "usable"
        docker.containers.get(state.container).kill()
        await died.wait()
        assert state.why == "exit code 137"
    finally:
        await runtime.close()


def test_a_container_alone_is_healthy_while_it_takes_messages(docker):
    """Of the image's own command only the ports are others."""
    name_server, broker = free_port(), free_port()
    own = docker.images.get(image.NAME).attrs["Config"]["Cmd"]
    ports = {"9876": str(name_server), "10911": str(broker)}
    container = docker.containers.run(
        image.NAME,
        [ports.get(word, word) for word in own],
        ports={port: port for port in ports.values()},
        healthcheck={"interval": SECOND_NS // 2},
        detach=True,
    )

    def is_told(health_status):
        container.reload()
        return container.attrs["State"]["Health"]["Status"] == health_status

    try:
        wait_for(lambda: is_told("healthy"), HEALTH_S)
        name_servers = f"127.0.0.1:{name_server}"
        with BlockingProducer("writers", name_servers) as producer:
            sent = producer.send(Message("orders", b"from outside"))
        assert sent.status is SendStatus.SEND_OK
        with BlockingAdmin(name_servers) as admin:
            read_only = UpdateBrokerConfig(), b"brokerPermission=4"
            admin.call(f"127.0.0.1:{broker}", *read_only)
        wait_for(lambda: is_told("unhealthy"), HEALTH_S)
    finally:
        container.remove(force=True)


def test_the_image_is_small_and_nobody_is_root_in_it(docker):
    made = docker.images.get(image.NAME).attrs
    assert made["Size"] < LARGEST_BYTES
    assert made["Config"]["User"] == "3000:3000"
    look = "from importlib.util import find_spec; print(find_spec('pip'))"
    found = docker.containers.run(image.NAME, ["python", "-c", look], remove=True)
    assert found == b"None\n"
