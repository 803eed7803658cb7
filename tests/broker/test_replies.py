"""A reply is pushed to who asked, and who replied learns whether it came."""

from __future__ import annotations

import pytest

from rmqlab.errors import DiskFull
from rmqlab.protocol import bodies
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import PushReply
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.message import join_properties, split_properties
from rmqlab.protocol.messaging import (
    HeartBeat,
    SendReply,
    SendReplyMessage,
    SendReplyMessageV2,
)
from tests.broker.desk import Peer
from tests.support import golden_frames

TOPIC = "DefaultCluster_REPLY_TOPIC"
ASKER = "127.0.0.1@asker"
TO_ASKER = {"CORRELATION_ID": "7", "REPLY_TO_CLIENT": ASKER}


@pytest.fixture
def asker(desk):
    """A client that waits for a reply."""
    peer = Peer()
    beats(desk, peer, ASKER)
    return peer


def beats(desk, peer, client):
    body = bodies.encode(Heartbeat(client, ["askers"]).to_json())
    desk.ask(HeartBeat(), body, peer)
    peer.sent.clear()


def reply(desk, properties=TO_ASKER, kind=SendReplyMessageV2, **changes):
    text = join_properties(properties)
    return desk.send(b"42", changes.pop("topic", TOPIC), 0, text, kind, **changes)


def take(desk, asker, code=ResponseCode.SUCCESS):
    """Have the asker answer the push, and return push and final answer."""
    (push,) = asker.sent
    asker.sent.clear()
    assert desk.hand_in(push.answer(code), asker) is None
    return PushReply.parse(push.fields), push, desk.peer.sent.pop()


@pytest.mark.parametrize("kind", [SendReplyMessage, SendReplyMessageV2])
async def test_a_reply_goes_to_who_asked_and_then_its_sender_is_told(desk, asker, kind):
    assert reply(desk, kind=kind) is None
    header, push, answer = take(desk, asker)
    assert push.body == b"42"
    assert (header.topic, header.born_host) == (TOPIC, f"127.0.0.1:{desk.peer.peer[1]}")
    properties = split_properties(header.properties)
    assert properties.pop("PUSH_REPLY_TIME") == str(desk.clock.now_ms())
    assert properties == TO_ASKER
    assert answer.code == ResponseCode.SUCCESS
    assert SendReply.parse(answer.fields).queue_offset == 0


async def test_a_record_of_the_reply_is_kept(desk, asker):
    reply(desk)
    _, _, answer = take(desk, asker)
    (kept,) = desk.stored(topic=TOPIC)
    assert kept.body == b"42"
    assert kept.properties == TO_ASKER
    assert SendReply.parse(answer.fields).msg_id == kept.offset_msg_id


async def test_whether_a_record_is_kept_is_a_setting(desk_with):
    desk, peer = desk_with(store_reply_message_enable=False), Peer()
    beats(desk, peer, ASKER)
    reply(desk)
    _, _, answer = take(desk, peer)
    assert SendReply.parse(answer.fields) == SendReply("0", 0, 0)
    assert desk.stored(topic=TOPIC) == []


async def test_a_reply_is_told_to_have_come_though_no_record_could_be_kept(
    desk, asker, monkeypatch
):
    def fail(_):
        raise DiskFull("no space left")

    reply(desk)
    monkeypatch.setattr(desk.broker.store, "put", fail)
    _, _, answer = take(desk, asker)
    assert (answer.code, answer.fields["msgId"]) == (ResponseCode.SUCCESS, "0")


@pytest.mark.parametrize(
    ("properties", "remark"),
    [
        ({}, "reply message properties[REPLY_TO_CLIENT] is null"),
        (
            {"REPLY_TO_CLIENT": "gone"},
            "push reply message fail, channel of <gone> not found.",
        ),
    ],
)
def test_a_reply_to_nobody_is_refused(desk, asker, properties, remark):
    answer = reply(desk, properties)
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, remark)
    assert answer.fields["MSG_REGION"] == "DefaultRegion"
    assert asker.sent == []


def test_what_forbids_a_send_forbids_a_reply(desk, asker):
    answer = reply(desk, topic="no such")
    assert "illegal characters" in answer.remark
    assert asker.sent == []


async def test_a_reply_that_its_asker_does_not_take_is_told_so(desk, asker):
    reply(desk)
    _, _, answer = take(desk, asker, ResponseCode.SYSTEM_ERROR)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == f"push reply message to {ASKER}fail."


async def test_a_reply_whose_asker_hangs_up_is_told_so(desk, asker):
    reply(desk)
    desk.broker._hung_up(asker)
    assert desk.peer.sent.pop().remark == f"push reply message to {ASKER}fail."


async def test_push_and_answer_are_the_real_brokers(desk_with):
    frames = golden_frames()
    (name,) = (one for one in frames if "325-SEND_REPLY_MESSAGE_V2.request" in one)
    (pushed,) = (one for one in frames if "PUSH_REPLY_MESSAGE_TO_CLIENT.request" in one)
    desk, asker = desk_with(broker_cluster_name="rocketmq-cluster"), Peer()
    asked = Frame.from_bytes(frames[name][4:])
    real_push = Frame.from_bytes(frames[pushed][4:])
    desk.broker.config.listen_port = 10921
    beats(desk, asker, split_properties(asked.fields["i"])["REPLY_TO_CLIENT"])
    host, port = real_push.fields["bornHost"].split(":")
    desk.peer.peer = host, int(port)
    assert desk.hand_in(asked, desk.peer) is None
    _, push, answer = take(desk, asker)
    real = Frame.from_bytes(frames[name.replace("request", "response")][4:])
    for ours, theirs, others in (
        (push, real_push, {"storeTimestamp", "properties"}),
        (answer, real, {"msgId"}),
    ):
        assert ours.fields.keys() == theirs.fields.keys()
        same = ours.fields.keys() - others
        assert [ours.fields[key] for key in same] == [theirs.fields[k] for k in same]
        assert (ours.code, ours.body) == (theirs.code, theirs.body)
    assert properties_of(push) == properties_of(real_push)


def properties_of(push):
    properties = split_properties(push.fields["properties"])
    assert properties.pop("PUSH_REPLY_TIME").isdecimal()
    return properties
