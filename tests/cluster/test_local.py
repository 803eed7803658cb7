"""Clusters of processes, from Python: what each verb does, and who ends with whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.blocking import BlockingProducer
from rmqlab.protocol.message import Message
from tests.cluster.conftest import are_gone, shell
from tests.support import until

NODES = [
    "namesrv1",
    "namesrv2",
    "broker-a",
    "broker-b",
    "broker-b-s",
    "broker-a-s",
]
OWNER = """
from rmqlab.classroom.cluster import Cluster
cluster = Cluster.up("1m", name="owned")
cluster.pause("broker-a")
print([node.pid for node in cluster.status().nodes], flush=True)
input()
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Run masters and slaves for those tests that leave them as they were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("home")))
        with Cluster.up("2m-2s-sync", name="pair") as cluster:
            yield cluster


def send(cluster, body, topic="broker-a"):
    """Send to a topic that each broker of that name has from its start."""
    with BlockingProducer("writers", cluster.name_servers) as producer:
        return producer.send(Message(topic, body))


def bodies(node):
    return [message.body for message in StoreFiles.of(node).messages()]


def pids(cluster):
    return [node.pid for node in cluster.status().nodes]


def test_a_cluster_that_is_up_has_all_its_nodes_usable(pair):
    status = pair.status()
    assert [node.name for node in status.nodes] == NODES
    assert {node.state for node in status.nodes} == {"usable"}
    assert status.is_usable
    roles = {node.role for node in status.nodes}
    assert roles == {"NAMESRV", "SYNC_MASTER", "SLAVE"}


def test_each_host_has_an_address_and_the_articles_own_ports(pair):
    hosts = {}
    for node in pair.status().nodes:
        address, _, port = node.address.rpartition(":")
        hosts.setdefault((node.host, address), []).append(int(port))
    assert sorted(hosts.values()) == [[9876, 10911, 11011]] * 2
    assert len({address for _, address in hosts}) == 2


def test_a_killed_node_comes_back_with_what_it_had(pair):
    send(pair, b"kept")
    assert pair.kill("broker-a").state == "killed"
    assert pair.node("broker-a").pid is None
    assert pair.restart("broker-a").state == "usable"
    assert b"kept" in bodies(pair.node("broker-a"))


def test_a_stopped_node_says_goodbye(pair):
    assert pair.stop("broker-b").state == "stopped"
    assert not (StoreFiles.of(pair.node("broker-b")).root / "abort").exists()
    assert pair.restart("broker-b").state == "usable"


def test_a_paused_node_keeps_its_process_and_goes_on(pair):
    pid = pair.node("broker-b-s").pid
    assert pair.pause("broker-b-s").state == "paused"
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert pair.resume("broker-b-s").state == "usable"
    assert pair.node("broker-b-s").pid == pid


def test_what_happened_is_told_in_order(pair):
    before = len(pair.status().events)
    pair.kill("namesrv2")
    pair.restart("namesrv2")
    events = [(one.node, one.what) for one in pair.status().events[before:]]
    assert events == [("namesrv2", what) for what in ("killed", "started", "usable")]


@pytest.mark.parametrize("verb", ["kill", "node"])
def test_a_node_that_there_is_not_is_an_error_that_names_those_there_are(pair, verb):
    with pytest.raises(ClusterError, match=r"no node 'broker-c'.*broker-a-s"):
        getattr(pair, verb)("broker-c")


def test_two_clusters_live_side_by_side(home):
    with Cluster.up("1m", name="one") as one, Cluster.up("1m", name="two") as two:
        send(one, b"for one")
        send(two, b"for two")
        found = [bodies(each.node("broker-a")) for each in (one, two)]
    assert found == [[b"for one"], [b"for two"]]


def test_settings_are_changed_on_every_broker(home):
    with Cluster.up("1m", name="set", settings={"brokerRole": "SYNC_MASTER"}) as one:
        assert one.node("broker-a").role == "SYNC_MASTER"


def test_a_cluster_ends_with_its_block(home):
    with Cluster.up("1m", name="block") as cluster:
        found = pids(cluster)
    assert are_gone(found)
    with pytest.raises(ClusterError, match="'block' is gone"):
        cluster.status()


async def test_the_same_can_be_awaited(home):
    async with await AsyncCluster.up("1m", name="awaited") as cluster:
        assert (await cluster.kill("broker-a")).state == "killed"
        assert (await cluster.restart("broker-a")).state == "usable"
        assert (await cluster.pause("broker-a")).state == "paused"
        assert (await cluster.resume("broker-a")).state == "usable"
        assert (await cluster.stop("broker-a")).state == "stopped"
        with pytest.raises(ClusterError, match="broker-a is ASYNC_MASTER, not a slave"):
            await cluster.promote("broker-a")
        found = [node.pid for node in (await cluster.status()).nodes if node.pid]
    assert are_gone(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_nodes_end_with_their_owner_however_that_ends(home, number):
    owner = subprocess.Popen(  # noqa: ASYNC220 - it says one line
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with owner:
        found = [int(pid) for pid in owner.stdout.readline().strip("[]\n").split(",")]
        assert all(map(psutil.pid_exists, found))
        os.kill(owner.pid, number)
    await until(lambda: are_gone(found))


def test_a_second_cluster_of_a_name_is_refused_and_the_first_lives_on(home):
    with Cluster.up("1m", name="twin") as first:
        with pytest.raises(ClusterError, match=r"'twin' is up already \(1m"):
            Cluster.up("1m", name="twin")
        assert first.status().is_usable


def test_a_runtime_that_there_is_not_is_refused(home):
    with pytest.raises(ClusterError, match="no runtime 'cloud' yet"):
        Cluster.up("1m", runtime="cloud")


@pytest.mark.parametrize("name", ["../elsewhere", "a b", ""])
def test_a_name_that_is_no_folder_name_is_refused(home, name):
    with pytest.raises(ClusterError, match="is no cluster name"):
        Cluster.up("1m", name=name or " ")


def test_the_articles_slaves_find_their_store_locked(home):
    with Cluster.up("article", name="as-published") as cluster:
        status = cluster.status()
    failed = {node.name: node.why for node in status.nodes if node.state == "failed"}
    assert sorted(failed) == ["broker-a-s", "broker-b-s"]
    assert all("Lock failed,MQ already started" in why for why in failed.values())
    usable = [node.name for node in status.nodes if node.state == "usable"]
    assert usable == ["namesrv1", "namesrv2", "broker-a", "broker-b"]


def test_a_node_is_given_another_file(home):
    with Cluster.up("1m", name="anew") as cluster:
        file = Path(cluster.folder) / "host1" / "conf" / "broker-a.properties"
        text = file.read_text() + "\nbrokerRole=SYNC_MASTER\n"
        cluster.configure("broker-a", text)
        cluster.restart("broker-a")
        assert cluster.node("broker-a").role == "SYNC_MASTER"


def test_a_slave_of_processes_is_made_a_master_from_the_shell(home):
    with Cluster.up("2m-2s-sync", name="drill") as cluster:
        send(cluster, b"before")
        refused = shell("promote", "broker-a-s")
        assert refused.returncode == 1
        assert "broker-a is usable: two masters" in refused.stderr
        store = cluster.node("broker-a-s").store
        cluster.kill("broker-a")
        done = shell("promote", "broker-a-s")
        assert done.returncode == 0, done.stderr
        assert "broker-a-s has all that lies on broker-a's disk" in done.stdout
        state = cluster.node("broker-a-s")
        assert (state.role, state.state, state.store) == (
            "ASYNC_MASTER", "usable", store,
        )  # fmt: skip
        assert b"before" in bodies(state)
        assert send(cluster, b"after").queue.broker_name == "broker-a"
        assert bodies(state)[-1] == b"after"
