"""What takes minutes in a cluster, in virtual time: who is forgotten when, who notices.

Every number here is RocketMQ's own; nothing is shortened.
"""

from __future__ import annotations

import pytest

from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.push import PushConsumer
from rmqlab.client.sent import SendStatus
from rmqlab.protocol.message import MessageQueue

AT_A = MessageQueue("broker-a", "broker-a", 0)
"""A topic that broker-a and its slave have from their start."""


@pytest.fixture
def up():
    """Return a way to start a simulated cluster, which ends with the test."""
    running = []

    def start(topology, seed=1, **settings):
        running.append(SimLab.up(topology, seed=seed, settings=settings))
        return running[-1]

    yield start
    for cluster in running:
        cluster.down()


def is_forgotten(cluster):
    """Whether no name server has broker-a's master in its memory."""
    return not any(knows(cluster, one) for one in NAME_SERVERS)


def knows(cluster, name_server, broker="broker-a", number=0):
    """Whether a name server has a broker in its memory."""
    routes = cluster.crew.node(name_server).server.routes
    data = routes.cluster().brokers.get(broker)
    return data is not None and number in data.broker_addrs


def seconds_until(cluster, is_so, within_s=600.0):
    """Let time pass until it is so; return how long that took."""
    began = cluster.now_s
    cluster.run_until(is_so, within_s)
    return cluster.now_s - began


NAME_SERVERS = ("namesrv1", "namesrv2")


def test_a_killed_broker_is_forgotten_at_once_by_both_name_servers(up):
    cluster = up("2m-2s-sync")
    cluster.kill("broker-a")
    took = seconds_until(cluster, lambda: is_forgotten(cluster))
    assert took < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_a_paused_broker_is_forgotten_after_two_minutes_at_the_next_look(up, seed):
    cluster = up("2m-2s-sync", seed=seed)
    cluster.run(7.0 * seed)
    cluster.pause("broker-a")
    took = seconds_until(cluster, lambda: is_forgotten(cluster))
    # Its last registration is up to 30 s old, and the name servers look every 10 s.
    assert 90 <= took <= 130.1
    assert knows(cluster, "namesrv1", "broker-a", 1)


def test_a_broker_that_is_cut_off_is_forgotten_by_the_other_hosts_name_server_only(up):
    cluster = up("2m-2s-sync")
    cluster.cut("host1")
    took = seconds_until(cluster, lambda: not knows(cluster, "namesrv2"))
    assert 90 <= took <= 130.1
    assert knows(cluster, "namesrv1")
    assert not knows(cluster, "namesrv1", "broker-b")


def test_a_broker_whose_host_is_reachable_again_is_known_within_half_a_minute(up):
    cluster = up("2m-2s-sync")
    cluster.cut("host1")
    cluster.run(300)
    cluster.heal("host1")
    took = seconds_until(cluster, lambda: knows(cluster, "namesrv2"))
    assert took <= 31


def test_a_client_learns_of_a_new_topic_at_its_next_look_every_half_minute(up):
    cluster = up("2m-noslave")
    consumer = cluster.consumer("late", lambda message: None)
    cluster.run(5)
    cluster.admin().create_topic("late", queues=2)
    took = seconds_until(cluster, lambda: len(consumer.queues) > 1)
    assert took <= 30 + 20  # its look for routes, then its rebalancing


def test_a_held_pull_is_answered_when_a_message_comes_not_later(up):
    cluster, came = up("1m"), []
    cluster.consumer("broker-a", lambda one: came.append(cluster.now_s))
    cluster.run(60)
    sent = cluster.now_s
    cluster.producer().send("broker-a", "at last", queue=AT_A)
    cluster.run(1)
    assert came[0] - sent < 0.1


def test_a_slave_looks_at_its_held_pulls_every_five_seconds_only(up):
    cluster, came = up("2m-2s-async"), []
    producer = cluster.producer()
    producer.send("broker-a", "first", queue=AT_A)
    cluster.kill("broker-a")
    cluster.consumer("broker-a", lambda one: came.append(one.body))
    cluster.run_until(lambda: came == [b"first"], 120)
    cluster.restart("broker-a")
    sent = cluster.now_s
    producer.send("broker-a", "second", queue=AT_A)
    cluster.run_until(lambda: len(came) == 2, 120)
    assert cluster.now_s - sent <= 30 + 20 + 5


def consumers(cluster, count, topic="orders", group="kitchen"):
    """Start members of a group; return them by the process that each is in."""
    found = {}
    for number in range(count):
        driver = cluster.new_client(f"consumer-{number}")

        async def begin(driver=driver):
            consumer = PushConsumer(
                group,
                cluster.name_servers,
                lambda message: None,
                start=ConsumeFrom.FIRST_OFFSET,
                place=driver.place,
            )
            await consumer.__aenter__()
            await consumer.subscribe(topic)
            return consumer

        found[driver.process] = driver.run(begin())
    return found


def share(consumer, topic="orders"):
    return [queue for queue in consumer.queues if queue.topic == topic]


def test_a_killed_consumers_queues_are_taken_over_at_once(up):
    cluster = up("1m")
    cluster.admin().create_topic("orders", queues=4)
    (one, first), (_, second) = consumers(cluster, 2).items()
    cluster.run_until(lambda: len(share(first)) == len(share(second)) == 2, 60)
    one.kill()
    assert seconds_until(cluster, lambda: len(share(second)) == 4) < 0.1


def test_a_paused_consumers_queues_are_taken_over_after_two_minutes(up):
    cluster = up("1m")
    cluster.admin().create_topic("orders", queues=4)
    (one, first), (_, second) = consumers(cluster, 2).items()
    cluster.run_until(lambda: len(share(first)) == len(share(second)) == 2, 60)
    one.pause()
    took = seconds_until(cluster, lambda: len(share(second)) == 4)
    assert 90 <= took <= 140


def test_a_slave_that_was_away_is_back_within_five_seconds_and_has_every_byte(up):
    cluster = up("2m-2s-async")
    producer = cluster.producer()
    cluster.kill("broker-a-s")
    for number in range(50):
        producer.send("broker-a", f"order {number}", queue=AT_A)
    cluster.restart("broker-a-s")
    assert seconds_until(cluster, lambda: cluster.node("broker-a-s").behind == 0) <= 5
    logs = [
        cluster.crew.node(name).broker.store.log for name in ("broker-a", "broker-a-s")
    ]
    end = logs[0].end
    assert logs[0].read(0, end) == logs[1].read(0, end)


def test_a_slave_whose_master_is_cut_off_gives_up_after_twenty_seconds_and_returns(up):
    cluster = up("2m-2s-async")
    slave = cluster.crew.node("broker-a-s").broker.ha_slave
    cluster.cut("host1")
    assert 20 <= seconds_until(cluster, lambda: not slave.connected.is_set()) <= 27
    cluster.heal("host1")
    assert seconds_until(cluster, slave.connected.is_set) <= 5 + 3


def test_sends_to_a_master_whose_slave_is_cut_off_wait_three_seconds_then_do_not(up):
    cluster = up("2m-2s-sync")
    producer = cluster.producer()
    producer.send("broker-a", "now it knows the route", queue=AT_A)
    cluster.cut("host2")
    began = cluster.now_s
    first = producer.send("broker-a", "one", queue=AT_A, timeout_s=10)
    assert cluster.now_s - began == pytest.approx(3, abs=0.1)
    assert first.status is SendStatus.FLUSH_SLAVE_TIMEOUT
    cluster.run(30)  # by now its silence has ended the connection
    began = cluster.now_s
    later = producer.send("broker-a", "two", queue=AT_A, timeout_s=10)
    assert cluster.now_s - began < 0.1
    assert later.status is SendStatus.SLAVE_NOT_AVAILABLE


def test_sends_go_on_at_the_other_master_while_one_is_away_and_return_later(up):
    cluster = up("2m-noslave")
    cluster.admin().create_topic("orders", queues=2)
    producer = cluster.producer()
    cluster.kill("broker-a")
    during = {producer.send("orders", "x").queue.broker_name for _ in range(8)}
    cluster.restart("broker-a")
    cluster.run(31)
    after = {producer.send("orders", "x").queue.broker_name for _ in range(8)}
    assert (during, after) == ({"broker-b"}, {"broker-a", "broker-b"})


def test_a_failed_message_comes_again_ten_seconds_later(up):
    cluster, came = up("1m"), []

    def fail_once(message):
        came.append(cluster.now_s)
        if len(came) == 1:
            raise RuntimeError("the oven is cold")

    cluster.consumer("broker-a", fail_once)
    cluster.producer().send("broker-a", "coffee", queue=AT_A)
    cluster.run(60)
    assert len(came) == 2
    assert came[1] - came[0] == pytest.approx(10, abs=0.01)


def test_what_was_consumed_since_the_last_save_comes_again_after_a_crash(up):
    cluster, came = up("1m"), []
    producer = cluster.producer()
    driver = cluster.new_client("crashing")

    async def begin(place):
        consumer = PushConsumer(
            "kitchen",
            cluster.name_servers,
            lambda message: came.append(message.body),
            start=ConsumeFrom.FIRST_OFFSET,
            place=place,
        )
        await consumer.__aenter__()
        await consumer.subscribe("broker-a")

    driver.run(begin(driver.place))
    producer.send("broker-a", "saved", queue=AT_A)
    cluster.run(30)
    producer.send("broker-a", "not saved", queue=AT_A)
    cluster.run(0.1)
    driver.process.kill()
    heir = cluster.new_client("heir")
    heir.run(begin(heir.place))
    cluster.run(30)
    assert came == [b"saved", b"not saved", b"not saved"]
