"""Delayed messages: where they wait, when they come, and what a restart remembers."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from rmqlab.broker.services.delayed import AT_ONCE
from rmqlab.broker.tables.delays import DelayOffsets
from rmqlab.client import Admin, Producer
from rmqlab.client.push import PushConsumer
from rmqlab.errors import StoreError, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import GetAllDelayOffset, GetRuntimeInfo
from rmqlab.protocol.message import SCHEDULE_TOPIC, Message, MessageQueue
from rmqlab.protocol.messaging import SendReply
from rmqlab.settings import BrokerRole
from tests.simulated import now_s, pass_time
from tests.support import (
    golden_store,
    make_broker,
    master_and_slave,
    name_server,
    until,
)

ORDERS = MessageQueue("orders", "broker-a", 0)


def delayed(desk, level, body=b"later", queue_id=1, **changes):
    more = changes.pop("more", "")
    return desk.send(body, properties=f"DELAY\x01{level}{more}", queue_id=queue_id)


async def pass_ms(desk, ms):
    """Let time pass, and what is due be delivered; return the bodies that are there."""
    desk.broker.store.dispatch()
    desk.clock.advance(ms)
    await desk.broker._delayed.step()
    return [one.body for one in desk.stored(1)]


# Where they wait


def test_a_delayed_message_waits_in_the_schedule_topic_in_its_levels_queue(desk):
    desk.send(b"at once")
    answer = delayed(desk, 3, more="\x02TAGS\x01hot\x02WAIT\x01true")
    (waiting,) = desk.stored(2, SCHEDULE_TOPIC)
    reply = SendReply.parse(answer.fields)
    assert (reply.queue_id, reply.queue_offset) == (1, 0)
    assert reply.msg_id == waiting.offset_msg_id
    assert waiting.properties == {
        "DELAY": "3",
        "TAGS": "hot",
        "WAIT": "true",
        "CLUSTER": "DefaultCluster",
        "REAL_TOPIC": "orders",
        "REAL_QID": "1",
    }


def test_a_level_above_the_highest_is_the_highest_in_the_message_too(desk):
    delayed(desk, 19)
    (waiting,) = desk.stored(17, SCHEDULE_TOPIC)
    assert waiting.properties["DELAY"] == "18"


@pytest.mark.parametrize("level", ["0", "-1"])
def test_a_level_that_is_none_delays_nothing(desk, level):
    delayed(desk, level)
    assert len(desk.stored(1)) == 1


def test_where_there_are_no_levels_nothing_is_delayed(desk_with):
    desk = desk_with(message_delay_level="")
    delayed(desk, 3)
    assert len(desk.stored(1)) == 1


# When they come


async def test_a_message_comes_when_its_level_is_over_and_not_before(desk):
    delayed(desk, 3)
    assert await pass_ms(desk, 9_999) == []
    assert await pass_ms(desk, 1) == [b"later"]
    assert await pass_ms(desk, 60_000) == [b"later"]


async def test_a_delivered_message_is_the_one_that_was_sent(desk):
    delayed(desk, 1, more="\x02TAGS\x01hot\x02KEYS\x017")
    (waiting,) = desk.stored(0, SCHEDULE_TOPIC)
    await pass_ms(desk, 1000)
    (come,) = desk.stored(1)
    assert come.properties == waiting.properties
    assert come.born_timestamp == waiting.born_timestamp
    assert come.born_host == waiting.born_host
    assert come.store_timestamp == waiting.store_timestamp + 1000
    (entry,) = desk.broker.store.queues.find("orders", 1).entries(0, 9)
    assert entry.tags_code == 103_501  # "hot", and no time of delivery


async def test_levels_do_not_wait_for_one_another(desk):
    delayed(desk, 5, b"a minute")
    delayed(desk, 1, b"a second")
    assert await pass_ms(desk, 1000) == [b"a second"]
    assert await pass_ms(desk, 59_000) == [b"a second", b"a minute"]


async def test_levels_are_as_long_as_the_setting_says(desk_with):
    desk = desk_with(message_delay_level="2m 1d")
    delayed(desk, 1, b"minutes")
    delayed(desk, 2, b"a day")
    assert await pass_ms(desk, 120_000) == [b"minutes"]
    assert desk.broker._delayed.interval_s == 1.0
    assert await pass_ms(desk, 86_280_000) == [b"minutes", b"a day"]


async def test_the_next_look_is_when_the_next_message_is_due(desk):
    service = desk.broker._delayed
    await service.step()
    assert service.interval_s is None
    delayed(desk, 3)
    await pass_ms(desk, 9_500)
    assert service.interval_s == 0.5
    await pass_ms(desk, 500)
    assert service.interval_s is None


async def test_of_many_that_are_due_some_are_delivered_and_then_others_have_a_turn(
    desk,
):
    for number in range(AT_ONCE + 1):
        delayed(desk, 1, b"%d" % number)
    assert len(await pass_ms(desk, 1000)) == AT_ONCE
    assert desk.broker._delayed.interval_s == 0
    assert len(await pass_ms(desk, 0)) == AT_ONCE + 1


async def test_a_clock_that_is_put_back_makes_nobody_wait_longer_than_the_level(desk):
    delayed(desk, 3)
    desk.clock.advance(-3_600_000)
    assert await pass_ms(desk, 0) == [b"later"]


async def test_a_message_that_the_store_does_not_take_is_tried_again(desk):
    delayed(desk, 1)
    desk.broker.store.dispatch()
    desk.broker.store.is_disk_full = True
    with pytest.raises(StoreError, match="SERVICE_NOT_AVAILABLE topic=orders queue=1"):
        await pass_ms(desk, 1000)
    assert desk.broker._delayed.interval_s == 0.1
    desk.broker.store.is_disk_full = False
    assert await pass_ms(desk, 0) == [b"later"]


def waiting_record(desk, **properties):
    """Return a delayed message's record, with other properties."""
    delayed(desk, 1)
    desk.broker.store.dispatch()
    (got,) = desk.broker.store.queues.find(SCHEDULE_TOPIC, 0).entries(0, 9)
    record = desk.broker.store.reading.record_of(got)
    text = "\x02".join(f"{k}\x01{v}" for k, v in properties.items())
    return replace(record, properties=text.encode())


@pytest.mark.parametrize(
    "properties",
    [
        {"REAL_TOPIC": "RMQ_SYS_TRANS_HALF_TOPIC", "REAL_QID": "0"},
        {"REAL_QID": "0"},
        {"REAL_TOPIC": "orders"},
        {"REAL_TOPIC": "orders", "REAL_QID": "-1"},
        {"REAL_TOPIC": "orders", "REAL_QID": "9" * 99},
    ],
)
async def test_what_has_nowhere_to_go_is_passed_over_and_told(desk, caplog, properties):
    caplog.set_level(logging.ERROR)
    odd = waiting_record(desk, DELAY="1", **properties)
    desk.broker.store.put_batch([odd])
    delayed(desk, 1, b"next")
    assert await pass_ms(desk, 1000) == [b"later", b"next"]
    assert "nothing delivered level=1 offset=1" in caplog.text
    assert desk.broker.memory.delays.get(1) == 3


# What is remembered


def test_the_table_is_rocketmqs_file_with_bare_levels(desk):
    table = DelayOffsets()
    assert table.state is None
    table.load(fastjson.loads('{"offsetTable":{1:2,17:0}}'))
    table.move(18, 5)
    assert [table.get(level) for level in (1, 2, 17, 18)] == [2, 0, 0, 5]
    assert fastjson.dumps(table.to_json()) == '{"offsetTable":{1:2,17:0,18:5}}'


@pytest.mark.parametrize("text", ["{}", "[]", '{"offsetTable":{"x":1}}'])
def test_what_is_no_such_file_is_told(text):
    with pytest.raises(WireError, match="no delay offset table"):
        DelayOffsets().load(fastjson.loads(text))


async def test_an_offset_that_the_queue_does_not_have_is_corrected(desk):
    desk.broker.memory.delays.move(1, 99)
    delayed(desk, 1)
    assert await pass_ms(desk, 1000) == []
    delayed(desk, 1, b"after")
    assert await pass_ms(desk, 1000) == [b"after"]


def test_slaves_and_administrators_are_told_the_offsets(desk):
    desk.broker.memory.delays.move(2, 7)
    body = desk.ask(GetAllDelayOffset()).body
    assert body == b'{"offsetTable":{2:7}}'


@pytest.mark.parametrize("version", ["4.9.7", "4.4.0"])
async def test_what_a_real_broker_left_to_be_delivered_is_delivered(
    desk_with, tmp_path, version
):
    golden_store(f"{version}-clean", tmp_path / "broker-a-0")
    desk = desk_with()
    newest_ms = desk.broker.store.log.last_stored_at
    desk.clock.advance(newest_ms + 7_200_000 - desk.clock.now_ms())
    for queue_id in (0, 1):
        assert len(desk.stored(queue_id, "GoldDelay")) == 1
    await desk.broker._delayed.step()
    counts = [len(desk.stored(queue_id, "GoldDelay")) for queue_id in (0, 1)]
    assert counts == [3, 2]
    assert len(desk.stored(0, "%RETRY%GoldGroup")) == 2


async def test_statistics_and_run_time_info_tell_what_was_delivered(desk):
    delayed(desk, 1)
    delayed(desk, 1)
    assert await pass_ms(desk, 1000)
    delayed(desk, 1)
    desk.broker.store.dispatch()
    body = fastjson.loads(desk.ask(GetRuntimeInfo()).body)
    assert body["table"]["scheduleMessageOffset_1"] == "2,3"
    counted = {
        key: one.value for key, one in desk.broker.memory.stats._counters.items()
    }
    assert counted["TOPIC_PUT_NUMS", SCHEDULE_TOPIC] == 3
    assert counted["TOPIC_PUT_NUMS", "orders"] == 2
    assert counted["GROUP_GET_NUMS", f"{SCHEDULE_TOPIC}@SCHEDULE_CONSUMER"] == 2


# With all of a broker, and time that passes by itself


def arrivals(came):
    """Return a listener that notes when which body came."""
    return lambda one: came.append((round(now_s(), 1), one.body.decode()))


@pytest.mark.simulated
async def test_messages_come_to_a_consumer_each_at_its_time(tmp_path):
    came = []
    async with (
        name_server() as server,
        make_broker(tmp_path, server.address),
        PushConsumer("kitchen", server.address, arrivals(came)) as consumer,
        Producer("shop", server.address) as producer,
    ):
        await producer.send(Message("orders", b"now"), ORDERS)
        await consumer.subscribe("orders")
        await until(lambda: came)
        began = came[0][0]
        for level in (5, 1, 4, 9):
            message = Message("orders", b"%d" % level, delay_level=level)
            await producer.send(message)
        await pass_time(310)
    waited = [(round(at - began), body) for at, body in came[1:]]
    assert waited == [(1, "1"), (30, "4"), (60, "5"), (300, "9")]


async def bodies_at(server):
    async with Admin(server.address) as admin:
        return [one.body async for one in admin.messages(ORDERS)]


async def two_delayed(tmp_path, server, end):
    """Have one message delivered and one pending, and the broker end."""
    broker = make_broker(tmp_path, server.address)
    await broker.start()
    async with Producer("shop", server.address) as producer:
        await producer.send(Message("orders", b"now"), ORDERS)
        for level, body in ((1, b"soon"), (6, b"late")):
            message = Message("orders", body, delay_level=level)
            await producer.send(message, ORDERS)
        await pass_time(5)
    assert await bodies_at(server) == [b"now", b"soon"]
    await end(broker)
    return broker


@pytest.mark.simulated
async def test_a_broker_that_starts_again_delivers_what_was_due_meanwhile_and_only_that(
    tmp_path,
):
    async with name_server() as server:
        old = await two_delayed(tmp_path, server, lambda broker: broker.stop())
        await pass_time(600)
        port = old.config.listen_port
        async with make_broker(tmp_path, server.address, port=port):
            await pass_time(2)
            assert await bodies_at(server) == [b"now", b"soon", b"late"]


@pytest.mark.simulated
async def test_a_slave_copies_the_offsets_and_delivers_nothing(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.SYNC_MASTER) as nodes:
        server, master, slave = nodes
        async with Producer("shop", server.address) as producer:
            await producer.send(Message("orders", b"now"), ORDERS)
            message = Message("orders", b"soon", delay_level=1)
            await producer.send(message, ORDERS)
            await pass_time(20)
        assert slave.memory.delays.get(1) == master.memory.delays.get(1) == 1
        assert slave.store.queues.max_offset("orders", 0) == 2
        assert slave.store.log.end == master.store.log.end
        text = slave._delays_saved._disk.read_text(
            slave.store.paths.config("delayOffset.json")
        )
        assert fastjson.loads(text) == {"offsetTable": {1: 1}}
