"""Batches, one-way sends, large bodies and selected queues, as brokers store them."""

from __future__ import annotations

import pytest

from rmqlab.client import Admin, Producer
from rmqlab.client.batches import split
from rmqlab.client.selection import by_hash
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import UNIQ_KEY, Message, MessageQueue
from rmqlab.protocol.routing import PutKvConfig, UpdateNamesrvConfig
from tests.client.brokers import HANGS_UP, SILENT, cluster, coffee, fakes
from tests.support import free_port, until

pytestmark = pytest.mark.simulated

A0 = MessageQueue("orders", "broker-a", 0)


async def stored(producer, queue=A0):
    """Return the messages of a queue, as a reader sees them."""
    servers = ";".join(producer.instance.name_servers)
    async with Admin(servers) as admin:
        return [one async for one in admin.messages(queue)]


def cups(count):
    return [
        Message("orders", b"%d" % n, keys=f"order-{n}", properties={"n": str(n)})
        for n in range(count)
    ]


async def test_a_batch_is_stored_message_by_message(tmp_path):
    messages = cups(3)
    async with cluster(tmp_path, "broker-a") as (producer, _):
        result = await producer.send_batch(messages, A0)
        found = await stored(producer)
    assert (result.status, result.queue_offset) == (SendStatus.SEND_OK, 0)
    assert [one.body for one in found] == [b"0", b"1", b"2"]
    assert [(one.keys, one.properties["n"]) for one in found] == [
        ("order-0", "0"),
        ("order-1", "1"),
        ("order-2", "2"),
    ]
    assert result.msg_id == ",".join(one.msg_id for one in found)
    assert result.offset_msg_id == ",".join(one.offset_msg_id for one in found)


async def test_what_was_split_arrives_whole_and_in_order(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, _):
        results = [await producer.send_batch(some, A0) for some in split(cups(50), 900)]
        found = await stored(producer)
    assert len(results) > 1
    assert [one.body for one in found] == [one.body for one in cups(50)]


async def test_a_one_way_send_is_stored_and_nobody_is_told(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        assert await producer.send_one_way(coffee(), A0) is None
        await until(lambda: broker.store.dispatched > 0)
        (found,) = await stored(producer)
    assert (found.body, found.tags) == (b"coffee", "paid")


async def test_one_way_sends_take_the_queues_in_turn():
    async with fakes(SILENT, SILENT) as (producer, a, b):
        for _ in range(4):
            await producer.send_one_way(coffee())
        await until(lambda: len(a.asked) + len(b.asked) == 4)
    assert sorted(one.queue_id for one in a.asked) == [0, 1]
    assert sorted(one.queue_id for one in b.asked) == [0, 1]


async def test_a_one_way_send_without_a_connection_fails_for_certain(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        await producer.instance.fetch_route("orders")
        await broker.stop()
        at = f"connect to 127.0.0.1:{broker.config.listen_port} failed"
        with pytest.raises(SendError, match=at) as told:
            await producer.send_one_way(coffee())
        await broker.start()
    assert told.value.is_definite


async def test_a_large_body_is_stored_compressed_and_read_as_it_was(tmp_path):
    large = Message("orders", b"coffee " * 1000)
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        result = await producer.send(large, A0)
        record = broker.store.reading.record_at(int(result.offset_msg_id[16:], 16))
        (found,) = await stored(producer)
    assert record.sys_flag & SysFlag.COMPRESSED
    assert len(record.body) < 1000
    assert found.body == large.body


async def test_a_batch_is_never_compressed(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, _):
        await producer.send_batch([Message("orders", bytes(5000))], A0)
        (found,) = await stored(producer)
    assert (found.sys_flag & SysFlag.COMPRESSED, found.body) == (0, bytes(5000))


async def test_what_has_one_key_is_in_one_queue_in_order(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, *_):
        results = [
            await producer.send(one, select=by_hash("customer-7")) for one in cups(8)
        ]
        (queue,) = {one.queue for one in results}
        found = await stored(producer, queue)
    assert [one.body for one in found] == [one.body for one in cups(8)]


async def test_who_selects_a_queue_has_one_attempt():
    async with fakes(HANGS_UP, HANGS_UP) as (producer, *brokers):
        with pytest.raises(SendError, match=r"Send \[1\] times"):
            await producer.send(coffee(), select=by_hash("customer-7"))
    assert sum(len(one.asked) for one in brokers) == 1


async def test_a_batch_keeps_its_ids_where_it_is_sent_again(tmp_path):
    messages = cups(2)
    async with cluster(tmp_path, "broker-a") as (producer, _):
        first, second = [await producer.send_batch(messages, A0) for _ in range(2)]
    assert first.msg_id == second.msg_id
    assert first.msg_id.split(",") == [one.properties[UNIQ_KEY] for one in messages]


async def test_an_error_names_every_address_that_was_tried(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, *brokers):
        await producer.instance.fetch_route("orders")
        for broker in brokers:
            await broker.stop()
        with pytest.raises(SendError) as told:
            await producer.send(coffee())
        for broker in brokers:
            await broker.start()
    for broker in brokers:
        assert str(told.value).count(f":{broker.config.listen_port} failed") == 1


async def test_without_a_route_the_name_server_that_was_asked_is_named(tmp_path):
    gone = f"127.0.0.1:{free_port()}"
    async with cluster(tmp_path, "broker-a", auto_create_topic_enable=False) as (
        inside,
        _,
    ):
        (server,) = inside.instance.name_servers
        async with Producer("shop", f"{gone};{server}") as producer:
            with pytest.raises(SendError, match=f"the name server {server}"):
                await producer.send(Message("surprise", b"1"))


async def test_where_the_queues_are_fixed_a_key_waits_for_its_master(tmp_path):
    keys = "abcd"
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, away, _):
        (server,) = producer.instance.name_servers
        ask, fixed = producer.instance.remoting.ask, "broker-a:2;broker-b:2"
        await ask(server, UpdateNamesrvConfig(), b"orderMessageEnable=true")
        await ask(server, PutKvConfig("ORDER_TOPIC_CONFIG", "orders", fixed))

        async def queue_of(key):
            return (await producer.send(coffee(), select=by_hash(key))).queue

        before = {key: await queue_of(key) for key in keys}
        await away.stop()
        await producer.instance.fetch_route("orders")
        for key, queue in before.items():
            if queue.broker_name == "broker-b":
                assert await queue_of(key) == queue
            else:
                with pytest.raises(SendError, match=r"broker-a\] has no master now"):
                    await queue_of(key)
        await away.start()
    assert len(set(before.values())) == len(keys)
