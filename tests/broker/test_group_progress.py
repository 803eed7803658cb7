"""Who belongs to groups, and how far they are, as administrators ask it."""

from __future__ import annotations

import pytest

from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.admin import (
    GetAllConsumeStats,
    GetAllProducers,
    GetConsumerConnections,
    GetConsumeStats,
    GetConsumeTimeSpan,
    GetProducerConnections,
    GetTopicGroups,
    QueryConsumeQueue,
)
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.messaging import HeartBeat
from tests.broker.desk import BORN_MS, Peer


def asked(desk, header):
    return fastjson.loads(desk.ask(header).body)


def by_queue(found):
    table = found["offsetTable"].items()
    return {
        (one.as_dict()["topic"], one.as_dict()["queueId"]): row for one, row in table
    }


def by_group(found):
    return {name: of for one in found["consumeStatsList"] for name, of in one.items()}


def produces(desk, *groups, **frame):
    peer, beat = Peer(), Heartbeat("p1", list(groups))
    desk.ask(HeartBeat(), bodies.encode(beat.to_json()), peer, **frame)
    return f"{peer.peer[0]}:{peer.peer[1]}"


def test_a_groups_clients_are_told_with_language_and_version(desk):
    peer = Peer()
    desk.beat(topics=[("orders", "paid")], client="c1", peer=peer)
    found = asked(desk, GetConsumerConnections("kitchen"))
    assert found["connectionSet"] == [
        {
            "clientAddr": f"{peer.peer[0]}:{peer.peer[1]}",
            "clientId": "c1",
            "language": "PYTHON",
            "version": 407,
        }
    ]
    assert found["subscriptionTable"]["orders"]["tagsSet"] == ["paid"]
    assert found["messageModel"] == "CLUSTERING"


def test_a_consumer_group_without_clients_is_not_online(desk):
    answer = desk.ask(GetConsumerConnections("kitchen"))
    assert answer.code == ResponseCode.CONSUMER_NOT_ONLINE
    assert answer.remark == "the consumer group[kitchen] not online"


def test_producers_are_told_as_their_frames_name_them(desk):
    address = produces(desk, "shop", language="CPP", version=293)
    found = asked(desk, GetProducerConnections("shop"))["connectionSet"]
    assert found == [
        {"clientAddr": address, "clientId": "p1", "language": "CPP", "version": 293}
    ]
    everyone = asked(desk, GetAllProducers())["data"]
    assert list(everyone) == ["shop"]
    assert everyone["shop"][0]["remoteIP"] == f"/{address}"
    assert everyone["shop"][0]["lastUpdateTimestamp"] == BORN_MS


def test_a_producer_group_without_clients_does_not_exist(desk):
    answer = desk.ask(GetProducerConnections("shop"))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "the producer group[shop] not exist"


def test_a_groups_progress_has_a_row_for_each_read_queue(orders):
    orders.broker.memory.offsets.commit("kitchen", "orders", 0, 2)
    rows = by_queue(asked(orders, GetConsumeStats("kitchen", "orders")))
    assert rows["orders", 0] == {
        "brokerOffset": 3,
        "consumerOffset": 2,
        "lastTimestamp": BORN_MS,
    }
    nothing = {"brokerOffset": 0, "consumerOffset": 0, "lastTimestamp": 0}
    assert [rows["orders", queue_id] for queue_id in (1, 2, 3)] == [nothing] * 3


def test_without_a_topic_all_that_the_group_committed_to_are_told(orders):
    orders.send(topic="returns")
    offsets = orders.broker.memory.offsets
    for topic in ("orders", "returns", "deleted"):
        offsets.commit("kitchen", topic, 0, 1)
    rows = by_queue(asked(orders, GetConsumeStats("kitchen")))
    assert {topic for topic, _ in rows} == {"orders", "returns"}


def test_a_topic_that_an_online_group_no_longer_wants_is_left_out(orders):
    orders.broker.memory.offsets.commit("kitchen", "orders", 0, 1)
    orders.beat(topics=[("returns", "*")])
    assert by_queue(asked(orders, GetConsumeStats("kitchen"))) == {}
    assert asked(orders, GetConsumeStats("kitchen"))["consumeTps"] == 0.0


def test_all_groups_progress_is_told_with_what_is_behind_in_all(orders):
    memory = orders.broker.memory
    for group, offset in (("kitchen", 1), ("bar", 3)):
        memory.groups.find_or_create(group, 0)
        memory.offsets.commit(group, "orders", 0, offset)
    found = asked(orders, GetAllConsumeStats(is_order=False))
    assert found["totalDiff"] == 2
    groups = {
        name: rows for one in found["consumeStatsList"] for name, rows in one.items()
    }
    assert groups["TOOLS_CONSUMER"] == []
    assert by_queue(groups["bar"][0])["orders", 0]["consumerOffset"] == 3
    ordered = asked(orders, GetAllConsumeStats(is_order=True))
    assert by_group(ordered) == {name: [] for name in groups}


def test_the_groups_of_a_topic_are_those_online_and_those_with_offsets(orders):
    orders.beat("kitchen", [("orders", "*")])
    for group in ("bar", "kitchen"):
        orders.broker.memory.offsets.commit(group, "orders", 0, 1)
    found = asked(orders, GetTopicGroups("orders"))
    assert found == {"groupList": ["kitchen", "bar"]}


def test_a_time_span_has_the_oldest_the_newest_and_the_consumed_message(desk):
    for _ in range(3):
        desk.send()
        desk.clock.advance(1000)
    desk.broker.store.dispatch()
    desk.broker.memory.offsets.commit("kitchen", "orders", 0, 2)
    spans = asked(desk, GetConsumeTimeSpan("orders", "kitchen"))["consumeTimeSpanSet"]
    assert spans[0] == {
        "consumeTimeStamp": BORN_MS + 1000,
        "consumeTimeStampStr": "2023-11-14#22:13:21:000",
        "delayTime": 1000,
        "maxTimeStamp": BORN_MS + 2000,
        "maxTimeStampStr": "2023-11-14#22:13:22:000",
        "messageQueue": {"brokerName": "broker-a", "queueId": 0, "topic": "orders"},
        "minTimeStamp": BORN_MS,
        "minTimeStampStr": "2023-11-14#22:13:20:000",
    }
    assert spans[1]["minTimeStamp"] == spans[1]["maxTimeStamp"] == -1


def test_a_time_span_of_an_unknown_topic_is_refused(desk):
    answer = desk.ask(GetConsumeTimeSpan("orders", "kitchen"))
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark == "topic[orders] not exist"


def test_entries_of_a_queue_say_whether_a_group_wants_them(desk):
    for tag in ("paid", "sent"):
        desk.send(properties=f"TAGS\x01{tag}")
    desk.broker.store.dispatch()
    desk.beat(topics=[("orders", "paid")])
    found = asked(desk, QueryConsumeQueue("orders", 0, 0, 9, "kitchen"))
    assert [one["eval"] for one in found["queueData"]] == [True, False]
    assert found["subscriptionData"]["subString"] == "paid"
    assert (found["minQueueIndex"], found["maxQueueIndex"]) == (0, 2)
    found = asked(desk, QueryConsumeQueue("orders", 0, 1, 1, "bar"))
    assert found["filterData"] == "bar@orders is not online!"
    assert len(found["queueData"]) == 1


@pytest.mark.parametrize(
    ("queue_id", "index", "code", "remark"),
    [
        (5, 0, ResponseCode.SYSTEM_ERROR, "5@orders is not exist!"),
        (0, 3, ResponseCode.SUCCESS, "Index 3 of 0@orders is not exist!"),
        (0, -1, ResponseCode.SUCCESS, "Index -1 of 0@orders is not exist!"),
    ],
)
def test_entries_that_are_not_there_are_said_not_to_exist(
    orders, queue_id, index, code, remark
):
    answer = orders.ask(QueryConsumeQueue("orders", queue_id, index, 1))
    assert (answer.code, answer.remark) == (code, remark)
