"""Offsets of groups: told, asked, compared and cloned."""

from __future__ import annotations

import pytest

from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.grouping import CloneGroupOffset, QueryCorrectionOffset
from rmqlab.protocol.messaging import (
    OffsetReply,
    QueryConsumerOffset,
    UpdateConsumerOffset,
)
from rmqlab.protocol.record import Record, encode
from tests.broker.desk import BORN_MS
from tests.support import HOST

FARTHEST = 2**63 - 1


def offset_of(desk, group="kitchen", queue_id=0, topic="orders"):
    answer = desk.ask(QueryConsumerOffset(group, topic, queue_id))
    return OffsetReply.parse(answer.fields).offset


def commit(desk, group, *offsets, topic="orders"):
    for queue_id, offset in enumerate(offsets):
        desk.ask(UpdateConsumerOffset(group, topic, queue_id, offset))


def test_a_committed_offset_is_told_to_who_asks(orders):
    answer = orders.ask(UpdateConsumerOffset("kitchen", "orders", 0, 2))
    assert answer.code == ResponseCode.SUCCESS
    assert offset_of(orders) == 2


def test_an_offset_may_go_back(orders):
    commit(orders, "kitchen", 3)
    commit(orders, "kitchen", 1)
    assert offset_of(orders) == 1


def test_offsets_are_a_groups_own(orders):
    commit(orders, "kitchen", 2)
    assert offset_of(orders, "bar") == 0


@pytest.mark.parametrize("committed", [[], [-1]])
def test_a_new_group_of_a_young_queue_begins_at_0(orders, committed):
    commit(orders, "kitchen", *committed)
    assert offset_of(orders) == 0


def not_found(desk):
    answer = desk.ask(QueryConsumerOffset("kitchen", "orders", 0))
    return answer.code == ResponseCode.QUERY_NOT_FOUND and answer.remark


NOT_FOUND = "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"


def old_queue(desk):
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    host = (HOST, 1)
    record = Record("orders", 0, b"late", b"", 0, 0, BORN_MS, host, BORN_MS, host)
    record.queue_offset = 70
    desk.broker.store.copy(0, encode(record))
    desk.broker.store.dispatch()


def test_a_new_group_of_a_queue_whose_first_message_is_gone_has_no_offset(desk):
    old_queue(desk)
    assert not_found(desk) == NOT_FOUND


def test_a_new_group_of_a_queue_whose_first_message_is_far_back_has_no_offset(
    orders,
):
    orders.broker.store.reading.memory_bytes = 0
    assert not_found(orders) == NOT_FOUND


def test_a_new_group_of_a_queue_without_messages_begins_at_0(orders):
    orders.broker.store.reading.memory_bytes = 0
    assert offset_of(orders, queue_id=1) == 0


def corrections(desk, compared, without=None, topic="orders"):
    answer = desk.ask(QueryCorrectionOffset(topic, compared, without))
    assert answer.code == ResponseCode.SUCCESS
    return fastjson.loads(answer.body)["correctionOffsets"]


def test_the_slowest_group_of_each_queue_is_told(orders):
    commit(orders, "kitchen", 3, 5)
    commit(orders, "bar", 2, 7)
    commit(orders, "shop", 0, topic="payments")
    assert corrections(orders, "kitchen") == {0: 2, 1: 5}


def test_a_group_behind_all_others_that_count_is_told_so(orders):
    commit(orders, "kitchen", 1, 5)
    commit(orders, "bar", 2, 2)
    commit(orders, "shop", 0, 0)
    assert corrections(orders, "kitchen", "kitchen,shop") == {0: FARTHEST, 1: 2}
    assert offset_of(orders, "shop") == 0


def test_an_offset_of_what_is_gone_does_not_count(desk):
    old_queue(desk)
    commit(desk, "kitchen", 70)
    commit(desk, "bar", 60)
    assert corrections(desk, "kitchen") == {0: 70}
    assert corrections(desk, "bar") == {0: FARTHEST}


def clone(desk, *where, **how):
    answer = desk.ask(CloneGroupOffset("kitchen", "bar", *where, **how))
    assert answer.code == ResponseCode.SUCCESS
    table = desk.broker.memory.offsets.to_json()["offsetTable"]
    return {key: found for key, found in table.items() if key.endswith("@bar")}


@pytest.fixture
def two_topics(orders):
    orders.send(topic="payments")
    commit(orders, "kitchen", 3, 1)
    commit(orders, "kitchen", 1, topic="payments")
    commit(orders, "kitchen", 1, topic="gone")
    return orders


def test_a_group_is_given_the_offsets_of_another_in_one_topic(two_topics):
    assert clone(two_topics, "orders") == {"orders@bar": {0: 3, 1: 1}}
    commit(two_topics, "bar", 9)
    assert offset_of(two_topics, "kitchen") == 3


@pytest.mark.parametrize("topic", [None, " "])
def test_without_a_topic_a_group_is_given_offsets_in_all_that_are_here(
    two_topics, topic
):
    assert list(clone(two_topics, topic)) == ["orders@bar", "payments@bar"]


@pytest.mark.parametrize(("offline", "cloned"), [(False, []), (True, ["orders@bar"])])
def test_a_topic_that_the_online_group_does_not_consume_is_not_cloned(
    two_topics, offline, cloned
):
    two_topics.beat(topics=[("payments", "*")])
    assert list(clone(two_topics, "orders", offline=offline)) == cloned


def test_nothing_is_cloned_of_a_group_without_offsets(orders):
    assert clone(orders, "orders") == {}
