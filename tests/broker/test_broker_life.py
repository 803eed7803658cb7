"""A broker's life: start, registration, new topics announced, stop, start again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from rmqlab.client import Admin, Producer
from rmqlab.errors import StoreLocked
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.messaging import GetMaxOffset, SendMessageV2
from rmqlab.remoting import RemotingClient
from tests.support import HOST, address, free_port, make_broker, name_server, until

pytestmark = pytest.mark.simulated

ORDERS = MessageQueue("orders", "broker-a", 0)


async def test_a_broker_is_registered_when_it_has_started(tmp_path):
    async with (
        name_server() as server,
        make_broker(tmp_path, server.address) as broker,
    ):
        assert server.routes.route("TBW102").brokers[0].broker_addrs == {
            0: address(broker)
        }


async def test_a_broker_registers_with_every_name_server(tmp_path):
    async with name_server() as first, name_server() as second:
        both = f"{first.address}; {second.address}"
        async with make_broker(tmp_path, both):
            for server in (first, second):
                assert list(server.routes.cluster().brokers) == ["broker-a"]


async def test_a_name_server_that_is_away_keeps_nobody_from_starting(tmp_path):
    async with name_server() as server:
        both = f"{HOST}:{free_port()};{server.address}"
        async with make_broker(tmp_path, both) as broker:
            assert [one.is_registered for one in broker.registrations] == [False, True]
            assert server.routes.route("TBW102")


async def test_a_broker_that_stops_says_goodbye(tmp_path):
    async with name_server() as server:
        async with make_broker(tmp_path, server.address):
            server.routes.hung_up = lambda connection: []
        assert server.routes.cluster().brokers == {}


async def test_a_topic_that_comes_during_a_registration_was_not_told(
    tmp_path,
):
    broker = make_broker(tmp_path, f"{HOST}:1")
    (registration,) = broker.registrations
    before = broker.memory.topics.version

    async def ask(*_):
        broker.memory.topics.put(TopicConfig("late"), 1)
        return Frame(ResponseCode.SUCCESS)

    registration._remoting = SimpleNamespace(ask=ask)
    await registration.step()
    assert registration.told == before


async def test_a_created_topic_has_a_route_once_the_creation_is_answered(tmp_path):
    async with name_server() as first, name_server() as second:
        both = f"{first.address};{second.address}"
        async with make_broker(tmp_path, both), Admin(first.address) as admin:
            await admin.create_topic("orders", queues=3)
            for server in (first, second):
                (data,) = server.routes.route("orders").queues
                assert (data.read_queue_nums, data.write_queue_nums) == (3, 3)


async def test_a_name_server_that_is_away_does_not_hold_up_a_topics_creation(tmp_path):
    async with name_server() as server:
        both = f"{HOST}:{free_port()};{server.address}"
        async with make_broker(tmp_path, both), Admin(server.address) as admin:
            await admin.create_topic("orders")
            assert server.routes.route("orders")


async def test_a_topic_made_on_send_gets_a_route(tmp_path):
    async with name_server() as server, make_broker(tmp_path, server.address):
        async with Producer("shop", server.address) as producer:
            await producer.send(Message("orders", b"coffee"))
        await until(lambda: server.routes.route("orders"))


async def test_a_broker_without_name_servers_runs_unregistered(tmp_path):
    header = SendMessageV2("shop", "orders", "TBW102", 4, 0, 0, 0, 0)
    async with make_broker(tmp_path) as broker:
        client = RemotingClient()
        await client.ask(address(broker), header, b"coffee")
        await client.close()
        assert broker.store.log.end > 0


@pytest.mark.parametrize("offset", [0, -2])
async def test_a_broker_serves_its_port_and_the_fast_one(tmp_path, offset):
    async with make_broker(tmp_path) as broker:
        client = RemotingClient()
        at = f"{HOST}:{broker.config.listen_port + offset}"
        assert (await client.ask(at, GetMaxOffset("orders", 0))).fields == {
            "offset": "0"
        }
        await client.close()


@pytest.mark.parametrize("offset", [0, -2, 1])
async def test_a_broker_whose_port_is_taken_does_not_start_and_lets_go_of_all(
    tmp_path, offset
):
    broker = make_broker(tmp_path)
    at = HOST, broker.config.listen_port + offset
    async with await asyncio.start_server(print, *at):
        with pytest.raises(OSError, match="in use"):
            await broker.start()
    again = make_broker(tmp_path, port=broker.config.listen_port)
    async with again:
        assert again.store.log.end == 0


async def test_a_second_broker_on_the_same_store_does_not_start(tmp_path):
    async with make_broker(tmp_path):
        with pytest.raises(StoreLocked, match="Lock failed,MQ already started"):
            await make_broker(tmp_path).start()


async def fill(server, broker):
    """Send five messages and commit an offset."""
    async with Producer("shop", server.address) as producer:
        for number in range(5):
            await producer.send(Message("orders", b"%d" % number), ORDERS)
    broker.memory.offsets.commit("kitchen", "orders", 0, 3)
    broker.memory.groups.find_or_create("kitchen", 0)


async def test_a_broker_that_starts_again_has_its_topics_offsets_and_messages(tmp_path):
    async with name_server() as server:
        async with make_broker(tmp_path, server.address) as before:
            await fill(server, before)
        async with (
            make_broker(tmp_path, server.address) as after,
            Admin(server.address) as admin,
        ):
            assert after.memory.topics.to_json() == before.memory.topics.to_json()
            assert after.memory.groups.to_json() == before.memory.groups.to_json()
            assert after.memory.offsets.get("kitchen", "orders", 0) == 3
            found = [one.body async for one in admin.messages(ORDERS)]
    assert found == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_broker_that_starts_again_goes_on_where_it_was(tmp_path):
    async with name_server() as server:
        async with make_broker(tmp_path, server.address) as before:
            await fill(server, before)
        async with (
            make_broker(tmp_path, server.address),
            Producer("shop", server.address) as producer,
        ):
            result = await producer.send(Message("orders", b"5"), ORDERS)
    assert result.queue_offset == 5


async def test_a_broker_that_died_has_every_acknowledged_message(tmp_path):
    async with name_server() as server:
        dying = make_broker(tmp_path, server.address)
        await dying.start()
        await fill(server, dying)
        await die(dying)
        async with (
            make_broker(tmp_path, server.address),
            Admin(server.address) as admin,
        ):
            found = [one.body async for one in admin.messages(ORDERS)]
    assert found == [b"0", b"1", b"2", b"3", b"4"]


async def die(broker):
    """End a broker as kill -9 does: nothing is saved, flushed or said."""
    services = broker._services()
    await asyncio.gather(*(service.stop() for service in services))
    await broker._server.stop()
    await broker.ha_master.stop()
    await broker._remoting.close()
    broker.store.abandon()


async def test_a_client_that_connects_while_the_broker_is_away_reconnects_later(
    tmp_path,
):
    port = free_port()
    client = RemotingClient()
    for _ in range(2):
        async with make_broker(tmp_path, port=port):
            await client.ask(f"{HOST}:{port}", GetMaxOffset("orders", 0))
    await client.close()
