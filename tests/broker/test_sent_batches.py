"""Batches: several messages of one queue, stored together or not at all."""

from __future__ import annotations

import pytest

from rmqlab.protocol import batch
from rmqlab.protocol.batch import Part
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.messaging import (
    SendBatch,
    SendMessage,
    SendMessageV2,
    SendReply,
)
from rmqlab.settings import BrokerRole

THREE = [Part(letter.encode(), f"KEYS\x01{letter}".encode()) for letter in "abc"]


def send(desk, parts, **changes):
    body = parts if isinstance(parts, bytes) else batch.encode(parts)
    return desk.send(body, **{"kind": SendBatch, **changes})


@pytest.mark.parametrize(
    "way", [(SendBatch, None), (SendMessage, True), (SendMessageV2, True)]
)
def test_a_batch_is_stored_as_messages_of_one_queue(desk, way):
    kind, says = way
    desk.send(b"before", queue_id=2)
    answer = send(desk, THREE, queue_id=2, kind=kind, batch=says)
    reply = SendReply.parse(answer.fields)
    _, *found = desk.stored(2)
    assert answer.code == ResponseCode.SUCCESS
    assert (reply.queue_id, reply.queue_offset) == (2, 1)
    assert reply.msg_id.split(",") == [one.offset_msg_id for one in found]
    assert [(one.queue_offset, one.body) for one in found] == [
        (1, b"a"),
        (2, b"b"),
        (3, b"c"),
    ]


@pytest.mark.parametrize("end", ["", "\x02"])
def test_each_message_has_its_own_properties_and_the_requests(desk, end):
    parts = [Part(b"a", f"KEYS\x01k{end}".encode(), 5), Part(b"b")]
    send(desk, parts, properties=f"WAIT\x01true{end}", flag=9)
    first, second = desk.stored()
    common = {"WAIT": "true", "CLUSTER": "DefaultCluster"}
    assert (first.flag, first.properties) == (5, {"KEYS": "k"} | common)
    assert (second.flag, second.properties) == (0, common)


def test_a_batch_of_one_whose_message_asks_for_a_delay_comes_at_once(desk):
    send(desk, [Part(b"a", b"DELAY\x013")])
    assert [one.body for one in desk.stored()] == [b"a"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "(a batch without any message)"),
        (b"coffee", "(the batch's message at byte 0: 6 bytes are left"),
        (batch.encode(THREE)[:-1], "(the batch's message at byte 58"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_and_says_why(desk, body, why):
    answer = send(desk, body)
    assert answer.code == ResponseCode.MESSAGE_ILLEGAL
    assert why in answer.remark
    assert desk.stored() == []


@pytest.mark.parametrize(
    "changes", [{"properties": "DELAY\x011"}, {"sys_flag": SysFlag.TRANSACTION_COMMIT}]
)
def test_a_delayed_or_transactional_batch_is_illegal(desk, changes):
    answer = send(desk, THREE, **changes)
    assert answer.code == ResponseCode.MESSAGE_ILLEGAL
    assert desk.stored() == []


@pytest.mark.parametrize(
    ("bytes_allowed", "code"),
    [(87, ResponseCode.SUCCESS), (86, ResponseCode.MESSAGE_ILLEGAL)],
)
def test_a_batch_as_a_whole_is_no_longer_than_a_body_may_be(
    desk_with, bytes_allowed, code
):
    assert len(batch.encode(THREE)) == 87
    assert send(desk_with(max_message_size=bytes_allowed), THREE).code == code


def test_a_batch_that_no_file_of_the_log_holds_is_refused_whole(desk_with):
    desk = desk_with(mapped_file_size_commit_log=1000)
    answer = send(desk, [Part(bytes(300))] * 3)
    send(desk, [Part(bytes(300))] * 2)
    assert answer.code == ResponseCode.MESSAGE_ILLEGAL
    assert [one.queue_offset for one in desk.stored()] == [0, 1]


def test_one_message_with_too_many_properties_keeps_all_of_a_batch_out(desk):
    parts = [Part(b"a"), Part(b"b", b"x\x01" + b"y" * 32_750)]
    answer = send(desk, parts)
    assert answer.code == ResponseCode.MESSAGE_ILLEGAL
    assert desk.stored() == []


def test_a_batch_to_a_topic_of_many_tags_says_so_in_each_message(desk):
    topic = TopicConfig("orders", topic_filter_type="MULTI_TAG")
    desk.broker.memory.topics.put(topic, 0)
    send(desk, THREE)
    assert {one.sys_flag for one in desk.stored()} == {SysFlag.MULTI_TAGS}


def test_a_slave_takes_no_batch(desk_with):
    answer = send(desk_with(role=BrokerRole.SLAVE), THREE)
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
