"""A lab's verbs on a simulated cluster: the same as on one of processes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.lab import LabCluster, panel, start, wait_until
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.transaction import Verdict
from rmqlab.errors import StoreError
from rmqlab.protocol.message import Message


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Start a lab's simulated pair of masters with slaves."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    with start("2m-2s-sync", lab="99", runtime="sim", seed=7) as cluster:
        yield cluster


def test_the_runtime_sim_gives_a_simulated_cluster_whoever_is_asked():
    with Cluster.up("1m", runtime="sim", seed=1) as plain:
        assert type(plain) is SimCluster
    with LabCluster.up("1m", runtime="sim", name="mine") as cluster:
        assert isinstance(cluster, SimLab)
        assert cluster.status().is_usable
        assert cluster.name == "mine"


def test_settings_of_a_lab_are_every_brokers():
    with start("1m", lab="98", runtime="sim", flushDiskType="SYNC_FLUSH") as cluster:
        broker = cluster.crew.node("broker-a").broker
        assert broker.store.config.flush_disk_type.name == "SYNC_FLUSH"


def test_a_setting_that_does_not_parse_is_told_in_the_brokers_log():
    with start("1m", lab="98", runtime="sim", flushDiskType="SOMETIMES") as cluster:
        assert "flushDiskType=SOMETIMES" in cluster.log_of("broker-a")


def test_a_node_that_does_not_start_is_told_at_the_start():
    one_store = {"storePathRootDir": "/s", "storePathCommitLog": "/s/log"}
    with pytest.raises(ClusterError, match="broker-a-s is failed: Lock failed"):
        start("2m-2s-sync", lab="98", runtime="sim", **one_store)


def test_a_lab_that_is_started_again_ends_the_earlier_one(lab):
    with start("1m", lab="99", runtime="sim") as again:
        with pytest.raises(ClusterError, match="was ended"):
            lab.status()
        assert again.node("broker-a").is_alive


def test_a_delayed_message_comes_when_its_level_says_so(lab):
    came = []
    lab.admin().create_topic("orders")
    with lab.producer() as producer, lab.consumer("orders", came.append):
        producer.send("orders", "later", delay_level=3)
        lab.run(seconds=9)
        assert not came
        lab.run(seconds=2)
    assert [one.body for one in came] == [b"later"]


@pytest.mark.parametrize(
    ("answer", "bodies"), [("COMMIT", [b"half"]), ("ROLLBACK", [])]
)
def test_who_did_not_know_is_asked_and_the_answer_counts(lab, answer, bodies):
    came = []
    lab.admin().create_topic("orders")
    shop = lab.transaction_producer("shop", lambda asked: Verdict[answer])
    with lab.consumer("orders", came.append):
        shop.send(Message("orders", b"half"), lambda half: Verdict.UNKNOWN)
        lab.run(seconds=5)
        assert not came
        lab.run(seconds=80)
    assert [one.body for one in came] == bodies


def test_messages_can_be_pulled_and_polled(lab):
    with lab.producer() as producer:
        sent = [producer.send("orders", f"{number}") for number in range(4)]
    with lab.pull_consumer() as consumer:
        queues = consumer.queues("orders")
        pulled = [one for at in queues for one in consumer.pull(at, 0).messages]
    with lab.lite_pull_consumer("orders") as consumer:
        polled = []
        while len(polled) < len(sent):
            polled += consumer.poll()
    ids = sorted(one.msg_id for one in sent)
    assert sorted(one.msg_id for one in pulled) == ids
    assert sorted(one.msg_id for one in polled) == ids


def test_messages_are_sent_consumed_and_found_on_the_simulated_disk(lab):
    with lab.producer() as producer:
        sent = [producer.send("orders", f"{number}") for number in range(8)]
    came = []
    with lab.consumer("orders", lambda message: came.append(message.body)):
        wait_until(lambda: len(came) == len(sent))
    on_disk = [
        one for node in ("broker-a", "broker-b") for one in lab.messages_on_disk(node)
    ]
    bodies = sorted(one.body for one in on_disk)
    assert bodies == sorted(came) == [b"%d" % number for number in range(8)]
    first = lab.store("broker-a").queue("orders", sent[0].queue.queue_id)
    assert all(entry.size > 0 for entry in first)


def test_a_stores_files_are_listed_and_take_only_what_was_touched(lab):
    lab.producer().send("orders", "x")
    found = {one.path: one for one in lab.store("broker-a").files()}
    log = found["commitlog/00000000000000000000"]
    assert (log.size, log.on_disk <= 8192) == (1 << 30, True)
    with pytest.raises(ClusterError, match="simulated disk"):
        _ = lab.store("broker-a").root


def test_waiting_lets_virtual_time_pass(lab):
    end_s = lab.now_s + 100
    wait_until(lambda: lab.now_s > end_s)
    with pytest.raises(ClusterError, match="waited 50 s in vain"):
        wait_until(lambda: False, within_s=50)
    assert lab.now_s == pytest.approx(end_s + 50, abs=0.1)


def test_a_slave_comes_into_step_and_has_its_masters_topics(lab):
    lab.producer().send("orders", "x")
    length = lab.wait_in_step("broker-a", "broker-a-s")
    assert length == len(lab.store("broker-a-s").log(length)) > 0
    lab.wait_for_topic("orders", "broker-a-s")


def test_hosts_say_whether_they_have_power_and_are_reached(lab):
    lab.crash("host1")
    lab.cut("host2", outward=False)
    assert [tuple(one) for one in lab.hosts()] == [
        ("host1", False, False), ("host2", True, True),
    ]  # fmt: skip
    lab.heal("host2")
    lab.boot("host1")
    assert [tuple(one)[1:] for one in lab.hosts()] == [(True, False)] * 2


def test_what_nodes_log_is_shown_to_who_asks_and_to_nobody_else(lab, capfd):
    lab.producer().send("orders", "x")
    lab.kill("broker-a")
    lab.crash("host2")
    lab.run(130)
    said = lab.log_of("namesrv1").splitlines()
    assert [line.split(": ")[1].split(" address")[0] for line in said] == [
        "broker hung up", "broker expired", "broker expired",
    ]  # fmt: skip
    assert lab.log_of("namesrv1", lines=1) == said[-1]
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ClusterError, match="no node 'broker-x'"):
        lab.log_of("broker-x")


def test_lines_of_others_go_where_they_went_before(lab, capfd):
    handlers, logging.root.handlers = logging.root.handlers, []
    try:
        logging.getLogger("rmqlab.test").warning("outside")
        logging.getLogger("rmqlab.test").info("quiet")
    finally:
        logging.root.handlers = handlers
    assert capfd.readouterr().err == "outside\n"


def test_a_clusters_text_is_the_same_in_every_run(lab):
    assert repr(lab) == "a cluster '2m-2s-sync' of 6 nodes"
    assert "broker-a-s" in lab._repr_html_()
    shown = panel(lab)
    shown.close()


async def test_it_runs_inside_a_task_and_leaves_that_tasks_loop_alone(lab):
    outer, task = asyncio.get_running_loop(), asyncio.current_task()
    lab.producer().send("orders", "x")
    lab.kill("broker-b")
    lab.run(1)
    assert asyncio.get_running_loop() is outer
    assert asyncio.current_task() is task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {task}


# A host's disk


def test_a_disk_is_as_full_as_a_lab_wants_it(lab):
    lab.fill_disk("host1", 0.92)
    disk = lab.crew.machine("host1").disk
    assert disk.used_ratio == pytest.approx(0.92)
    assert lab.crew.machine("host2").disk.used_ratio == 0


def test_a_disk_fails_as_often_as_a_lab_wants_it(lab):
    disk = lab.crew.machine("host1").disk
    lab.fail_disk("host1", "write", times=1)
    with pytest.raises(StoreError, match="cannot write x"):
        disk.check("write", "cannot write x")
    disk.check("write", "cannot write x")


def test_a_bit_of_a_nodes_file_is_turned_over(lab):
    path = lab.store("broker-a").paths.checkpoint
    before = lab.shelf(lab.node("broker-a")).read(path, 3, 1)
    lab.flip("broker-a", path, 3)
    assert lab.shelf(lab.node("broker-a")).read(path, 3, 1) == bytes([before[0] ^ 1])
