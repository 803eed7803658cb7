"""Hosts of real processes cut off and healed, and their links and disks slowed."""

from __future__ import annotations

import os

import pytest

from rmqlab.classroom.host_verbs import hosts_of
from rmqlab.classroom.lab import LabCluster
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK
from rmqlab.classroom.trace.reader import Trace
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.errors import RmqError
from rmqlab.protocol.message import MessageQueue
from tests.cluster.conftest import shell, shell_json

pytestmark = pytest.mark.skipif(
    not HAS_LOOPBACK_NETWORK, reason="all hosts share an address here"
)
TOPIC = "broker-a"
"""That each broker of the name has from its start."""
SOON_S = 0.5
"""Longer than an answer takes, shorter than a slow link."""
LONG_MS = 60_000
SETTINGS = {"syncFlushTimeout": "300", "slaveTimeout": "300"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Run masters and slaves: broker-a is on host1, its slave on host2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("home")))
        with LabCluster.up(
            "2m-2s-sync",
            name="faulty",
            settings=SETTINGS,
            trace=tmp_path_factory.mktemp("trace") / "trace.jsonl",
        ) as cluster:
            yield cluster


@pytest.fixture
def mended(pair):
    """Return the cluster, with nothing wrong before and after the test."""
    send(pair, "before")  # whoever sends knows the route by now
    yield pair
    for host in ("host1", "host2"):
        pair.heal(host)
        pair.slow_link(host, 0)
        pair.slow_disk(host, 0)
    pair.wait_in_step("broker-a", "broker-a-s")


_producers = {}


def send(cluster, body, timeout_s=3.0, to=TOPIC):
    """Send to a broker itself; one try, whatever it says."""
    if cluster.name not in _producers:
        _producers[cluster.name] = cluster.producer()
    queue = MessageQueue(to, to, 0)
    return _producers[cluster.name].send(to, body, queue=queue, timeout_s=timeout_s)


def logs(cluster):
    """Return the bytes of both logs of a pair, once the slave has what there is."""
    end = cluster.wait_in_step("broker-a", "broker-a-s")
    found = []
    for name in ("broker-a", "broker-a-s"):
        node = cluster.node(name)
        (file,) = os.scandir(f"{node.folder}{node.commit_log}")
        with open(file, "rb") as log:  # noqa: PTH123
            found.append(log.read(end))
    return found


def test_a_host_that_is_cut_off_hears_nobody_and_after_a_heal_everybody(mended):
    mended.cut("host1")
    with pytest.raises(SendError):
        send(mended, "lost on its way", timeout_s=SOON_S)
    log_end = mended.node("broker-a").log_end
    assert log_end == mended.node("broker-a-s").log_end
    # Nobody was told: the name server of the other side still names it.
    with mended.admin("namesrv2") as admin:
        assert "broker-a" in {one.broker_name for one in admin.route(TOPIC).brokers}

    mended.heal("host1")
    # What waited in the cut arrives: its producer had given up.
    mended.wait_until(lambda: mended.node("broker-a").log_end > log_end)
    assert send(mended, "after").status is SendStatus.SEND_OK
    master, slave = logs(mended)
    assert master == slave
    said = [one.body for one in mended.messages_on_disk("broker-a")]
    assert said[-3:] == [b"before", b"lost on its way", b"after"]


def test_a_slave_that_is_cut_off_lets_sync_masters_time_out(mended):
    mended.cut("host2")
    assert send(mended, "alone").status is SendStatus.FLUSH_SLAVE_TIMEOUT
    mended.heal("host2")
    master, slave = logs(mended)
    assert master == slave
    assert send(mended, "again").status is SendStatus.SEND_OK


def test_through_a_cut_outward_requests_arrive_and_answers_do_not(mended):
    log_end = mended.node("broker-a").log_end
    mended.cut("host1", inward=False)
    with pytest.raises(SendError):
        send(mended, "stored", timeout_s=SOON_S)
    mended.wait_until(lambda: mended.node("broker-a").log_end > log_end)
    assert mended.node("broker-a-s").log_end == log_end


def test_through_a_cut_inward_a_master_still_feeds_its_slave_nothing_new(mended):
    log_end = mended.node("broker-a").log_end
    mended.cut("host1", outward=False)
    with pytest.raises(SendError):
        send(mended, "waits", timeout_s=SOON_S)
    assert mended.node("broker-a").log_end == log_end


def test_a_slow_link_delays_both_ways(mended):
    send(mended, "before", to="broker-b")
    mended.slow_link("host1", LONG_MS)
    with pytest.raises(SendError):
        send(mended, "slow", timeout_s=SOON_S)
    # host2 is as fast as ever.
    status = send(mended, "fast", to="broker-b").status
    assert status is SendStatus.FLUSH_SLAVE_TIMEOUT  # its slave is on host1


def test_a_slow_link_of_the_slave_alone_makes_a_sync_send_time_out(mended):
    mended.slow_link("broker-a-s", LONG_MS)
    assert mended.status().faults == {"broker-a-s": f"links take {LONG_MS} ms"}
    assert send(mended, "alone").status is SendStatus.FLUSH_SLAVE_TIMEOUT
    # What is wrong with a node is over when it is restarted.
    mended.restart("broker-a-s")
    assert mended.status().faults == {}
    mended.wait_in_step("broker-a", "broker-a-s")
    assert send(mended, "together").status is SendStatus.SEND_OK


def test_a_fault_reaches_a_node_that_was_paused_when_it_resumes(mended):
    mended.pause("broker-a")
    mended.cut("host1")
    mended.resume("broker-a")
    with pytest.raises(SendError):
        send(mended, "unheard", timeout_s=SOON_S)
    mended.heal("host1")


def test_a_node_that_starts_on_a_host_that_is_cut_off_is_cut_off(mended):
    mended.kill("broker-b-s")
    mended.cut("host1")
    mended.slow_link("host2", 5)
    assert mended.status().faults == {
        "host1": "cut off",
        "host2": "links take 5 ms",
    }
    assert [one.is_cut for one in hosts_of(mended.status())] == [True, False]
    mended.heal("host1")
    assert mended.restart("broker-b-s").state == "usable"


def test_a_trace_tells_faults_as_a_simulations_does(mended):
    mended.cut("host2", outward=False)
    mended.heal("host2")
    mended.slow_disk("broker-b", 20)
    mended.slow_disk("broker-b", 0)
    faults = [one for one in Trace(mended.collect_trace()) if one["kind"] == "fault"]
    told = [{k: v for k, v in one.items() if k not in ("at", "kind")} for one in faults]
    assert told[-4:] == [
        {"host": "host2", "what": "cut", "inward": True, "outward": False},
        {"host": "host2", "what": "heal"},
        {"node": "broker-b", "what": "a flush takes 20 ms"},
        {"node": "broker-b", "what": "a flush takes 0 ms"},
    ]


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda one: one.cut("host3"), "no host 'host3'.*host1, host2"),
        (lambda one: one.cut("broker-a"), "no host 'broker-a'"),
        (lambda one: one.slow_link("x", 5), "no host or node 'x'.*host1.*broker-a-s"),
        (lambda one: one.slow_disk("host1", -1), "-1 ms cannot be had"),
        (lambda one: one.cut("host1", inward=False, outward=False), "or both"),
    ],
)
def test_a_fault_that_cannot_be_had_is_refused_and_nothing_changes(pair, ask, why):
    with pytest.raises(ClusterError, match=why):
        ask(pair)
    assert pair.status().faults == {}


def test_a_slow_disk_makes_a_synchronous_flush_time_out(home):
    settings = SETTINGS | {"flushDiskType": "SYNC_FLUSH"}
    with LabCluster.up("1m", name="disk", settings=settings) as cluster:
        assert send(cluster, "fast").status is SendStatus.SEND_OK
        cluster.slow_disk("host1", 1_000)
        assert send(cluster, "slow").status is SendStatus.FLUSH_DISK_TIMEOUT
        cluster.slow_disk("host1", 0)
        cluster.wait_until(lambda: send(cluster, "fast").status is SendStatus.SEND_OK)


def test_the_shell_cuts_heals_and_slows(home):
    assert shell("up", "1m", "--name", "shell").returncode == 0
    assert "host1: cut off" in shell("cut", "host1").stdout
    assert "host1: cut off" in shell("status").stdout
    assert shell_json("status")["faults"] == {"host1": "cut off"}
    assert "host1: as it should be" in shell("heal", "host1").stdout
    one_way = shell("cut", "host1", "--one-way", "inward").stdout
    assert "host1: cut off inward" in one_way
    said = shell("slow", "broker-a", "--ms", "7", "--disk").stdout
    assert "broker-a: a flush takes 7 ms" in said
    assert "no host 'host9'" in shell("heal", "host9").stderr
    # Ending it needs no heal.
    assert shell("down").returncode == 0


def test_an_admin_client_hears_nothing_of_a_host_that_is_cut_off(home):
    with LabCluster.up("1m", name="deaf") as cluster:
        cluster.cut("host1")
        with cluster.admin() as admin, pytest.raises(RmqError):
            admin.topics()
        assert cluster.status().is_usable
