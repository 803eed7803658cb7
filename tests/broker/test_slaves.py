"""A slave refuses writes, serves reads, and takes its master's tables over."""

from __future__ import annotations

import pytest

from rmqlab.broker.handlers.pull import PullHandler
from rmqlab.broker.services.slave_sync import SlaveSync
from rmqlab.client import Admin, Producer, PushConsumer
from rmqlab.errors import NotConnected, RemoteError
from rmqlab.protocol.admin import CreateTopic
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.messaging import SendMessageV2
from rmqlab.remoting import RemotingClient
from rmqlab.settings import BrokerRole
from tests.simulated import now_s, pass_time
from tests.support import (
    address,
    make_broker,
    master_and_slave,
    name_server,
    quick_client,
    until,
)

pytestmark = pytest.mark.simulated

ORDERS = MessageQueue("orders", "broker-a", 0)


async def send(server, *bodies):
    async with Producer("shop", server.address) as producer:
        for body in bodies:
            await producer.send(Message("orders", body), ORDERS)


async def read(server, broker):
    """Return the bodies that a broker serves itself."""
    async with Admin(server.address) as admin:
        found = admin.messages(ORDERS, address(broker))
        return [message.body async for message in found]


async def catch_up(slave):
    """Have a slave enter what it has into its queues and take the tables over."""
    slave.store.dispatch()
    await slave.slave_sync.step()


async def test_a_slave_refuses_a_message_that_comes_straight_to_it(tmp_path):
    header = SendMessageV2("shop", "orders", "TBW102", 4, 0, 0, 0, 0)
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as (_, _, slave):
        client = RemotingClient()
        answer = await client.call(address(slave), header, b"coffee")
        await client.close()
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE


async def test_a_slave_refuses_to_create_a_topic(tmp_path):
    header = CreateTopic("orders", "TBW102", 1, 1, 6, "SINGLE_TAG", 0)
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, _, slave = nodes
        async with Admin(server.address) as admin:
            with pytest.raises(RemoteError, match="Can't modify topic"):
                await admin.ask(address(slave), header)


async def test_a_slave_serves_what_its_master_stored(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.SYNC_MASTER) as nodes:
        server, _, slave = nodes
        await send(server, b"a", b"b")
        await catch_up(slave)
        assert await read(server, slave) == [b"a", b"b"]


async def test_a_slaves_log_is_its_masters_byte_for_byte(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.SYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a", b"b")
        end = master.store.log.end
        assert slave.store.log.read(0, end) == master.store.log.read(0, end)


async def test_a_dead_masters_messages_are_read_from_its_slave(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.SYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a", b"b")
        await catch_up(slave)
        await master.stop()
        async with Admin(server.address) as admin:
            route = await admin.route("orders")
            assert list(route.brokers[0].broker_addrs) == [1]
            found = [one.body async for one in admin.messages(ORDERS)]
        assert found == [b"a", b"b"]
        await master.start()


async def test_a_slave_takes_topics_groups_and_offsets_from_its_master(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        master.memory.offsets.commit("kitchen", "orders", 0, 1)
        master.memory.groups.find_or_create("kitchen", 0)
        await slave.slave_sync.step()
        assert slave.memory.topics.to_json() == master.memory.topics.to_json()
        assert slave.memory.groups.to_json() == master.memory.groups.to_json()
        assert slave.memory.offsets.get("kitchen", "orders", 0) == 1


class NobodyThere:
    """Writes down who was asked for what, and has no answer."""

    def __init__(self):
        self.asked = []

    async def ask(self, address, header):
        self.asked.append((type(header).__name__, address))
        raise NotConnected(address)


async def test_topics_are_asked_for_at_the_masters_vip_port(tmp_path):
    slave, there = make_broker(tmp_path, "", role=BrokerRole.SLAVE), NobodyThere()
    sync = SlaveSync(slave.config, slave.memory, there, [])
    sync.master = "host1:10911"
    await sync.step()
    assert there.asked == [
        ("GetAllTopicConfig", "host1:10909"),
        ("GetAllConsumerOffset", "host1:10911"),
        ("GetAllDelayOffset", "host1:10911"),
        ("GetAllGroupConfig", "host1:10911"),
    ]


async def test_a_slave_keeps_its_tables_when_the_master_does_not_answer(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        await slave.slave_sync.step()
        await master.stop()
        await slave.slave_sync.step()
        assert slave.memory.topics.get("orders")
        await master.start()


async def test_a_slaves_offsets_are_overwritten_by_its_masters(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        _, master, slave = nodes
        master.memory.offsets.commit("kitchen", "orders", 0, 1)
        slave.memory.offsets.commit("kitchen", "orders", 0, 7)
        await slave.slave_sync.step()
        assert slave.memory.offsets.get("kitchen", "orders", 0) == 1


async def test_a_slave_that_was_away_gets_what_it_missed(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        await slave.stop()
        await send(server, b"b")
        back = make_broker(
            tmp_path,
            server.address,
            role=BrokerRole.SLAVE,
            port=slave.config.listen_port,
        )
        async with back:
            await until(lambda: back.store.log.end == master.store.log.end)
            await catch_up(back)
            assert await read(server, back) == [b"a", b"b"]
        await slave.start()


async def test_a_slave_that_comes_first_finds_its_master_later(tmp_path):
    async with name_server() as server:
        slave = make_broker(tmp_path, server.address, role=BrokerRole.SLAVE)
        master = make_broker(tmp_path, server.address, role=BrokerRole.SYNC_MASTER)
        async with slave, master:
            assert not slave.ha_slave.connected.is_set()
            await slave.registrations[0].step()
            await slave.ha_slave.connected.wait()
            assert slave.slave_sync.master == address(master)


async def test_a_producer_finds_no_master_where_only_a_slave_is_left(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, _ = nodes
        await send(server, b"a")
        await master.stop()
        with pytest.raises(Exception, match="No route info of this topic, orders"):
            await send(server, b"b")
        await master.start()


async def test_messages_of_an_unknown_address_are_an_error_that_names_it(tmp_path):
    async with name_server() as server, Admin(server.address) as admin:
        with pytest.raises(NotConnected, match="broker-x"):
            await anext(admin.messages(MessageQueue("orders", "broker-x", 0)))


async def test_a_consumer_that_is_ahead_of_a_slave_does_not_ask_it_without_pause(
    tmp_path, monkeypatch
):
    asked, pull = [], PullHandler.pull
    monkeypatch.setattr(
        PullHandler, "pull", lambda *call: asked.append(now_s()) or pull(*call)
    )
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        await slave.slave_sync.step()
        await master.stop()
        slave.memory.offsets.commit("kitchen", "orders", 0, 7)
        config = quick_client()
        async with PushConsumer(
            "kitchen", server.address, lambda _: None, config
        ) as consumer:
            await consumer.subscribe("orders")
            await until(lambda: len(consumer.queues) > 1)
            start = now_s()
            await pass_time(60)
        recent = [at for at in asked if at > start]
        queues = len(consumer.queues) or 5
        assert len(recent) <= queues * (60 // 15 + 2)
        await master.start()
