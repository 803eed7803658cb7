"""A consumer pulls no more than its listener keeps up with."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.client.flow_control import held_back
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.protocol.message import MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig
from tests.client.kitchen import ALL_QUEUES, lab
from tests.simulated import pass_time
from tests.support import until

HOST = ("127.0.0.1", 1)
MIB = 1 << 20
FIRST = ALL_QUEUES[0]


def window(*offsets, size=1):
    found = ProcessQueue(MessageQueue("t", "broker-a", 0))
    body = b"x" * size
    found.add(
        [
            StoredMessage("t", 0, one, 0, 0, body, {}, 0, 0, 0, HOST, 0, HOST, 0)
            for one in offsets
        ]
    )
    return found


def is_held(window, queues=1, *, is_orderly=False, **settings):
    config = ClientConfig(**settings)
    return held_back(window, queues, config, is_orderly=is_orderly) is not None


@pytest.mark.parametrize(("count", "expected"), [(1000, False), (1001, True)])
def test_a_thousand_messages_may_wait_in_a_queue(count, expected):
    assert is_held(window(*range(count))) is expected


@pytest.mark.parametrize(("size", "expected"), [(100, False), (101, True)])
def test_a_hundred_mebibytes_may_wait_in_a_queue(size, expected):
    assert is_held(window(0, size=size * MIB)) is expected


@pytest.mark.parametrize(
    ("newest", "is_orderly", "expected"),
    [(2000, False, False), (2001, False, True), (2001, True, False)],
)
def test_the_oldest_may_be_two_thousand_behind_unless_order_is_kept(
    newest, is_orderly, expected
):
    assert is_held(window(0, newest), is_orderly=is_orderly) is expected


@pytest.mark.parametrize(("queues", "expected"), [(2, False), (3, True)])
def test_what_a_topic_may_have_waiting_is_shared_out_among_its_queues(queues, expected):
    waiting = window(*range(40))
    assert is_held(waiting, queues, pull_threshold_for_topic=100) is expected
    big = window(0, size=4 * MIB)
    assert is_held(big, queues, pull_threshold_size_for_topic=9) is expected


@pytest.mark.simulated
@pytest.mark.parametrize("orderly", [False, True])
async def test_a_listener_that_hangs_ends_the_pulling_until_it_goes_on(
    tmp_path, orderly
):
    may_end = asyncio.Event()

    async def hang(message):
        await may_end.wait()
        it.hear(message)

    settings = {"pull_threshold_for_queue": 40, "pull_batch_size": 10}
    async with (
        lab(tmp_path) as it,
        it.consumer(hang, config=settings, orderly=orderly) as consumer,
    ):
        await it.send(*(b"x" for _ in range(100)), queue=FIRST)
        await consumer.subscribe("orders")
        await pass_time(30)
        waiting = consumer.waiting
        may_end.set()
        await it.until_came(100)
        assert waiting == 50


@pytest.mark.simulated
async def test_a_suspended_consumer_pulls_nothing_until_it_is_resumed(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await it.send(b"before", queue=FIRST)
        await it.until_came(1)
        consumer.suspend()
        await it.send(b"held already", b"meanwhile", queue=FIRST)
        await pass_time(60)
        assert it.came == [b"before", b"held already"]
        consumer.resume()
        await until(lambda: it.came[2:] == [b"meanwhile"])
