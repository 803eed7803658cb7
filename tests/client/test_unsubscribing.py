"""A topic that is unsubscribed in the middle of being shared out stays so."""

from __future__ import annotations

import pytest

from rmqlab.client.rebalance import Rebalancer
from tests.client.kitchen import balanced, lab, share
from tests.simulated import pass_time
from tests.support import until

pytestmark = pytest.mark.simulated


async def test_while_the_members_are_asked(tmp_path):
    topics, assigned = {"orders": "*"}, []

    def is_unsubscribed(own, queues, members):
        topics.clear()
        return queues

    async def assign(topic, queues):
        assigned.append(topic)

    async with lab(tmp_path) as it, it.consumer() as consumer:
        await consumer.subscribe("orders")
        await balanced(consumer)
        asks = it.producer.instance, "kitchen", lambda: list(topics), assign
        await Rebalancer(*asks).step()
        await Rebalancer(*asks, allocate=is_unsubscribed).step()
        assert not topics
        assert assigned == ["orders"]


async def test_while_its_queues_are_locked(tmp_path):
    async with lab(tmp_path) as it, it.consumer(orderly=True) as consumer:
        locks = consumer._share.locks
        take, locked = locks.take, []

        async def take_slowly(queues):
            taken = await take(queues)
            if any(one.topic == "orders" for one in taken):
                locked.extend(taken)
                await consumer.unsubscribe("orders")
            return taken

        locks.take = take_slowly
        await consumer.subscribe("orders")
        await until(lambda: locked)
        await pass_time(1)
        assert share(consumer) == []
        assert not locks.locked_ms.keys() & set(locked)
