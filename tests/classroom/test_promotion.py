"""A slave is made a master by hand; what that loses is said and is so."""

from __future__ import annotations

import pytest

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.sent import SendStatus
from rmqlab.protocol.message import MessageQueue

ORDERS = MessageQueue("orders", "broker-a", 0)
ROUTES_S = 31.0
"""After so long every client has looked at the routes again."""


@pytest.fixture
def lab():
    with SimLab.up("2m-2s-async", seed=3) as lab:
        yield lab
        lab.close_clients()


def send(lab, *bodies):
    with lab.producer() as producer:
        return [producer.send("orders", body, queue=ORDERS) for body in bodies]


def bodies(lab, node):
    found = lab.messages_on_disk(node)
    return [one.body.decode() for one in found if one.topic == "orders"]


def test_a_promoted_slave_takes_messages_where_its_queues_ended(lab):
    send(lab, "a", "b")
    lab.wait_in_step("broker-a", "broker-a-s")
    lab.kill("broker-a")
    done = lab.promote("broker-a-s")
    assert (done.lost_messages, done.lost_bytes, done.repeated) == (0, 0, {})
    assert lab.node("broker-a-s").role == "ASYNC_MASTER"
    lab.run(ROUTES_S)
    (result,) = send(lab, "c")
    assert (result.status, result.queue_offset) == (SendStatus.SEND_OK, 2)
    with lab.admin() as admin:
        (route,) = [one for one in admin.route("orders").brokers
                    if one.broker_name == "broker-a"]  # fmt: skip
        assert route.broker_addrs == {0: lab.node("broker-a-s").address}


def test_what_the_slave_had_not_copied_is_counted_and_gone(lab):
    send(lab, "a")
    lab.wait_for_topic("orders", "broker-a-s")
    lab.run(1)
    lab.pause("broker-a-s")
    send(lab, "b", "c")
    lab.run(20)  # flushed, and past what sockets hold
    lab.kill("broker-a")
    lab.kill("broker-a-s")
    done = lab.promote("broker-a-s")
    missing = [one for one in lab.messages_on_disk("broker-a") if one.body in b"bc"]
    assert done.lost_messages == len(missing) == 2
    assert done.lost_bytes == sum(one.size for one in missing)
    assert "lacks 2 message(s)" in repr(done)
    assert done.lost_topics == []
    assert bodies(lab, "broker-a-s") == ["a"]


def test_topics_that_were_not_copied_are_named(lab):
    send(lab, "a")
    lab.wait_in_step("broker-a", "broker-a-s")
    lab.kill("broker-a-s")  # before it has asked for the master's tables
    lab.run(11)  # they are saved there
    lab.kill("broker-a")
    done = lab.promote("broker-a-s")
    assert done.lost_topics == ["orders"]
    assert "has not copied: orders; create them anew" in repr(done)
    assert bodies(lab, "broker-a-s") == ["a"]


def test_offsets_that_were_not_copied_are_named_with_their_group(lab):
    send(lab, *"abcde")
    lab.wait_for_topic("orders", "broker-a-s")
    got = []
    lab.pause("broker-a-s")
    consumer = lab.consumer("orders", lambda one: got.append(one.body), "kitchen")
    lab.wait_until(lambda: len(got) == 5)
    lab.run(12)  # told to the broker, and saved there
    consumer.close()
    lab.kill("broker-a")
    lab.kill("broker-a-s")
    done = lab.promote("broker-a-s")
    assert done.repeated == {"orders@kitchen": 5}
    assert "messages come twice: 5 of orders@kitchen" in repr(done)
    lab.consumer("orders", lambda one: got.append(one.body), "kitchen")
    lab.wait_until(lambda: len(got) == 10)
    assert sorted(got) == sorted([b"a", b"b", b"c", b"d", b"e"] * 2)


@pytest.mark.parametrize("state", ["usable", "paused"])
def test_while_its_master_lives_a_slave_is_promoted_by_force_only(lab, state):
    if state == "paused":
        lab.pause("broker-a")
    with pytest.raises(ClusterError, match=f"broker-a is {state}: two masters"):
        lab.promote("broker-a-s")
    assert lab.node("broker-a-s").role == "SLAVE"
    lab.promote("broker-a-s", force=True)
    assert not lab.node("broker-a").is_alive
    assert lab.node("broker-a-s").role == "ASYNC_MASTER"


@pytest.mark.parametrize("node", ["broker-a", "namesrv1"])
def test_only_a_slave_is_promoted(lab, node):
    with pytest.raises(ClusterError, match="not a slave"):
        lab.promote(node)


def test_each_step_is_told_as_it_is_done(lab):
    lab.kill("broker-a")
    told = []
    done = lab.promote("broker-a-s", tell=told.append)
    assert told == done.steps == repr(done).splitlines()
    assert [one.partition(".")[0] for one in told] == list("12345678")


def as_slave(lab, root):
    """Give broker-a's file to a slave, whose store is where it says."""
    text = lab.text_of(lab.node("broker-a"))
    more = f"brokerRole=SLAVE\nbrokerId=1\nstorePathRootDir={root}\n"
    lab.configure("broker-a", f"{text}\n{more}storePathCommitLog={root}/commitlog\n")
    lab.begin_to_start("broker-a")


def test_an_old_master_comes_back_as_a_slave_with_an_empty_store_only(lab):
    send(lab, "a")
    lab.wait_in_step("broker-a", "broker-a-s")
    lab.pause("broker-a-s")
    send(lab, "lost")
    lab.run(20)
    lab.kill("broker-a")
    lab.kill("broker-a-s")
    lab.promote("broker-a-s")
    lab.run(ROUTES_S)
    as_slave(lab, lab.node("broker-a").store)
    lab.run(30)
    assert "greater than local commitLog offset" in lab.log_of("broker-a-s")
    assert bodies(lab, "broker-a") == ["a", "lost"]
    lab.kill("broker-a")
    as_slave(lab, "/srv/empty")
    lab.run(30)
    send(lab, "new")
    lab.wait_in_step("broker-a-s", "broker-a")
    assert bodies(lab, "broker-a") == bodies(lab, "broker-a-s") == ["a", "new"]
