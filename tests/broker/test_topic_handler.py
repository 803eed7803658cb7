"""Topics and groups as administrators make, change and remove them."""

from __future__ import annotations

import pytest

from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.admin import (
    CleanLog,
    CleanQueues,
    CleanTopics,
    DeleteGroup,
    DeleteTopic,
    GetSystemTopics,
    UpdateGroup,
)
from rmqlab.protocol.bodies import GroupConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.messaging import GetMaxOffset, OffsetReply, SendReply
from rmqlab.settings import BrokerRole
from tests.broker.desk import open_desk


def queue_end(desk, topic="orders", queue_id=0):
    found = desk.ask(GetMaxOffset(topic, queue_id)).fields
    return OffsetReply.parse(found).offset


def test_a_deleted_topic_is_gone_with_its_queues_and_its_groups_offsets(orders):
    memory, before = orders.broker.memory, orders.broker.memory.topics.version
    memory.offsets.commit("kitchen", "orders", 0, 2)
    memory.offsets.commit("kitchen", "returns", 0, 2)
    assert orders.ask(DeleteTopic("orders")).code == ResponseCode.SUCCESS
    assert memory.topics.get("orders") is None
    assert memory.topics.version == before + 1
    assert queue_end(orders) == 0
    assert memory.offsets.get("kitchen", "orders", 0) is None
    assert memory.offsets.get("kitchen", "returns", 0) == 2


def test_a_topic_made_again_begins_at_offset_0_and_has_the_new_messages(orders):
    orders.ask(DeleteTopic("orders"))
    reply = SendReply.parse(orders.send(b"new").fields)
    assert reply.queue_offset == 0
    assert [one.body for one in orders.stored()] == [b"new"]


async def test_a_topic_made_again_is_there_after_a_clean_stop(tmp_path):
    with open_desk(tmp_path) as desk:
        desk.send(b"old")
        desk.broker.store.dispatch()
        desk.ask(DeleteTopic("orders"))
        desk.send(b"new")
        await desk.broker.store.close()
        desk.broker.store.open()
        assert [one.body for one in desk.stored()] == [b"new"]


async def test_a_flush_under_way_does_not_bring_a_deleted_queue_back(orders, tmp_path):
    flush = orders.broker.store.flush_queues()
    orders.ask(DeleteTopic("orders"))
    await flush
    assert list((tmp_path / "broker-a-0/consumequeue/orders/0").iterdir()) == []


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        (" ", "The specified topic is blank."),
        ("DefaultCluster", "The topic[DefaultCluster] is conflict with system topic."),
        ("rmq_sys_x", "The topic[rmq_sys_x] is conflict with system topic."),
    ],
)
def test_a_topic_that_the_broker_needs_is_not_deleted(desk, topic, why):
    answer = desk.ask(DeleteTopic(topic))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == why


@pytest.mark.parametrize(
    "header", [DeleteTopic("orders"), UpdateGroup(), DeleteGroup("kitchen")]
)
def test_a_slave_changes_nothing_that_its_master_tells_it(desk_with, header):
    answer = desk_with(role=BrokerRole.SLAVE).ask(header)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == (
        "Can't modify topic or subscription group from slave broker, please execute it "
        "from master broker."
    )


def test_the_topics_that_a_broker_needs_are_listed(desk):
    found = fastjson.loads(desk.ask(GetSystemTopics()).body)["topicList"]
    assert {"TBW102", "broker-a", "DefaultCluster", "SELF_TEST_TOPIC"} <= set(found)
    assert found == sorted(found)


def test_a_groups_settings_are_changed_saved_and_forgotten(desk, tmp_path):
    body = bodies.encode(GroupConfig("kitchen", retry_max_times=3).to_json())
    assert desk.ask(UpdateGroup(), body).code == ResponseCode.SUCCESS
    assert desk.broker.memory.groups.find_or_create("kitchen", 0).retry_max_times == 3
    file = tmp_path / "broker-a-0/config/subscriptionGroup.json"
    assert '"retryMaxTimes":3' in file.read_text()
    assert desk.ask(DeleteGroup("kitchen")).code == ResponseCode.SUCCESS
    assert "kitchen" not in desk.broker.memory.groups.names


def test_a_body_that_is_no_group_is_refused(desk):
    answer = desk.ask(UpdateGroup(), b"{}")
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert "GroupConfig" in answer.remark


@pytest.mark.parametrize(("removes", "left"), [(False, 2), (True, None)])
def test_a_deleted_groups_offsets_stay_unless_they_are_to_go(orders, removes, left):
    orders.broker.memory.offsets.commit("kitchen", "orders", 0, 2)
    orders.ask(DeleteGroup("kitchen", removes))
    assert orders.broker.memory.offsets.get("kitchen", "orders", 0) == left


def test_only_queues_of_topics_that_are_no_more_are_cleaned_away(orders):
    orders.send(topic="returns")
    orders.broker.store.dispatch()
    orders.broker.memory.topics.remove("returns", 0)
    orders.ask(CleanTopics())
    assert (queue_end(orders, "returns"), queue_end(orders)) == (0, 3)


def test_only_queues_whose_messages_are_gone_are_cleaned_away(orders):
    orders.ask(CleanQueues())
    assert queue_end(orders) == 3
    files = orders.broker.store.log.files
    files.start = orders.broker.store.log.end
    orders.ask(CleanQueues())
    assert queue_end(orders) == 0


async def test_old_log_files_go_when_an_administrator_wants_it(desk_with):
    desk = desk_with(mapped_file_size_commit_log=1024, file_reserved_time=0)
    store, cleaning = desk.broker.store, desk.broker._cleaning
    for _ in range(12):
        desk.send(b"x" * 100)
    await cleaning.step()
    assert store.log.start == 0
    desk.ask(CleanLog())
    await cleaning.step()
    assert store.log.start == 1024
