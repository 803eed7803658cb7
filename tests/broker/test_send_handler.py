"""Sending: what is stored, and what is refused with which of RocketMQ's codes."""

from __future__ import annotations

import pytest

from rmqlab.errors import DiskFull
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import Permission, ResponseCode, SysFlag
from rmqlab.protocol.message import NOT_SENDABLE
from rmqlab.protocol.messaging import SendMessage, SendMessageV2, SendReply
from rmqlab.settings import BrokerRole
from rmqlab.store.real_disk import RealDisk

BOTH_KINDS = pytest.mark.parametrize("kind", [SendMessage, SendMessageV2])


@BOTH_KINDS
def test_a_message_is_stored_and_the_answer_says_where(desk, kind):
    desk.send(b"first", kind=kind)
    answer = desk.send(b"second", kind=kind)
    reply = SendReply.parse(answer.fields)
    (_, second) = desk.stored()
    assert answer.code == ResponseCode.SUCCESS
    assert (reply.queue_id, reply.queue_offset) == (0, 1)
    assert reply.msg_id == second.offset_msg_id
    assert second.body == b"second"


@BOTH_KINDS
def test_a_stored_message_keeps_what_its_sender_said(desk, kind):
    desk.send(flag=5, kind=kind, reconsume_times=3)
    (message,) = desk.stored()
    assert message.flag == 5
    assert message.reconsume_times == 3
    assert message.born_host == desk.peer.peer
    assert message.store_timestamp == desk.clock.now_ms()


def test_properties_stay_the_text_that_came_without_wait_and_with_the_cluster(desk):
    desk.send(properties="b\x01 2 \x02WAIT\x01true\x02a\x011\x02")
    (message,) = desk.stored()
    found = list(message.properties.items())
    assert found == [("b", " 2 "), ("a", "1"), ("CLUSTER", "DefaultCluster")]


def test_the_answer_names_region_and_tracing(desk):
    fields = desk.send().fields
    assert (fields["MSG_REGION"], fields["TRACE_ON"]) == ("DefaultRegion", "true")


def test_a_queue_below_zero_lets_the_broker_choose(desk):
    for _ in range(40):
        desk.send(queue_id=-1)
    counts = [len(desk.stored(queue_id)) for queue_id in range(4)]
    assert sum(counts) == 40
    assert all(counts)


@pytest.mark.parametrize(("wished", "made"), [(1, 1), (3, 3), (8, 8), (100, 8)])
def test_a_new_topic_has_the_queues_wished_for_up_to_the_default_topics(
    desk, wished, made
):
    assert desk.send(queues=wished).code == ResponseCode.SUCCESS
    topic = desk.broker.memory.topics.get("orders")
    assert (topic.read_queue_nums, topic.write_queue_nums) == (made, made)


def test_the_default_topics_queues_are_a_setting(desk_with):
    desk = desk_with(default_topic_queue_nums=2)
    desk.send(queues=4)
    assert desk.broker.memory.topics.get("orders").write_queue_nums == 2


def test_a_new_topic_may_be_read_and_written_and_not_inherited_from(desk):
    desk.send()
    permission = desk.broker.memory.topics.get("orders").perm
    assert permission == Permission.READ | Permission.WRITE


def test_a_new_topic_is_in_the_file_before_its_first_message_is_acknowledged(
    desk, tmp_path
):
    desk.send()
    text = (tmp_path / "broker-a-0/config/topics.json").read_text()
    assert '"orders"' in text


def test_no_topic_is_made_where_auto_creation_is_off(desk_with):
    desk = desk_with(auto_create_topic_enable=False)
    answer = desk.send()
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark.startswith("topic[orders] not exist, apply first please!")
    assert desk.broker.memory.topics.get("orders") is None


def test_a_default_topic_from_the_file_lends_nothing_where_auto_creation_is_off(
    desk_with,
):
    desk = desk_with(auto_create_topic_enable=False)
    everything = Permission.READ | Permission.WRITE | Permission.INHERIT
    desk.broker.memory.topics.put(TopicConfig("TBW102", 8, 8, everything), 0)
    assert desk.send().code == ResponseCode.TOPIC_NOT_EXIST


def test_any_topic_that_may_be_inherited_from_can_be_the_default(desk_with):
    desk = desk_with(auto_create_topic_enable=False)
    answer = desk.send(default_topic="DefaultCluster", queues=3)
    assert answer.code == ResponseCode.SUCCESS
    assert desk.broker.memory.topics.get("orders").write_queue_nums == 3


def test_a_topic_that_may_not_be_inherited_from_makes_none(desk):
    desk.send(topic="plain")
    answer = desk.send(topic="orders", default_topic="plain")
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST


def test_a_retry_topic_is_made_wherever_it_is_missing(desk_with):
    desk = desk_with(auto_create_topic_enable=False)
    assert desk.send(topic="%RETRY%kitchen").code == ResponseCode.SUCCESS
    assert desk.broker.memory.topics.get("%RETRY%kitchen").write_queue_nums == 1


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "The specified topic is blank."),
        (" ", "The specified topic is blank."),
        ("two words", "The specified topic contains illegal characters"),
        ("orders!", "The specified topic contains illegal characters"),
        ("kaffee☕", "The specified topic contains illegal characters"),
        ("../orders", "The specified topic contains illegal characters"),
        ("a" * 128, "The specified topic is longer than topic max length."),
    ],
)
def test_a_topic_with_an_illegal_name_is_refused(desk, topic, why):
    answer = desk.send(topic=topic)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith(why)


def test_a_topic_may_have_127_characters_of_every_legal_kind(desk):
    assert desk.send(topic="aZ09_-%|".ljust(127, "x")).code == ResponseCode.SUCCESS


@pytest.mark.parametrize("topic", sorted(NOT_SENDABLE))
def test_the_brokers_own_topics_are_not_for_senders(desk, topic):
    answer = desk.send(topic=topic)
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == f"Sending message to topic[{topic}] is forbidden."


def test_an_ordered_topic_is_refused_by_a_broker_without_write_permission(desk_with):
    desk = desk_with(broker_permission=4)
    desk.broker.memory.topics.put(TopicConfig("orders", order=True), 0)
    answer = desk.send()
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "the broker[127.0.0.1] sending message is forbidden"


def test_as_in_rocketmq_a_brokers_missing_write_permission_is_the_clients_to_heed(
    desk_with,
):
    desk = desk_with(broker_permission=4)
    assert desk.send().code == ResponseCode.SUCCESS
    assert (
        desk.broker.memory.topics.registered().topics["orders"].perm == Permission.READ
    )


def test_a_queue_that_the_topic_does_not_have_is_refused(desk):
    answer = desk.send(queue_id=4, queues=4)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith(
        "request queueId[4] is illegal, TopicConfig [topicName=orders, readQueueNums=4"
    )


@pytest.mark.parametrize(
    ("size", "code"),
    [(1000, ResponseCode.SUCCESS), (1001, ResponseCode.MESSAGE_ILLEGAL)],
)
def test_a_body_may_be_as_long_as_the_setting_says(desk_with, size, code):
    desk = desk_with(max_message_size=1000)
    assert desk.send(bytes(size)).code == code


def test_a_body_that_is_too_long_is_refused_with_the_limit(desk_with):
    answer = desk_with(max_message_size=1000).send(bytes(1001))
    assert "msg body length limit 1000B" in answer.remark


def test_properties_longer_than_the_format_holds_are_refused(desk):
    answer = desk.send(properties="a\x01" + "x" * 32_767)
    assert answer.code == ResponseCode.MESSAGE_ILLEGAL


def test_a_refused_message_leaves_no_gap(desk):
    desk.send(b"one")
    desk.send(b"two", properties="a\x01" + "x" * 32_767)
    desk.send(b"three")
    assert [(one.queue_offset, one.body) for one in desk.stored()] == [
        (0, b"one"),
        (1, b"three"),
    ]


def test_a_slave_refuses_writes(desk_with):
    desk = desk_with(role=BrokerRole.SLAVE)
    answer = desk.send()
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
    assert "messages are put to the slave" in answer.remark


class FullDisk(RealDisk):
    """A disk on which whoever writes learns that there is no room."""

    is_full = False

    def open(self, path, size):
        file = super().open(path, size)
        write = file.write

        def write_if_room(offset, data):
            if self.is_full:
                raise DiskFull(f"cannot write {path}: No space left on device")
            write(offset, data)

        file.write = write_if_room
        return file


def test_a_full_disk_is_told_and_takes_messages_again_once_there_is_room(desk_with):
    disk = FullDisk()
    desk = desk_with(disk=disk)
    desk.send(b"before")
    disk.is_full = True
    answer = desk.send(b"too much")
    disk.is_full = False
    desk.send(b"after")
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
    assert "No space left on device" in answer.remark
    assert [one.body for one in desk.stored()] == [b"before", b"after"]


@pytest.mark.parametrize("number", [{"flag": 2**31}, {"reconsume_times": 2**64}])
def test_a_number_that_fits_no_field_of_a_record_makes_no_message(desk, number):
    desk.send()
    assert desk.send(**number).code == ResponseCode.MESSAGE_ILLEGAL
    assert desk.send().fields["queueOffset"] == "1"


def test_what_a_sender_says_of_the_size_of_addresses_is_not_believed(desk):
    sys_flag = SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6 | SysFlag.MULTI_TAGS
    assert desk.send(sys_flag=int(sys_flag)).code == ResponseCode.SUCCESS
    (message,) = desk.stored()
    assert message.sys_flag == SysFlag.MULTI_TAGS
