"""Orderly consumers: a queue's messages one after the other, and at one member only."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from rmqlab.client import Consumed, Later
from rmqlab.client.locks import BROKERS_MS, VALID_MS
from tests.client.kitchen import ALL_QUEUES, NUMBERS, balanced, in_topic, lab, share
from tests.client.test_send_back import DEAD, Visits
from tests.simulated import pass_time
from tests.support import until

pytestmark = pytest.mark.simulated

FIRST, SECOND = ALL_QUEUES[:2]
RENEWED_S = 25


class Kitchen:
    """A slow listener of all members, which sees what happens at once and in order."""

    def __init__(self, pause_s=0.3) -> None:
        self.pause_s = pause_s
        self.came = defaultdict(list)
        self.at_work = defaultdict(int)
        self.most = 0

    async def listen(self, message):
        queue = message.queue_id
        self.at_work[queue] += 1
        self.most = max(self.most, self.at_work[queue])
        await pass_time(self.pause_s)
        self.at_work[queue] -= 1
        self.came[queue].append(message.queue_offset)


async def test_of_a_queue_one_message_is_consumed_at_a_time_in_order(tmp_path):
    kitchen = Kitchen()
    async with lab(tmp_path) as it, it.consumer(kitchen.listen, orderly=True) as one:
        await one.subscribe("orders")
        for queue in (FIRST, SECOND):
            await it.send(*NUMBERS, queue=queue)
        await until(lambda: len(kitchen.came[0]) == len(kitchen.came[1]) == 20)
        assert kitchen.most == 1
        assert kitchen.came == {0: list(range(20)), 1: list(range(20))}
        assert kitchen.at_work.keys() == {0, 1}


async def test_a_message_that_fails_suspends_its_queue_and_no_other(tmp_path):
    visits = Visits(None)

    def listen(message):
        visits(message)
        if message.body == b"bad" and message.reconsume_times < 3:
            return Consumed.SUSPEND_CURRENT_QUEUE_A_MOMENT
        return None

    async with lab(tmp_path) as it, it.consumer(listen, orderly=True) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"bad", b"next", queue=FIRST)
        await it.send(b"other", queue=SECOND)
        await until(lambda: len(visits.seen) == 6)
        of_first = [one for one in visits.seen if one.queue_id == 0]
        assert [one.body for one in of_first] == [b"bad"] * 4 + [b"next"]
        assert [one.reconsume_times for one in of_first] == [0, 1, 2, 3, 0]
        assert visits.at_s[-1] - visits.at_s[0] == pytest.approx(3, abs=0.1)
        others = [one.queue_id for one in visits.seen].index(1)
        assert visits.at_s[others] - visits.at_s[0] < 1


@pytest.mark.parametrize(
    ("outcome", "pause_s"),
    [
        (Consumed.SUSPEND_CURRENT_QUEUE_A_MOMENT, 1.0),
        (Later(suspend_ms=200), 0.2),
        (Later(suspend_ms=0), 0.01),
        (Later(suspend_ms=60_000), 30.0),
    ],
)
async def test_a_listener_may_say_how_long_its_queue_is_suspended(
    tmp_path, outcome, pause_s
):
    visits = Visits(outcome)
    async with lab(tmp_path) as it, it.consumer(visits, orderly=True) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"bad")
        await until(lambda: len(visits.seen) == 2)
        assert visits.at_s[1] - visits.at_s[0] == pytest.approx(pause_s)


async def test_what_was_tried_often_enough_is_a_dead_letter(tmp_path):
    visits = Visits()
    async with lab(tmp_path) as it:
        settings = {"max_reconsume_times": 2}
        async with it.consumer(visits, config=settings, orderly=True) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"bad", b"worse", queue=FIRST)
            await until(lambda: in_topic(it, DEAD) == 2)
        assert visits.times == [0, 1, 2] * 2
        assert it.offsets()[0] == 2


async def test_order_is_kept_while_members_come_and_go(tmp_path):
    kitchen = Kitchen()
    async with lab(tmp_path) as it, it.consumer(kitchen.listen, orderly=True) as stays:
        await stays.subscribe("orders")
        for queue in ALL_QUEUES:
            await it.send(*(b"x" for _ in range(300)), queue=queue)
        for _ in range(2):
            async with it.consumer(kitchen.listen, orderly=True) as guest:
                await guest.subscribe("orders")
                await balanced(stays, guest)
                await pass_time(10)
        await until(lambda: all(len(kitchen.came[n]) == 300 for n in range(4)))
        assert kitchen.most == 1
        assert all(offsets == list(range(300)) for offsets in kitchen.came.values())


async def test_a_member_waits_for_a_queue_whose_last_message_is_not_done(tmp_path):
    may_end, done = asyncio.Event(), []

    async def slow(message):
        await may_end.wait()
        done.append(message.queue_id)

    async with (
        lab(tmp_path) as it,
        it.consumer(slow, orderly=True) as one,
        it.consumer(orderly=True) as two,
    ):
        await one.subscribe("orders")
        await balanced(one)
        for queue in ALL_QUEUES:
            await it.send(b"slow", b"next", queue=queue)
        await two.subscribe("orders")
        await pass_time(45)
        assert (share(one), share(two), it.came) == (ALL_QUEUES[:2], [], [])
        may_end.set()
        await balanced(one, two)
        await it.until_came(2)
        assert it.came == [b"next", b"next"]


def lock(it, client_id, queue):
    """Lock a queue at the broker in another's name; return whether it could be."""
    locks = it.broker.memory.locks
    return bool(locks.lock("kitchen", client_id, [queue], it.broker.clock.now_ms()))


async def test_a_queue_that_another_has_locked_is_not_consumed_until_it_is_free(
    tmp_path,
):
    async with lab(tmp_path) as it:
        assert lock(it, "other", FIRST)
        await it.send(b"wait", queue=FIRST)
        async with it.consumer(orderly=True) as consumer:
            await consumer.subscribe("orders")
            await pass_time(50)
            assert (share(consumer), it.came) == (ALL_QUEUES[1:], [])
            await it.until_came(1)  # the lock is a minute old and nobody renewed it
        assert lock(it, "other", FIRST)


async def test_locks_are_renewed_for_as_long_as_a_queue_is_consumed(tmp_path):
    async with lab(tmp_path) as it, it.consumer(orderly=True) as consumer:
        await consumer.subscribe("orders")
        await balanced(consumer)
        await pass_time(300)
        assert not lock(it, "other", FIRST)


async def test_a_member_that_closes_gives_its_locks_back(tmp_path):
    async with lab(tmp_path) as it:
        async with it.consumer(orderly=True) as consumer:
            await consumer.subscribe("orders")
            await balanced(consumer)
            assert len(it.broker.memory.locks) == len(consumer.queues)
        assert len(it.broker.memory.locks) == 0


async def test_a_lock_that_the_broker_gave_to_another_ends_the_consuming(tmp_path):
    kitchen = Kitchen(pause_s=1)
    async with (
        lab(tmp_path) as it,
        it.consumer(kitchen.listen, orderly=True) as consumer,
    ):
        await consumer.subscribe("orders")
        await balanced(consumer)
        await it.send(*(b"x" for _ in range(100)), queue=FIRST)
        it.broker.memory.locks.unlock("kitchen", consumer.instance.client_id, [FIRST])
        assert lock(it, "other", FIRST)
        it.broker.memory.offsets.commit("kitchen", "orders", 0, 70)
        await pass_time(RENEWED_S)
        assert FIRST not in consumer.queues
        assert it.offsets()[0] == 70
        begun = len(kitchen.came[0])
        await until(lambda: len(kitchen.came[0]) > begun)
        assert kitchen.came[0][begun] == 70


async def test_without_its_master_a_queue_is_consumed_for_half_a_minute_only(tmp_path):
    kitchen = Kitchen(pause_s=1)
    async with lab(tmp_path) as it:
        async with it.consumer(kitchen.listen, orderly=True) as consumer:
            await consumer.subscribe("orders")
            await balanced(consumer)
            await it.send(*(b"x" for _ in range(100)), queue=FIRST)
            await until(lambda: kitchen.came[0])
            await it.broker.stop()
            await pass_time(VALID_MS / 1000)
            begun = len(kitchen.came[0])
            await pass_time(BROKERS_MS / 1000)
            assert len(kitchen.came[0]) <= begun + 1
            assert begun < VALID_MS / 1000 + RENEWED_S
        await it.broker.start()
