"""What administrators and slaves ask of a broker."""

from __future__ import annotations

import pytest

from rmqlab.config import parse_properties
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import (
    CreateTopic,
    GetAllConsumerOffset,
    GetAllDelayOffset,
    GetAllGroupConfig,
    GetAllTopicConfig,
    GetBrokerConfig,
    GetRuntimeInfo,
    GetTopicStats,
)
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    GetMinOffset,
    OffsetReply,
    SendReply,
    ViewMessage,
)
from rmqlab.protocol.record import decode_all
from rmqlab.settings import BrokerRole


def create(desk, topic="orders", read=3, write=5, perm=6, kind="SINGLE_TAG"):
    return desk.ask(CreateTopic(topic, "TBW102", read, write, perm, kind, 0))


def test_a_created_topic_has_the_settings_asked_for(desk):
    assert create(desk).code == ResponseCode.SUCCESS
    topic = desk.broker.memory.topics.get("orders")
    assert (topic.read_queue_nums, topic.write_queue_nums, topic.perm) == (3, 5, 6)


def test_a_topic_created_again_is_changed(desk):
    create(desk)
    create(desk, write=1, perm=4)
    topic = desk.broker.memory.topics.get("orders")
    assert (topic.write_queue_nums, topic.perm) == (1, 4)


def test_a_created_topic_raises_the_version_that_name_servers_compare(desk):
    before = desk.broker.memory.topics.version
    create(desk)
    assert desk.broker.memory.topics.version == before + 1


def test_a_created_topic_is_in_the_file_before_it_is_acknowledged(desk, tmp_path):
    create(desk)
    assert '"orders"' in (tmp_path / "broker-a-0/config/topics.json").read_text()


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "The specified topic is blank."),
        ("two words", "The specified topic contains illegal characters"),
        ("a" * 128, "The specified topic is longer than topic max length."),
        ("TBW102", "The topic[TBW102] is conflict with system topic."),
        ("SELF_TEST_TOPIC", "The topic[SELF_TEST_TOPIC] is conflict with system"),
    ],
)
def test_a_topic_that_may_not_be_created_is_refused(desk, topic, why):
    answer = create(desk, topic)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith(why)


def test_a_filter_type_that_there_is_not_is_refused_with_those_that_are(desk):
    answer = create(desk, kind="NO_TAG")
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert "'SINGLE_TAG', 'MULTI_TAG'" in answer.remark


def test_a_slave_creates_no_topics(desk_with):
    answer = create(desk_with(role=BrokerRole.SLAVE))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith("Can't modify topic or subscription group from sla")


def test_a_topics_statistics_have_a_row_for_each_write_queue(orders):
    answer = orders.ask(GetTopicStats("orders"))
    table = fastjson.loads(answer.body)["offsetTable"]
    rows = {key.as_dict()["queueId"]: value for key, value in table.items()}
    assert rows[0] == {
        "minOffset": 0,
        "maxOffset": 3,
        "lastUpdateTimestamp": orders.clock.now_ms(),
    }
    empty = {"minOffset": 0, "maxOffset": 0, "lastUpdateTimestamp": 0}
    assert [rows[queue_id] for queue_id in (1, 2, 3)] == [empty] * 3


def test_statistics_of_an_unknown_topic_are_refused(desk):
    answer = desk.ask(GetTopicStats("orders"))
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark == "topic[orders] not exist"


@pytest.mark.parametrize(
    ("topic", "queue_id", "low", "high"),
    [("orders", 0, 0, 3), ("orders", 1, 0, 0), ("unknown", 0, 0, 0)],
)
def test_a_queues_first_and_next_offset_are_told(orders, topic, queue_id, low, high):
    least = orders.ask(GetMinOffset(topic, queue_id))
    most = orders.ask(GetMaxOffset(topic, queue_id))
    assert OffsetReply.parse(least.fields).offset == low
    assert OffsetReply.parse(most.fields).offset == high


def test_a_message_is_viewed_by_the_offset_in_its_id(orders):
    reply = SendReply.parse(orders.send(b"the one").fields)
    answer = orders.ask(ViewMessage(int(reply.msg_id[-16:], 16)))
    (record,) = decode_all(answer.body)
    assert record.body == b"the one"


@pytest.mark.parametrize("offset", [-1, 1, 1 << 40])
def test_an_offset_at_which_no_message_starts_is_refused(orders, offset):
    answer = orders.ask(ViewMessage(offset))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == f"can not find message by the offset, {offset}"


def test_slaves_are_given_the_broker_s_tables(orders):
    orders.broker.memory.offsets.commit("kitchen", "orders", 0, 2)
    orders.broker.memory.groups.find_or_create("kitchen", 0)

    def table(header):
        return fastjson.loads(orders.ask(header).body)

    assert "orders" in table(GetAllTopicConfig())["topicConfigTable"]
    assert "kitchen" in table(GetAllGroupConfig())["subscriptionGroupTable"]
    assert "orders@kitchen" in table(GetAllConsumerOffset())["offsetTable"]
    assert table(GetAllDelayOffset()) == {"offsetTable": {}}


def test_a_broker_tells_its_settings_as_properties(desk):
    answer = desk.ask(GetBrokerConfig())
    found = {one.key: one.value for one in parse_properties(answer.body)}
    assert found["brokerName"] == "broker-a"
    assert found["brokerRole"] == "ASYNC_MASTER"
    assert found["autoCreateTopicEnable"] == "true"


def test_a_broker_tells_what_it_measures(orders):
    log_end = orders.broker.store.log.end
    orders.clock.advance(93_784_000)
    answer = orders.ask(GetRuntimeInfo())
    found = fastjson.loads(answer.body)["table"]
    assert found["commitLogMaxOffset"] == str(log_end)
    assert found["remainHowManyDataToFlush"] == f"{log_end} B"
    assert found["haSlaveCount"] == "0"
    assert found["brokerVersionDesc"] == "V4_9_7"
    assert found["runtime"] == "[ 1 days, 2 hours, 3 minutes, 4 seconds ]"


def test_a_request_that_a_broker_does_not_know_is_refused_by_number(desk):
    class Unknown:
        CODE = RequestCode.GET_ROUTEINFO_BY_TOPIC

        @staticmethod
        def to_wire():
            return {}

    answer = desk.ask(Unknown)
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    assert answer.remark == " request type 105 not supported"


def test_an_answer_has_the_number_and_the_header_format_of_its_question(desk):
    asked = Frame(RequestCode.GET_BROKER_RUNTIME_INFO, opaque=41, format=1)
    answer = desk.broker._dispatch.handle(asked, desk.peer)
    assert (answer.opaque, answer.format) == (41, 1)
