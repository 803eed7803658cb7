"""Consumers that ask: where they want, what they want, and how far the group is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.client import Admin, Producer, PullConsumer, groups
from rmqlab.client.admin import NoRoute
from rmqlab.client.pull import PullStatus
from rmqlab.errors import RemoteError
from rmqlab.protocol.message import Message, MessageQueue
from tests.simulated import pass_time
from tests.support import make_broker, name_server

pytestmark = pytest.mark.simulated

ORDERS = [MessageQueue("orders", "broker-a", number) for number in range(2)]
FIRST = ORDERS[0]


class Lab:
    """A broker with the topic `orders`, and a producer."""

    def __init__(self, address, broker, producer) -> None:
        self.address, self.broker, self.producer = address, broker, producer

    def consumer(self, group="audit"):
        return PullConsumer(group, self.address)

    async def send(self, *bodies, queue=FIRST, tags=None):
        for body in bodies:
            await self.producer.send(Message("orders", body, tags), queue)

    def offset(self, queue=FIRST, group="audit"):
        return self.broker.memory.offsets.get(group, queue.topic, queue.queue_id)


@pytest.fixture
def lab(tmp_path):
    @asynccontextmanager
    async def made():
        async with (
            name_server() as server,
            make_broker(tmp_path, server.address) as broker,
            Producer("shop", server.address) as producer,
            Admin(server.address) as admin,
        ):
            await admin.create_topic("orders", len(ORDERS))
            yield Lab(server.address, broker, producer)

    return made


def bodies(result):
    return [one.body for one in result.messages]


async def test_a_pull_returns_what_is_there_and_where_to_go_on(lab):
    async with lab() as it, it.consumer() as consumer:
        assert await consumer.queues("orders") == ORDERS
        await it.send(b"a", b"b", b"c")
        first = await consumer.pull(FIRST, 0, limit=2)
        assert bodies(first) == [b"a", b"b"]
        rest = await consumer.pull(FIRST, first.next_offset)
        assert (bodies(rest), rest.next_offset) == ([b"c"], 3)
        none = await consumer.pull(FIRST, 3)
        assert (none.status, none.messages) == (PullStatus.NO_NEW_MSG, [])


async def test_a_pull_that_waits_returns_what_comes_meanwhile(lab):
    async with lab() as it, it.consumer() as consumer:
        await it.send(b"a")
        waiting = asyncio.create_task(consumer.pull(FIRST, 1, wait=True))
        await pass_time(5)
        assert not waiting.done()
        await it.send(b"b")
        assert bodies(await waiting) == [b"b"]


async def test_a_pull_that_waited_in_vain_says_so(lab):
    async with lab() as it, it.consumer() as consumer:
        await it.send(b"a")
        assert (await consumer.pull(FIRST, 1, wait=True)).status is (
            PullStatus.NO_NEW_MSG
        )


async def test_a_pull_is_filtered_by_what_it_asks_for(lab):
    async with lab() as it, it.consumer() as consumer:
        for tag in ("red", "blue", "red"):
            await it.send(tag.encode(), tags=tag)
        assert bodies(await consumer.pull(FIRST, 0, "blue")) == [b"blue"]
        assert bodies(await consumer.pull(FIRST, 0, "red")) == [b"red"] * 2


async def test_what_is_updated_is_told_after_five_seconds_and_at_close(lab):
    async with lab() as it:
        async with it.consumer() as consumer:
            await it.send(b"a", b"b", b"c")
            consumer.update(FIRST, 1)
            assert it.offset() is None
            await pass_time(11)
            assert it.offset() == await consumer.committed(FIRST) == 1
            consumer.update(FIRST, 2)
        assert it.offset() == 2


async def test_the_places_of_a_queue_are_asked_of_its_broker(lab):
    async with lab() as it, it.consumer() as consumer:
        await it.send(b"a")
        await pass_time(60)
        await it.send(b"b")
        last = (await consumer.pull(FIRST, 1)).messages[0]
        assert await consumer.begin(FIRST) == 0
        assert await consumer.end(FIRST) == 2
        assert await consumer.at_time(FIRST, last.store_timestamp) == 1
        assert await consumer.at_time(FIRST, last.store_timestamp - 20_000) == 1
        assert await consumer.at_time(FIRST, last.store_timestamp - 40_000) == 0


async def test_brokers_know_of_a_consumer_that_has_pulled_until_it_is_closed(lab):
    async with lab() as it, Admin(it.address) as admin:
        async with it.consumer() as consumer:
            await consumer.pull(FIRST, 0)
            found = await groups.members(admin, "audit")
            assert found.consume_type == "CONSUME_ACTIVELY"
            assert set(found.subscriptions) == {"orders"}
        with pytest.raises(RemoteError, match="not online"):
            await groups.members(admin, "audit")


async def test_a_topic_that_nobody_has_has_no_queues(lab):
    async with lab() as it, it.consumer() as consumer:
        with pytest.raises(NoRoute, match="for the topic: nothing"):
            await consumer.queues("nothing")
