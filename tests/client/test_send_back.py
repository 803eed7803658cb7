"""What was not consumed comes again: later, elsewhere, here, or never more."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rmqlab.client import Consumed, Later
from rmqlab.client.send_back import send_back
from tests.client.kitchen import ALL_QUEUES, in_topic, lab
from tests.simulated import now_s, pass_time
from tests.support import until

pytestmark = pytest.mark.simulated

DEAD = "%DLQ%kitchen"


class Visits:
    """A listener that consumes nothing, and notes when what came for how many times."""

    def __init__(self, outcome=Consumed.RECONSUME_LATER) -> None:
        self.outcome = outcome
        self.seen = []
        self.at_s = []

    def __call__(self, message):
        self.seen.append(message)
        self.at_s.append(now_s())
        return self.outcome

    @property
    def pauses_s(self):
        pairs = zip(self.at_s, self.at_s[1:], strict=False)
        return [round(late - early, 1) for early, late in pairs]

    @property
    def times(self):
        return [one.reconsume_times for one in self.seen]


async def test_a_message_that_fails_comes_again_later_each_time_then_is_dead(tmp_path):
    visits = Visits()
    async with lab(tmp_path) as it:
        async with it.consumer(visits, config={"max_reconsume_times": 3}) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"bad", b"bad", queue=ALL_QUEUES[0])
            await until(lambda: in_topic(it, DEAD) == 2)
        assert visits.times == [0, 0, 1, 1, 2, 2, 3, 3]
        assert visits.pauses_s[1::2] == [10, 30, 60]
        assert {one.topic for one in visits.seen} == {"orders"}
        assert it.offsets()[0] == 2


async def test_unless_the_settings_say_otherwise_it_comes_again_sixteen_times(tmp_path):
    visits = Visits(Later(delay_level=1))
    async with lab(tmp_path) as it:
        async with it.consumer(visits) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"bad")
            await until(lambda: in_topic(it, DEAD))
        assert visits.times == list(range(17))
        assert set(visits.pauses_s) == {1}


async def test_a_listener_may_make_a_dead_letter_at_once(tmp_path):
    visits = Visits(Later(delay_level=-1))
    async with lab(tmp_path) as it, it.consumer(visits) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"bad")
        await until(lambda: in_topic(it, DEAD))
        assert visits.times == [0]


async def test_a_message_that_no_broker_takes_back_comes_again_here(tmp_path):
    visits, gone = Visits(), asyncio.Event()

    async def listen(message):
        await gone.wait()
        return visits(message)

    async with lab(tmp_path) as it, it.consumer(listen) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"bad", queue=ALL_QUEUES[0])
        await until(lambda: consumer.waiting)
        await it.broker.stop()
        gone.set()
        await until(lambda: len(visits.seen) == 3)
        assert visits.pauses_s == [5, 5]
        assert visits.times == [0, 1, 2]
        await it.broker.start()
        await until(lambda: it.offsets()[0] == 1)


async def test_what_a_broker_does_not_find_is_sent_to_it_anew(tmp_path):
    visits = Visits(None)
    async with lab(tmp_path) as it, it.consumer(visits) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"coffee", tags="hot", keys="7")
        await until(lambda: visits.seen)
        (first,) = visits.seen
        lost = replace(first, physical_offset=first.physical_offset + 1)
        await send_back(consumer.instance, "kitchen", lost, 0, 16)
        await until(lambda: len(visits.seen) == 2)
        again = visits.seen[1]
        assert visits.pauses_s == [10]
        assert (again.topic, again.body) == ("orders", b"coffee")
        assert (again.tags, again.keys, again.msg_id) == ("hot", "7", first.msg_id)
        assert again.reconsume_times == 1


async def test_what_was_sent_anew_often_enough_is_a_dead_letter(tmp_path):
    visits = Visits(None)
    async with lab(tmp_path) as it, it.consumer(visits) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"coffee")
        await until(lambda: visits.seen)
        (first,) = visits.seen
        lost = replace(first, physical_offset=first.physical_offset + 1)
        await send_back(consumer.instance, "kitchen", lost, 0, 1)
        await until(lambda: in_topic(it, DEAD) == 1)


async def test_what_is_being_consumed_for_too_long_is_sent_back_meanwhile(tmp_path):
    done, seen = asyncio.Event(), []

    async def sleep(message):
        seen.append(message.reconsume_times)
        if message.reconsume_times == 0:
            await done.wait()
        return Consumed.RECONSUME_LATER if message.reconsume_times == 0 else None

    async with lab(tmp_path) as it:
        async with it.consumer(sleep, config={"consume_timeout": 2}) as consumer:
            await consumer.subscribe("orders")
            await pass_time(1)
            await it.send(b"coffee", queue=ALL_QUEUES[0])
            await pass_time(100)
            assert seen == [0]
            assert it.offsets()[0] == 0
            await until(lambda: seen == [0, 1])
            assert it.offsets()[0] == 1
            done.set()  # too late: it is not sent back for a second time
            await pass_time(60)
        assert seen == [0, 1]
