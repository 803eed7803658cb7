"""Where consumption begins, goes on elsewhere, and ends."""

from __future__ import annotations

import pytest

from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import MessageQueue
from tests.client.kitchen import ALL_QUEUES, lab, share
from tests.simulated import now_s, pass_time
from tests.support import until

pytestmark = pytest.mark.simulated

FIRST = ALL_QUEUES[0]


AGES_MIN = {b"oldest": 60, b"old": 45, b"new": 20}


@pytest.mark.parametrize(
    ("start", "since_min", "expected"),
    [
        (ConsumeFrom.LAST_OFFSET, None, []),
        (ConsumeFrom.FIRST_OFFSET, None, [b"oldest", b"old", b"new"]),
        (ConsumeFrom.TIMESTAMP, None, [b"new"]),
        (ConsumeFrom.TIMESTAMP, 45, [b"old", b"new"]),
    ],
)
async def test_a_member_that_nobody_remembers_begins_where_it_says(
    tmp_path, start, since_min, expected
):
    """It broadcasts: of a new group that does not, a broker says 0 here."""
    async with lab(tmp_path) as it:
        began_s = now_s()
        for body, age_min in AGES_MIN.items():
            await pass_time((60 - age_min) * 60 - (now_s() - began_s))
            await it.send(body, queue=FIRST)
        await pass_time(3600 - (now_s() - began_s))
        since_ms = since_min and it.broker.clock.now_ms() - since_min * 60_000
        about = {"start": start, "since_ms": since_ms, "broadcasting": True}
        async with it.consumer(**about) as consumer:
            await consumer.subscribe("orders")
            await pass_time(5)
            assert it.came == expected
            await it.send(b"next", queue=FIRST)
            await until(lambda: it.came == [*expected, b"next"])


@pytest.mark.parametrize("orderly", [False, True])
async def test_a_consumer_goes_on_where_the_broker_says(tmp_path, orderly):
    async with lab(tmp_path) as it, it.consumer(orderly=orderly) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"a", b"b", b"c", queue=FIRST)
        await it.until_came(3)
        consumer._share.move(FIRST, 1)
        await it.until_came(5)
        assert it.came == [b"a", b"b", b"c", b"b", b"c"]
        await until(lambda: it.offsets()[0] == 3)
        assert share(consumer) == ALL_QUEUES


async def test_a_topic_that_is_unsubscribed_is_consumed_no_more(tmp_path):
    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await it.send(b"before", queue=FIRST)
        await it.until_came(1)
        await consumer.unsubscribe("orders")
        assert it.offsets()[0] == 1
        await it.send(b"after", queue=FIRST)
        await pass_time(60)
        assert it.came == [b"before"]
        assert consumer.queues == [MessageQueue("%RETRY%kitchen", "broker-a", 0)]


async def test_offsets_that_are_gone_are_skipped_in_order_too(tmp_path):
    async with lab(tmp_path) as it:
        await it.send(b"old", queue=FIRST)
        it.broker.memory.offsets.commit("kitchen", "orders", 0, 99)
        async with it.consumer(orderly=True) as consumer:
            await consumer.subscribe("orders")
            await until(lambda: it.offsets()[0] == 1)
            await it.send(b"new", queue=FIRST)
            await it.until_came(1)
        assert it.came == [b"new"]


async def test_a_group_that_the_broker_does_not_know_is_told_what_to_do(
    tmp_path, caplog
):
    async with (
        lab(tmp_path, auto_create_subscription_group=False) as it,
        it.consumer() as consumer,
    ):
        await consumer.subscribe("orders")
        await until(lambda: "mqadmin updateSubGroup" in caplog.text)
    assert "subscription group [kitchen] does not exist" in caplog.text
