"""Push consumers: each message once, queues shared out, offsets kept."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from rmqlab.client import Consumed
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.errors import NotConnected, RemoteError
from tests.client.kitchen import ALL_QUEUES, NUMBERS, balanced, lab, share
from tests.support import make_broker, until

pytestmark = pytest.mark.simulated

QUICK = {"heartbeat_broker_interval": 1000, "rebalance_interval": 1000}


async def test_every_message_comes_once(tmp_path):
    async with lab(tmp_path) as it:
        async with it.consumer() as consumer:
            await consumer.subscribe("orders")
            await it.send(*NUMBERS)
            await it.until_came(20)
        assert Counter(it.came) == Counter(NUMBERS)


async def test_messages_of_a_queue_come_in_their_order(tmp_path):
    async with lab(tmp_path) as it:
        await it.send(*NUMBERS, queue=ALL_QUEUES[0])
        async with it.consumer() as consumer:
            await consumer.subscribe("orders")
            await it.until_came(20)
        assert it.came == NUMBERS


async def test_two_members_of_a_group_share_out_the_queues(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as one, it.consumer() as two:
        for consumer in (one, two):
            await consumer.subscribe("orders")
        await balanced(one, two)
        assert sorted(share(one) + share(two)) == ALL_QUEUES


async def test_two_members_of_one_name_both_take_the_first_half(tmp_path):
    same = {"instance_name": "shop"}
    async with (
        lab(tmp_path) as it,
        it.consumer(config=same) as one,
        it.consumer(config=same) as two,
    ):
        for consumer in (one, two):
            await consumer.subscribe("orders")
        await balanced(one, two)
        assert share(one) == share(two) == ALL_QUEUES[:2]


async def test_a_message_comes_to_one_member_of_a_group(tmp_path):
    heard = {"one": [], "two": []}
    async with (
        lab(tmp_path) as it,
        it.consumer(lambda message: heard["one"].append(message.body)) as one,
        it.consumer(lambda message: heard["two"].append(message.body)) as two,
    ):
        for consumer in (one, two):
            await consumer.subscribe("orders")
        await balanced(one, two)
        await it.send(*NUMBERS)
        await until(lambda: sum(map(len, heard.values())) >= 20)
        await one.close()
        await two.close()
    assert Counter(heard["one"] + heard["two"]) == Counter(NUMBERS)
    assert len(heard["one"]) == len(heard["two"]) == 10


async def test_a_message_comes_to_every_group(tmp_path):
    async with (
        lab(tmp_path) as it,
        it.consumer(group="kitchen") as kitchen,
        it.consumer(group="bar") as bar,
    ):
        for consumer in (kitchen, bar):
            await consumer.subscribe("orders")
        await it.send(b"coffee")
        await it.until_came(2)
    assert it.came == [b"coffee", b"coffee"]


async def test_who_stays_takes_over_the_queues_of_who_leaves(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as stays:
        await stays.subscribe("orders")
        async with it.consumer() as leaves:
            await leaves.subscribe("orders")
            await balanced(stays, leaves)
        await balanced(stays)
        await it.send(*NUMBERS)
        await it.until_came(20)
        assert Counter(it.came) == Counter(NUMBERS)


async def test_what_one_member_consumed_does_not_come_again_to_its_successor(tmp_path):
    async with lab(tmp_path) as it:
        async with it.consumer() as first:
            await first.subscribe("orders")
            await it.send(*NUMBERS)
            await it.until_came(20)
        async with it.consumer() as second:
            await second.subscribe("orders")
            await it.send(b"new")
            await it.until_came(21)
        assert it.came[20:] == [b"new"]


async def test_offsets_are_at_the_broker_once_a_consumer_is_closed(tmp_path):
    async with lab(tmp_path) as it:
        async with it.consumer() as consumer:
            await consumer.subscribe("orders")
            await it.send(*NUMBERS)
            await it.until_came(20)
        assert it.offsets() == [5, 5, 5, 5]


async def test_offsets_are_told_to_the_broker_meanwhile(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await it.send(*NUMBERS)
        await it.until_came(20)
        await until(lambda: it.offsets() == [5, 5, 5, 5])


async def test_a_consumer_that_could_not_start_is_no_member_of_its_group(tmp_path):
    async with lab(tmp_path) as it:
        await it.server.stop()
        late = it.consumer(config=QUICK)
        with pytest.raises(NotConnected):
            await late.__aenter__()
        assert late.instance.remoting.is_connected(it.server.address) is False
        assert late.queues == []
        assert all(service._task is None for service in late.instance._services)


async def test_a_broker_that_forgot_offsets_is_told_them_again(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await it.send(*NUMBERS)
        await until(lambda: it.offsets() == [5, 5, 5, 5])
        for queue in ALL_QUEUES:
            it.broker.memory.offsets.commit("kitchen", "orders", queue.queue_id, 0)
        await until(lambda: it.offsets() == [5, 5, 5, 5])


@pytest.mark.parametrize("start", ConsumeFrom)
async def test_a_new_group_of_a_young_topic_gets_all_of_it(tmp_path, start):
    async with lab(tmp_path) as it:
        await it.send(*NUMBERS)
        async with it.consumer(start=start) as consumer:
            await consumer.subscribe("orders")
            await it.until_came(20)
        assert Counter(it.came) == Counter(NUMBERS)


async def test_a_group_whose_offset_is_beyond_the_queue_goes_on_at_its_end(tmp_path):
    async with lab(tmp_path) as it:
        await it.send(b"old", queue=ALL_QUEUES[0])
        it.broker.memory.offsets.commit("kitchen", "orders", 0, 99)
        async with it.consumer() as consumer:
            await consumer.subscribe("orders")
            await until(lambda: it.offsets()[0] == 1)
            await it.send(b"new", queue=ALL_QUEUES[0])
            await it.until_came(1)
        assert it.came == [b"new"]


async def test_tags_that_a_consumer_did_not_name_do_not_come(tmp_path):
    async with lab(tmp_path) as it:
        await it.send(b"no", tags="open")
        await it.send(b"yes", tags="paid")
        await it.send(b"yes, too", tags="sent")
        async with it.consumer() as consumer:
            await consumer.subscribe("orders", "paid || sent")
            await it.until_came(2)
        assert sorted(it.came) == [b"yes", b"yes, too"]


async def test_a_tag_with_the_same_hash_as_one_named_does_not_come(tmp_path):
    async with lab(tmp_path) as it:
        await it.send(b"no", queue=ALL_QUEUES[0], tags="BB")
        await it.send(b"yes", queue=ALL_QUEUES[0], tags="Aa")
        async with it.consumer() as consumer:
            await consumer.subscribe("orders", "Aa")
            await it.until_came(1)
        assert it.came == [b"yes"]


async def test_messages_that_a_sql_filter_does_not_match_do_not_come(tmp_path):
    async with lab(tmp_path, enable_property_filter=True) as shop:
        async with shop.consumer() as consumer:
            await consumer.subscribe("orders", "price > 20", "SQL92")
            for price in ("10", "30", "x", "25"):
                await shop.send(price.encode(), properties={"price": price})
            await shop.until_came(2)
        assert sorted(shop.came) == [b"25", b"30"]


@pytest.mark.parametrize(
    ("is_on", "filter_text", "why"),
    [
        (False, "price > 20", "does not support consumer to filter message by SQL92"),
        (True, "price >", "found the end at character 8"),
    ],
)
async def test_a_filter_that_no_broker_understands_is_refused_at_once(
    tmp_path, is_on, filter_text, why
):
    async with (
        lab(tmp_path, enable_property_filter=is_on) as shop,
        shop.consumer() as consumer,
    ):
        with pytest.raises(RemoteError, match=why):
            await consumer.subscribe("orders", filter_text, "SQL92")


async def test_a_consumer_may_subscribe_to_several_topics(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await it.send(b"payment", topic="payments")
        await it.send(b"order")
        for topic in ("orders", "payments"):
            await consumer.subscribe(topic)
        await it.until_came(2)
        assert sorted(it.came) == [b"order", b"payment"]


async def test_a_topic_that_is_not_there_yet_is_consumed_once_it_is(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("payments")
        await it.send(b"first", topic="payments")
        await it.until_came(1)


def failing(it, how):
    """Return a listener that fails with every message the first time."""

    def listen(message):
        it.hear(message)
        if it.came.count(message.body) > 1:
            return Consumed.SUCCESS
        return how()

    return listen


async def later():
    await asyncio.sleep(0)
    return Consumed.RECONSUME_LATER


async def breaks():
    await asyncio.sleep(0)
    raise RuntimeError("the oven is cold")


def breaks_at_once():
    raise RuntimeError("the oven is cold")


@pytest.mark.parametrize(
    "how", [lambda: Consumed.RECONSUME_LATER, later, breaks, breaks_at_once]
)
async def test_a_message_whose_listener_fails_comes_again(tmp_path, how):
    async with lab(tmp_path) as it:
        async with it.consumer(failing(it, how)) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"a", b"b", queue=ALL_QUEUES[0])
            await it.until_came(4)
            await until(lambda: it.offsets()[0] == 2)
        assert Counter(it.came) == {b"a": 2, b"b": 2}


async def test_a_slow_message_holds_the_offset_back_until_it_is_done(tmp_path):
    may_end = asyncio.Event()
    async with lab(tmp_path) as it:

        async def listen(message):
            if message.body == b"slow":
                await may_end.wait()
            it.hear(message)

        async with it.consumer(listen) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"slow", b"fast", b"fast", queue=ALL_QUEUES[0])
            await it.until_came(2)
            await consumer._saver.step()
            assert it.offsets()[0] == 0
            may_end.set()
            await until(lambda: it.offsets()[0] == 3)


async def test_a_consumer_that_closes_lets_its_listeners_finish(tmp_path):
    began, may_end = asyncio.Event(), asyncio.Event()
    async with lab(tmp_path) as it:

        async def listen(message):
            began.set()
            await may_end.wait()
            it.hear(message)

        consumer = await it.consumer(listen).__aenter__()
        await consumer.subscribe("orders")
        await it.send(b"slow", queue=ALL_QUEUES[0])
        await began.wait()
        closing = asyncio.create_task(consumer.close())
        await until(lambda: not consumer.queues)
        assert not closing.done()
        may_end.set()
        await closing
        assert it.came == [b"slow"]
        assert it.offsets()[0] == 1


async def test_no_more_listeners_work_at_once_than_the_setting_says(tmp_path):
    at_work, most, may_end = 0, 0, asyncio.Event()

    async with lab(tmp_path) as it:

        async def listen(message):
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            await may_end.wait()
            at_work -= 1
            it.hear(message)

        async with it.consumer(listen, config={"consume_concurrency": 3}) as consumer:
            await consumer.subscribe("orders")
            await it.send(*NUMBERS)
            await until(lambda: at_work == 3)
            may_end.set()
            await it.until_came(20)
    assert most == 3


async def test_a_consumer_that_closes_is_no_member_any_more(tmp_path):
    async with lab(tmp_path) as it:
        async with it.consumer() as consumer:
            await consumer.subscribe("orders")
            assert it.broker.memory.clients.consumers("kitchen")
        assert it.broker.memory.clients.consumers("kitchen") is None


async def test_consumption_goes_on_when_the_broker_is_back(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await it.send(b"before")
        await it.until_came(1)
        await until(lambda: sum(it.offsets()) == 1)
        await it.broker.stop()
        again = make_broker(
            tmp_path, it.server.address, port=it.broker.config.listen_port
        )
        async with again:
            await it.send(b"after")
            await it.until_came(2)
            await consumer.close()
        await it.broker.start()
    assert it.came == [b"before", b"after"]
