"""What a broker passes on to clients, and what becomes of their answers."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.broker import questions as asked_of_clients
from rmqlab.broker.handlers.relay import ANSWER_S, STATUS_S
from rmqlab.broker.questions import Questions
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.admin import GetConsumerStatus, ResetOffset
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.grouping import ConsumeDirectly, GetRunningInfo
from rmqlab.protocol.membership import ConsumerData, Heartbeat
from rmqlab.protocol.messaging import HeartBeat, SendReply
from rmqlab.protocol.record import decode_all
from tests.broker.desk import Peer

INFO = GetRunningInfo("kitchen", "c1")


def consumer(desk, client="c1", version=407):
    """Return the connection of a consumer that is online."""
    peer, beat = Peer(), Heartbeat(client, consumers=[ConsumerData("kitchen")])
    desk.ask(HeartBeat(), bodies.encode(beat.to_json()), peer, version=version)
    peer.sent.clear()
    return peer


def reply(desk, peer, question, **answer):
    """Answer a question over a client's connection."""
    desk.broker._dispatch.handle(question.answer(**answer), peer)


async def test_a_question_reaches_the_client_as_it_came_but_for_its_number(desk):
    peer = consumer(desk)
    assert desk.ask(INFO) is None
    (question,) = peer.sent
    assert question.code == RequestCode.GET_CONSUMER_RUNNING_INFO
    assert question.fields == INFO.to_wire()
    assert not question.flag


async def test_a_clients_answer_reaches_the_asker_under_the_askers_number(desk):
    peer = consumer(desk)
    desk.ask(INFO)
    reply(desk, peer, peer.sent[0], code=1, remark="no", body=b"{}")
    (answer,) = desk.peer.sent
    assert (answer.opaque, answer.code, answer.remark, answer.body) == (
        7, 1, "no", b"{}",
    )  # fmt: skip
    assert answer.flag == Flag.RESPONSE


async def test_an_answer_counts_only_over_the_connection_that_was_asked(desk):
    peer, other = consumer(desk), consumer(desk, "c2")
    desk.ask(INFO)
    question = peer.sent[-1]
    reply(desk, other, question)
    reply(desk, peer, Frame(0, opaque=99))
    assert desk.peer.sent == []
    reply(desk, peer, question)
    reply(desk, peer, question)
    assert len(desk.peer.sent) == 1


async def test_an_answer_is_never_taken_for_a_request(desk):
    answer = Frame(RequestCode.GET_BROKER_RUNTIME_INFO, flag=Flag.RESPONSE)
    assert desk.broker._dispatch.handle(answer, desk.peer) is None


@pytest.mark.parametrize("group", ["kitchen", "bar"])
async def test_a_client_that_is_not_here_is_not_asked(desk, group):
    consumer(desk)
    answer = desk.ask(GetRunningInfo(group, "c9"))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == f"The Consumer <{group}> <c9> not online"


async def test_a_client_of_an_old_release_is_not_asked(desk):
    consumer(desk, version=61)
    answer = desk.ask(INFO)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.endswith("please upgrade it to V3_1_8_SNAPSHOT")


async def test_a_client_that_hangs_up_answers_no_more(desk):
    peer = consumer(desk)
    desk.ask(INFO)
    desk.broker._hung_up(peer)
    (answer,) = desk.peer.sent
    assert answer.code == ResponseCode.CONSUME_MSG_TIMEOUT
    assert answer.remark.startswith("consumer <kitchen> <c1> Timeout: wait response")


async def test_a_client_has_ten_seconds_to_answer(desk, monkeypatch):
    limits = []

    def ask(peer, question, limit_s, then):
        limits.append(limit_s)
        then(None)

    monkeypatch.setattr(desk.broker._questions, "ask", ask)
    consumer(desk)
    answer = desk.ask(INFO)
    assert answer.code == ResponseCode.CONSUME_MSG_TIMEOUT
    desk.ask(GetConsumerStatus("orders", "kitchen"))
    assert limits == [ANSWER_S, STATUS_S] == [10.0, 5.0]


async def test_a_question_whose_time_is_up_is_forgotten():
    asking, told = Questions(), asyncio.get_running_loop().create_future()
    asking.ask(Peer(), Frame(307), 0.0, told.set_result)
    assert await told is None
    assert len(asking) == 0


async def test_there_are_never_more_open_questions_than_a_bound(monkeypatch):
    monkeypatch.setattr(asked_of_clients, "MOST_OPEN", 2)
    asking = Questions()
    for _ in range(2):
        asking.ask(Peer(), Frame(307), 10.0, lambda _: None)
    with pytest.raises(Refused) as refused:
        asking.ask(Peer(), Frame(307), 10.0, lambda _: None)
    assert refused.value.code == ResponseCode.SYSTEM_BUSY
    asking.close()
    assert len(asking) == 0


async def test_a_message_to_be_consumed_directly_goes_to_the_client_whole(orders):
    peer = consumer(orders)
    msg_id = SendReply.parse(orders.send(b"this one").fields).msg_id
    asked = ConsumeDirectly("kitchen", "c1", msg_id)
    assert orders.ask(asked) is None
    (question,) = peer.sent
    (record,) = decode_all(question.body)
    assert record.body == b"this one"
    assert question.fields == asked.to_wire() | {"brokerName": "broker-a"}


@pytest.mark.parametrize("msg_id", ["", "7F", "x" * 32, "7F00000100002A9F" + "F" * 16])
async def test_a_message_that_is_not_here_is_not_consumed_directly(orders, msg_id):
    consumer(orders)
    answer = orders.ask(ConsumeDirectly("kitchen", "c1", msg_id))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == f"no message has the id {msg_id}"


def committed(desk, *offsets):
    for queue_id, offset in enumerate(offsets):
        desk.broker.memory.offsets.commit("kitchen", "orders", queue_id, offset)


def offsets_in(body):
    table = fastjson.loads(body)["offsetTable"]
    return {key.as_dict()["queueId"]: offset for key, offset in table.items()}


@pytest.mark.parametrize(
    ("timestamp", "is_force", "offsets"),
    [
        (-1, True, {0: 3, 1: 0, 2: 0, 3: 0}),
        (-1, False, {0: 1, 1: 0, 2: 0, 3: 0}),
        (0, True, {0: 0, 1: 0, 2: 0, 3: 0}),
        (0, False, {0: 0, 1: 0, 2: 0, 3: 0}),
    ],
)
async def test_clients_are_told_where_to_go_on(orders, timestamp, is_force, offsets):
    committed(orders, 1, 0, 0, 5)
    peer = consumer(orders)
    answer = orders.ask(ResetOffset("orders", "kitchen", timestamp, is_force))
    assert answer.code == ResponseCode.SUCCESS
    assert offsets_in(answer.body) == offsets
    (told,) = peer.sent
    assert told.is_oneway
    assert told.fields["isForce"] == "false"
    assert told.body == answer.body
    assert orders.broker.memory.offsets.get("kitchen", "orders", 0) == 1


async def test_for_an_asker_in_cpp_the_clients_are_told_a_list(orders):
    committed(orders, 1, 0, 0, 0)
    peer = consumer(orders)
    orders.ask(ResetOffset("orders", "kitchen", -1, is_force=True), language="CPP")
    table = fastjson.loads(peer.sent[0].body)["offsetTable"]
    assert table[0] == {
        "brokerName": "broker-a",
        "offset": 3,
        "queueId": 0,
        "topic": "orders",
    }


async def test_offsets_are_not_reset_where_one_was_never_committed(orders):
    consumer(orders)
    committed(orders, 1, 0, 0)
    answer = orders.ask(ResetOffset("orders", "kitchen", -1, is_force=True))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "THe consumer group <kitchen> not exist"


async def test_offsets_are_not_reset_of_a_topic_that_is_not_here(desk):
    answer = desk.ask(ResetOffset("orders", "kitchen", -1, is_force=True))
    assert answer.remark == (
        "[reset-offset] reset offset failed, no topic in this broker. topic=orders"
    )


async def test_offsets_are_not_reset_where_nobody_could_be_told(orders):
    committed(orders, 1, 0, 0, 0)
    answer = orders.ask(ResetOffset("orders", "kitchen", 77, is_force=True))
    assert answer.code == ResponseCode.CONSUMER_NOT_ONLINE
    assert answer.remark == (
        "Consumer not online, so can not reset offset, Group: kitchen Topic: orders "
        "Timestamp: 77"
    )


async def test_what_all_clients_tell_of_their_offsets_is_one_answer(desk):
    peers = [consumer(desk, client) for client in ("c1", "c2", "c3")]
    assert desk.ask(GetConsumerStatus("orders", "kitchen")) is None
    for peer, offset in zip(peers[:2], (4, 5), strict=True):
        table = {fastjson.Key((("queueId", 0),)): offset}
        question = next(one for one in peer.sent if one.code == 221)
        reply(desk, peer, question, body=bodies.encode({"messageQueueTable": table}))
    assert desk.peer.sent == []
    desk.broker._hung_up(peers[2])
    (answer,) = desk.peer.sent
    table = fastjson.loads(answer.body)["consumerTable"]
    assert [list(one.values()) for one in table.values()] == [[4], [5]]
    assert list(table) == ["c1", "c2"]


async def test_a_group_without_clients_tells_nothing_of_its_offsets(desk):
    answer = desk.ask(GetConsumerStatus("orders", "kitchen"))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "No Any Consumer online in the consumer group: [kitchen]"
