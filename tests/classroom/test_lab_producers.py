"""What a notebook's producer does, on a simulated cluster."""

from __future__ import annotations

import pytest

from rmqlab.classroom.lab import by_hash, reply_to
from rmqlab.classroom.simulated.lab import SimLab


@pytest.fixture
def lab():
    with SimLab.up("1m") as cluster:
        with cluster.admin() as admin:
            admin.create_topic("orders", queues=4)
        yield cluster


def bodies(lab):
    """Return what the broker's log holds of the topic, in order."""
    found = lab.messages_on_disk("broker-a")
    return [one.body.decode() for one in found if one.topic == "orders"]


def test_what_more_a_message_has_is_given_by_name(lab):
    own = {"colour": "red"}
    producer = lab.producer()
    producer.send("orders", "coffee", tags="paid", keys="k7", properties=own)
    (found,) = lab.messages_on_disk("broker-a")
    assert (found.tags, found.keys, found.properties["colour"]) == ("paid", "k7", "red")
    assert own == {"colour": "red"}


def test_a_batch_of_texts_is_stored_in_order_and_each_has_its_id(lab):
    shared = {"colour": "red"}
    result = lab.producer().send_batch("orders", "abc", properties=shared)
    assert bodies(lab) == ["a", "b", "c"]
    assert len(set(result.msg_id.split(","))) == 3


def test_a_delayed_message_comes_when_it_is_due(lab):
    came = []
    lab.consumer("orders", lambda message: came.append(message.body))
    lab.producer().send("orders", "later", delay_level=3)
    lab.run(9)
    assert came == []
    lab.wait_until(lambda: came == [b"later"])


def test_one_key_is_one_queue_for_all_ways_to_send(lab):
    producer, seven = lab.producer(), by_hash("customer-7")
    queue = producer.send("orders", "first", select=seven).queue
    assert producer.send_batch("orders", ["second"], select=seven).queue == queue
    producer.send_one_way("orders", "third", select=seven)
    lab.wait_until(lambda: len(bodies(lab)) == 3)
    with lab.admin() as admin:
        found = [one.body for one in admin.messages(queue)]
    assert found == [b"first", b"second", b"third"]


def test_a_request_is_replied_to_by_a_consumer(lab):
    replier = lab.producer("kitchen")

    async def answer(message):
        await replier.inner.send(reply_to(message, message.body.upper()))

    lab.consumer("orders", answer)
    reply = lab.producer().request("orders", "coffee?", timeout_s=30)
    assert reply.body == b"COFFEE?"
