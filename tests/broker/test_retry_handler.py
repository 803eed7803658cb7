"""Sending back: what failed comes again later, or is a dead letter."""

from __future__ import annotations

import pytest

from rmqlab.protocol.bodies import GroupConfig, TopicConfig
from rmqlab.protocol.codes import Permission, ResponseCode, TopicSysFlag
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.protocol.messaging import SendBack, SendReply
from rmqlab.settings import BrokerRole

RETRY, DEAD = "%RETRY%kitchen", "%DLQ%kitchen"
BEFORE_3_4_9 = 120


def fail(desk, offset=0, level=0, most=16, group="kitchen", version=407, **changes):
    header = SendBack(offset, group, level, max_reconsume_times=most, **changes)
    return desk.ask(header, version=version)


def waiting(desk, level):
    """Return what lies in the schedule topic's queue of a level."""
    return desk.stored(level - 1, SCHEDULE_TOPIC)


def failed_before(desk, times, **changes):
    """Have a message that was consumed so often already; return its log offset."""
    desk.send(b"again", topic=RETRY, reconsume_times=times, max_reconsume_times=99)
    return desk.stored(0, RETRY)[0].physical_offset


def set_group(desk, **changes):
    desk.broker.memory.groups.find_or_create("kitchen", 0)
    desk.broker.memory.groups._groups["kitchen"] = GroupConfig("kitchen", **changes)


def test_a_copy_waits_ten_seconds_and_keeps_what_the_message_was(desk):
    desk.send(b"tea", properties="KEYS\x017\x02TAGS\x01hot\x02WAIT\x01true", flag=5)
    (original,) = desk.stored()
    desk.clock.advance(60_000)
    answer = fail(desk)
    (copy,) = waiting(desk, 3)
    assert (answer.code, answer.fields) == (ResponseCode.SUCCESS, None)
    assert (copy.body, copy.flag, copy.reconsume_times) == (b"tea", 5, 1)
    assert copy.born_timestamp == original.born_timestamp
    assert copy.born_host == original.born_host
    assert copy.store_host == original.store_host
    assert copy.store_timestamp == desk.clock.now_ms()
    assert copy.properties == {
        "KEYS": "7",
        "TAGS": "hot",
        "CLUSTER": "DefaultCluster",
        "WAIT": "false",
        "RETRY_TOPIC": "orders",
        "ORIGIN_MESSAGE_ID": original.offset_msg_id,
        "DELAY": "3",
        "REAL_TOPIC": RETRY,
        "REAL_QID": "0",
    }


@pytest.mark.parametrize(
    ("times", "asked", "level"), [(0, 0, 3), (5, 0, 8), (14, 0, 17), (15, 0, 18)]
)
def test_each_repetition_waits_a_level_longer(desk, times, asked, level):
    fail(desk, failed_before(desk, times), asked)
    assert len(waiting(desk, level)) == 1


@pytest.mark.parametrize(("asked", "level"), [(1, 1), (18, 18), (99, 18)])
def test_a_consumer_may_say_how_long_it_waits(desk, asked, level):
    fail(desk, failed_before(desk, 2), asked)
    (copy,) = waiting(desk, level)
    assert copy.properties["DELAY"] == str(level)


def test_a_second_failure_keeps_the_first_topic_and_the_first_id(desk):
    properties = "RETRY_TOPIC\x01orders\x02ORIGIN_MESSAGE_ID\x017F\x02DELAY\x010"
    desk.send(b"x", topic=RETRY, properties=properties, reconsume_times=1)
    fail(desk)
    (copy,) = waiting(desk, 4)
    assert copy.properties["RETRY_TOPIC"] == "orders"
    assert copy.properties["ORIGIN_MESSAGE_ID"] == "7F"
    assert copy.reconsume_times == 2


def test_after_sixteen_times_a_message_is_a_dead_letter_which_can_be_read(desk):
    fail(desk, failed_before(desk, 16))
    (dead,) = desk.stored(0, DEAD)
    topic = desk.broker.memory.topics.get(DEAD)
    assert (dead.reconsume_times, dead.properties["DELAY"]) == (17, "0")
    assert topic == TopicConfig(DEAD, 1, 1, Permission.READ | Permission.WRITE)


def test_a_level_below_zero_makes_a_dead_letter_at_once(desk):
    desk.send()
    fail(desk, level=-1)
    assert len(desk.stored(0, DEAD)) == 1


@pytest.mark.parametrize(
    ("most", "version", "is_dead"),
    [
        (3, 407, True),
        (4, 407, False),
        (None, 407, False),
        (3, BEFORE_3_4_9, False),
    ],
)
def test_the_consumers_limit_is_heeded_from_3_4_9_on(desk, most, version, is_dead):
    fail(desk, failed_before(desk, 3), most=most, version=version)
    assert bool(desk.stored(0, DEAD)) == is_dead


def test_a_group_has_a_limit_of_its_own(desk):
    set_group(desk, retry_max_times=2)
    fail(desk, failed_before(desk, 2), most=None)
    assert len(desk.stored(0, DEAD)) == 1


def test_the_retry_topic_is_made_with_the_groups_queues(desk):
    set_group(desk, retry_queue_nums=3)
    desk.send()
    for _ in range(30):
        fail(desk, unit_mode=True)
    topic = desk.broker.memory.topics.get(RETRY)
    assert topic == TopicConfig(RETRY, 3, 3, topic_sys_flag=TopicSysFlag.UNIT_SUB)
    queues = {one.properties["REAL_QID"] for one in waiting(desk, 3)}
    assert queues == {"0", "1", "2"}


def test_a_group_without_retry_queues_loses_what_it_fails_to_consume(desk):
    set_group(desk, retry_queue_nums=0)
    desk.send()
    assert fail(desk).code == ResponseCode.SUCCESS
    assert waiting(desk, 3) == []
    assert desk.broker.memory.topics.get(RETRY) is None


def test_what_is_sent_back_is_counted_by_its_first_topic_and_the_group(desk):
    desk.send()
    fail(desk)
    fail(desk, level=-1)
    counted = {
        key: one.value for key, one in desk.broker.memory.stats._counters.items()
    }
    assert counted["SNDBCK_PUT_NUMS", "orders@kitchen"] == 2
    assert counted["TOPIC_PUT_NUMS", SCHEDULE_TOPIC] == 1
    assert ("TOPIC_PUT_NUMS", DEAD) not in counted


def test_an_offset_where_no_message_starts_is_refused(desk):
    desk.send()
    answer = fail(desk, 1)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "look message by offset failed, 1"


def test_an_unknown_group_is_refused_where_none_is_made(desk_with):
    desk = desk_with(auto_create_subscription_group=False)
    answer = fail(desk, group="nobody")
    assert answer.code == ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST
    assert answer.remark.startswith("subscription group not exist, nobody \nSee http")


def test_a_broker_without_write_permission_takes_nothing_back(desk_with):
    answer = fail(desk_with(broker_permission=4))
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "the broker[127.0.0.1] sending message is forbidden"


def test_a_retry_topic_that_may_not_be_written_takes_nothing(desk):
    topic = TopicConfig(RETRY, perm=Permission.READ)
    desk.broker.memory.topics.put(topic, 0)
    answer = fail(desk)
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == f"the topic[{RETRY}] sending message is forbidden"


def test_what_the_store_does_not_take_is_told_by_the_status_name(desk):
    desk.send()
    desk.broker.store.is_disk_full = True
    answer = fail(desk)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "SERVICE_NOT_AVAILABLE"


def test_a_slave_takes_nothing_back(desk_with, tmp_path):
    desk = desk_with()
    desk.send()
    desk.broker.store.config.broker_role = BrokerRole.SLAVE
    assert fail(desk).remark == "SERVICE_NOT_AVAILABLE"


# A consumer that sends to its retry topic itself, as orderly ones do


@pytest.mark.parametrize(
    ("times", "most", "version", "topic"),
    [
        (15, 16, 407, RETRY),
        (16, 16, 407, DEAD),
        (3, 3, 407, DEAD),
        (3, 3, BEFORE_3_4_9, RETRY),
        (16, None, 407, DEAD),
        (None, 1, 407, RETRY),
        (None, 0, 407, DEAD),
    ],
)
def test_what_failed_too_often_is_a_dead_letter(desk, times, most, version, topic):
    desk.send(topic=RETRY)
    answer = desk.send(
        b"again", topic=RETRY, reconsume_times=times, max_reconsume_times=most,
        version=version,
    )  # fmt: skip
    reply = SendReply.parse(answer.fields)
    last = desk.stored(0, topic)[-1]
    assert (last.body, last.reconsume_times) == (b"again", times or 0)
    assert last.offset_msg_id == reply.msg_id


def test_a_retry_topic_of_an_unknown_group_is_refused(desk_with):
    desk = desk_with(auto_create_subscription_group=False)
    answer = desk.send(topic="%RETRY%nobody")
    assert answer.code == ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST
    assert answer.remark.startswith("subscription group not exist, nobody \nSee http")
