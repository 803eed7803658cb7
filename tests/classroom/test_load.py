"""What sending costs: the figures of known sends, and of real ones."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom import load
from rmqlab.classroom.load import Round, cost_of_sending
from rmqlab.client.sent import SendStatus
from rmqlab.errors import RmqError, Unavailable


class Result:
    """What a send came to, as far as it is counted."""

    status = SendStatus.SEND_OK


class SlowProducer:
    """Each send takes so long on a clock that nothing else moves."""

    def __init__(self, took_s) -> None:
        self.took_s, self.now_s = took_s, 0.0
        asyncio.get_running_loop().time = lambda: self.now_s

    async def send(self, message):
        self.now_s += self.took_s
        return Result()


async def sent(took_s, seconds, senders=1):
    producer = SlowProducer(took_s)
    try:
        return await load._load(producer, "load", senders, seconds)
    finally:
        del asyncio.get_running_loop().time


async def test_sends_are_counted_until_the_time_is_up():
    found = await sent(took_s=0.25, seconds=1)
    assert found == Round([(0.25, SendStatus.SEND_OK)] * 4, 1.0)
    assert found.per_second == 4


async def test_an_answer_that_comes_late_counts_with_the_time_it_took():
    found = await sent(took_s=5, seconds=1)
    assert found.took_s == 5
    assert found.per_second == 0.2


async def test_every_one_of_the_senders_sends():
    found = await sent(took_s=0.5, seconds=0.5, senders=3)
    assert len(found.sent) == 1  # the clock was past the end for the others
    found = await sent(took_s=0.125, seconds=1, senders=3)
    assert len(found.sent) == 8


def test_nothing_sent_in_no_time_is_no_rate():
    assert Round([], 0.0).per_second == 0.0


def test_the_cost_of_sending_is_counted_from_real_sends(one_master):
    cost = one_master.cost("load", senders=4, seconds=0.2)
    assert cost.senders == 4
    assert set(cost.statuses) == {SendStatus.SEND_OK}
    assert 0 < cost.median_ms <= cost.p99_ms
    assert cost.per_second > 0
    on_disk = [
        one for one in one_master.messages_on_disk("broker-a") if one.topic == "load"
    ]
    assert sum(cost.statuses.values()) <= len(on_disk)  # the warm-up is not counted


def test_the_topic_is_made_once(one_master):
    with one_master.admin() as admin:
        admin.create_topic("narrow", queues=1)
        one_master.cost("narrow", senders=1, seconds=0.01)
        assert len(admin.queue_stats("narrow")) == 1


@pytest.mark.parametrize(("senders", "seconds"), [(0, 0.01), (1, 0.0)])
def test_where_nothing_is_sent_there_is_no_figure(
    one_master, monkeypatch, senders, seconds
):
    monkeypatch.setattr(load, "WARM_UP_S", 0.0)
    with pytest.raises(Unavailable, match="nothing was sent to idle within"):
        one_master.cost("idle", senders, seconds)


def test_a_send_that_fails_is_an_error_and_no_figure(one_master):
    with pytest.raises(RmqError, match="illegal characters"):
        cost_of_sending(one_master.name_servers, "a b", senders=1, seconds=0.01)
