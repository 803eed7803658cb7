"""Consumers that poll: which queues they have, where they are, what counts as done."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.client import LitePullConsumer
from rmqlab.client.lite_pull import Misused
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.settings import ClientConfig
from tests.client.kitchen import ALL_QUEUES, NUMBERS, lab
from tests.simulated import now_s, pass_time
from tests.support import until

pytestmark = pytest.mark.simulated

FIRST, SECOND = ALL_QUEUES[:2]


def poller(it, **options):
    config = ClientConfig(**options.pop("config", {}))
    options.setdefault("start", ConsumeFrom.FIRST_OFFSET)
    return LitePullConsumer("audit", it.server.address, config, **options)


@asynccontextmanager
async def assigned(root, *queues, **options):
    """Yield a laboratory and a consumer that has these queues, or the first."""
    async with lab(root) as it, poller(it, **options) as consumer:
        await consumer.assign(queues or [FIRST])
        yield it, consumer


def committed(it, queue=FIRST):
    return it.broker.memory.offsets.get("audit", queue.topic, queue.queue_id)


async def polled(consumer, count):
    """Poll until there are so many; return their bodies."""
    found = []
    while len(found) < count:
        found += [one.body for one in await consumer.poll()]
    return found


async def test_polls_return_what_a_queue_has_in_its_order_a_batch_each(tmp_path):
    async with assigned(tmp_path, config={"pull_batch_size": 8}) as (it, consumer):
        await it.send(*NUMBERS, queue=FIRST)
        await until(lambda: consumer.waiting == len(NUMBERS))
        sizes = [len(await consumer.poll()) for _ in range(3)]
        assert sizes == [8, 8, 4]


async def test_a_poll_waits_for_a_message_and_not_longer_than_it_is_told(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        began = now_s()
        assert await consumer.poll(3) == []
        assert now_s() - began == pytest.approx(3)
        waiting = asyncio.create_task(consumer.poll(60))
        await pass_time(1)
        await it.send(b"a", queue=FIRST)
        assert [one.body for one in await waiting] == [b"a"]


async def test_messages_can_be_iterated_over_and_the_rest_is_not_lost(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        await it.send(*NUMBERS, queue=FIRST)
        found = []
        async for message in consumer:
            found.append(message.body)
            if len(found) == 5:
                break
        found += await polled(consumer, 15)
        assert found == NUMBERS


async def test_two_members_poll_their_shares(tmp_path):
    async with lab(tmp_path) as it, poller(it) as one, poller(it) as two:
        for consumer in (one, two):
            await consumer.subscribe("orders")
        await until(lambda: len(one.assignment) == len(two.assignment) == 2)
        assert sorted(one.assignment + two.assignment) == ALL_QUEUES
        await it.send(*NUMBERS)
        found = await polled(one, 10) + await polled(two, 10)
        assert sorted(found) == sorted(NUMBERS)


async def test_a_member_that_goes_leaves_what_it_did_not_commit_to_the_other(tmp_path):
    async with lab(tmp_path) as it, poller(it, auto_commit=False) as stays:
        async with poller(it, auto_commit=False) as goes:
            for consumer in (stays, goes):
                await consumer.subscribe("orders")
            await until(lambda: len(goes.assignment) == len(stays.assignment) == 2)
            queue = goes.assignment[0]
            await it.send(b"a", b"b", queue=queue)
            await polled(goes, 2)
            await goes.commit()
            await it.send(b"c", queue=queue)
            await polled(goes, 1)
        assert await polled(stays, 1) == [b"c"]


async def test_what_is_subscribed_to_is_filtered_by_tags(tmp_path):
    async with lab(tmp_path) as it, poller(it) as consumer:
        await consumer.subscribe("orders", "paid")
        for tag in ("open", "paid", "open"):
            await it.send(tag.encode(), queue=FIRST, tags=tag)
        assert await polled(consumer, 1) == [b"paid"]
        assert await consumer.poll(20) == []


async def test_a_topic_that_is_not_wanted_any_more_is_polled_no_more(tmp_path):
    async with lab(tmp_path) as it, poller(it) as consumer:
        await consumer.subscribe("orders")
        await until(lambda: consumer.assignment == ALL_QUEUES)
        await it.send(b"a", queue=FIRST)
        await until(lambda: consumer.waiting)
        await consumer.unsubscribe("orders")
        assert consumer.assignment == []
        assert await consumer.poll(60) == []


async def test_subscriptions_and_assignments_do_not_mix(tmp_path):
    async with lab(tmp_path) as it, poller(it) as one, poller(it) as two:
        await one.assign([FIRST])
        with pytest.raises(Misused, match="mutually exclusive"):
            await one.subscribe("orders")
        await two.subscribe("orders")
        with pytest.raises(Misused, match="mutually exclusive"):
            await two.assign([FIRST])


async def test_another_assignment_takes_the_place_of_the_first(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        await consumer.assign([SECOND])
        assert consumer.assignment == [SECOND]
        await it.send(b"a", queue=FIRST)
        await it.send(b"b", queue=SECOND)
        assert await polled(consumer, 1) == [b"b"]
        assert await consumer.poll(60) == []


# How far


async def test_what_was_polled_counts_with_a_poll_five_seconds_later(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        await it.send(b"a", b"b", queue=FIRST)
        await polled(consumer, 2)
        await pass_time(30)
        assert await consumer.committed(FIRST) == 0
        assert await consumer.poll(0) == []
        assert await consumer.committed(FIRST) == 2
        await pass_time(6)
        assert committed(it) == 2


async def test_without_auto_commit_nothing_counts_until_it_is_committed(tmp_path):
    async with assigned(tmp_path, auto_commit=False) as (it, consumer):
        await it.send(b"a", queue=FIRST)
        await polled(consumer, 1)
        for _ in range(5):
            await consumer.poll(10)
        assert committed(it) is None
        await consumer.commit()
        await until(lambda: committed(it) == 1)


async def test_what_was_polled_and_not_committed_comes_again(tmp_path):
    async with lab(tmp_path) as it:
        async with poller(it, auto_commit=False) as consumer:
            await consumer.assign([FIRST])
            await it.send(b"a", b"b", queue=FIRST)
            assert await polled(consumer, 2) == [b"a", b"b"]
        async with poller(it) as consumer:
            await consumer.assign([FIRST])
            assert await polled(consumer, 2) == [b"a", b"b"]


async def test_a_consumer_goes_on_at_the_offset_that_it_seeks(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        await it.send(*NUMBERS, queue=FIRST)
        await polled(consumer, 5)
        await consumer.seek(FIRST, 18)
        assert await polled(consumer, 2) == NUMBERS[18:]
        await consumer.seek(FIRST, await consumer.begin(FIRST))
        assert await polled(consumer, 20) == NUMBERS
        await consumer.seek(FIRST, await consumer.end(FIRST))
        assert await consumer.poll(60) == []


async def test_a_consumer_goes_on_at_the_time_that_it_seeks(tmp_path):
    async with assigned(tmp_path) as (it, consumer):
        await it.send(b"a", queue=FIRST)
        await pass_time(60)
        noon = consumer.instance.clock.now_ms()
        await it.send(b"b", queue=FIRST)
        await polled(consumer, 2)
        await consumer.seek(FIRST, await consumer.at_time(FIRST, noon))
        assert await polled(consumer, 1) == [b"b"]


@pytest.mark.parametrize(
    ("queue", "offset", "text"),
    [
        (FIRST, 3, "Seek offset illegal, seek offset = 3, min offset = 0, max off"),
        (FIRST, -1, "Seek offset illegal"),
        (SECOND, 0, "The message queue is not in assigned list, may be rebalancing"),
    ],
)
async def test_there_are_places_that_cannot_be_sought(tmp_path, queue, offset, text):
    async with assigned(tmp_path) as (it, consumer):
        await it.send(b"a", b"b", queue=FIRST)
        with pytest.raises(Misused, match=text):
            await consumer.seek(queue, offset)


async def test_a_queue_that_is_paused_is_not_pulled_until_it_is_resumed(tmp_path):
    async with assigned(tmp_path, FIRST, SECOND) as (it, consumer):
        await it.send(b"before", queue=FIRST)
        await until(lambda: consumer.waiting)
        consumer.pause([FIRST])
        await pass_time(20)  # a pull that the broker holds comes back
        assert await polled(consumer, 1) == [b"before"]
        await it.send(b"meanwhile", queue=FIRST)
        await it.send(b"other", queue=SECOND)
        assert await polled(consumer, 1) == [b"other"]
        assert await consumer.poll(60) == []
        consumer.resume([FIRST])
        assert await polled(consumer, 1) == [b"meanwhile"]


async def test_who_does_not_poll_pulls_no_more_than_the_threshold(tmp_path):
    config = {"pull_threshold_for_queue": 10, "pull_batch_size": 4}
    async with assigned(tmp_path, config=config) as (it, consumer):
        await it.send(*NUMBERS, queue=FIRST)
        await pass_time(60)
        assert 10 < consumer.waiting < 20
        assert await polled(consumer, 20) == NUMBERS
