"""What a consumer answers when a broker asks, without any broker."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.client.answers import Answers
from rmqlab.client.instance import ClientInstance
from rmqlab.client.member import Member
from rmqlab.client.offsets import GroupOffsets
from rmqlab.client.place import Place
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.clock import ManualClock
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import queue_key, queue_of
from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.membership import ConsumerData, Subscription
from rmqlab.protocol.message import MessageQueue
from tests.support import golden_frames

QUEUE = MessageQueue("orders", "broker-a", 0)
OTHER = MessageQueue("teas", "broker-a", 0)
REAL = "064-java-4.9.7-307-GET_CONSUMER_RUNNING_INFO.response"


class Desk:
    """A consumer's tables, and what may be asked of it."""

    def __init__(self):
        place = Place(clock=ManualClock(1000))
        self.instance = ClientInstance("h:1;h:2", place=place)
        self.offsets = GroupOffsets(self.instance, "baristas")
        self.windows = {one: ProcessQueue(one, 5) for one in (QUEUE, OTHER)}
        self.locks = None
        self.moved = []
        member = Member(self.instance, ConsumerData("baristas"))
        member.subscriptions["orders"] = Subscription.of("orders", "paid")
        Answers(
            self.instance,
            member,
            self.offsets,
            self,
        )

    def move(self, queue, offset):
        self.moved.append((queue, offset))

    def ask(self, code, body=b"", **fields):
        frame = Frame(code, fields, body)
        answer = self.instance.remoting.asked[code](frame, "h:3")
        return answer and fastjson.loads(answer.body)


@pytest.fixture
def desk():
    return Desk()


def running_info(desk, stacks="false"):
    code = RequestCode.GET_CONSUMER_RUNNING_INFO
    return desk.ask(code, consumerGroup="baristas", clientId="x", jstackEnable=stacks)


def test_what_a_consumer_says_has_all_that_javas_says_of_a_queue(desk):
    found = running_info(desk)
    data = golden_frames()[REAL]
    real = fastjson.loads(data[8 + int.from_bytes(data[5:8]) :])
    assert found.keys() == real.keys()
    (queue, *_) = real["mqTable"].values()
    assert all(one.keys() == queue.keys() for one in found["mqTable"].values())
    named = {key for key in real["properties"] if key.startswith("PROP_")}
    assert named <= found["properties"].keys()


def test_a_consumer_tells_how_far_it_is_and_what_waits(desk):
    desk.offsets.update(QUEUE, 7)
    table = {queue_of(key): one for key, one in running_info(desk)["mqTable"].items()}
    assert (table[QUEUE]["commitOffset"], table[OTHER]["commitOffset"]) == (7, -1)
    assert table[QUEUE]["lastPullTimestamp"] == 5


async def test_where_its_tasks_stand_is_told_to_who_wants_to_know(desk):
    asyncio.current_task().set_name("at work")
    assert running_info(desk, stacks="true")["jstack"].startswith("at work")
    assert "jstack" not in running_info(desk)


def test_another_group_is_not_in_this_consumer(desk):
    with pytest.raises(Refused, match="The Consumer Group <tea> not exist in this"):
        desk.ask(
            RequestCode.GET_CONSUMER_RUNNING_INFO, consumerGroup="tea", clientId="x"
        )


def test_the_offsets_of_one_topic_are_told(desk):
    desk.offsets.update(QUEUE, 7)
    code = RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT
    found = desk.ask(code, topic="orders", group="baristas")
    assert found["messageQueueTable"] == {queue_key(QUEUE): 7}


def reset(desk, group="baristas"):
    elsewhere = MessageQueue("orders", "broker-b", 0)
    table = {queue_key(one): 3 for one in (QUEUE, OTHER, elsewhere)}
    fields = {"topic": "orders", "group": group, "timestamp": "-1", "isForce": "false"}
    body = bodies.encode({"offsetTable": table})
    return desk.ask(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, body, **fields)


def test_a_reset_moves_the_topics_own_queues_and_is_not_answered(desk):
    assert reset(desk) is None
    assert desk.moved == [(QUEUE, 3)]


def test_another_groups_reset_moves_nothing(desk):
    reset(desk, "tea")
    assert desk.moved == []
