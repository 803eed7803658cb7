"""What all clients share: name servers in turn, routes, pulls, an admin's view."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import pytest

from rmqlab.client import Admin, Producer, routes
from rmqlab.client.instance import ClientInstance
from rmqlab.client.place import Place
from rmqlab.client.pull import PullStatus, pull
from rmqlab.errors import NotConnected, RemoteError
from rmqlab.protocol.bodies import BrokerData, QueueData, TopicRoute
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.routing import GetClusterInfo
from tests.support import (
    HOST,
    address,
    free_port,
    make_broker,
    name_server,
    quick_client,
)

pytestmark = pytest.mark.simulated

ORDERS = MessageQueue("orders", "broker-a", 0)


@asynccontextmanager
async def lab(root, *bodies):
    """Run a broker with these messages in queue 0; yield server, broker, admin."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        broker = make_broker(root, server.address)
        await stack.enter_async_context(broker)
        admin = await stack.enter_async_context(Admin(server.address))
        await admin.create_topic("orders", 2)
        async with Producer("shop", server.address) as producer:
            for body in bodies:
                await producer.send(Message("orders", body), ORDERS)
        broker.store.dispatch()
        yield server, broker, admin


def data(name, perm=6, read=2, write=2):
    return QueueData(name, read, write, perm)


def route(*queues, **ids):
    brokers = [BrokerData("c", f"broker-{one}", at) for one, at in ids.items()]
    return TopicRoute(list(queues), brokers)


def test_what_may_be_written_to_is_writable_and_has_a_master():
    found = route(
        data("broker-c"),
        data("broker-a", perm=2, write=1),
        data("broker-b", perm=4),
        a={0: "a:1"},
        b={0: "b:1"},
        c={1: "c:1"},
    )
    assert routes.writable_queues("t", found) == [MessageQueue("t", "broker-a", 0)]


def test_queues_that_are_fixed_stay_the_same_whoever_is_there():
    found = TopicRoute([], [], "broker-b:1;broker-a:2;broker-c;broker-d:x")
    names = [
        (one.broker_name, one.queue_id) for one in routes.writable_queues("t", found)
    ]
    assert names == [("broker-b", 0), ("broker-a", 0), ("broker-a", 1)]


def test_what_may_be_read_needs_no_master_and_is_sorted():
    found = route(data("broker-b", read=1), data("broker-a", perm=4, read=2))
    assert routes.readable_queues("t", found) == [
        MessageQueue("t", "broker-a", 0),
        MessageQueue("t", "broker-a", 1),
        MessageQueue("t", "broker-b", 0),
    ]


def test_queues_that_may_not_be_read_are_left_out():
    assert routes.readable_queues("t", route(data("broker-a", perm=2))) == []


@pytest.mark.parametrize(("wished", "made"), [(1, 1), (4, 2)])
def test_a_default_topics_route_has_the_queues_wished_for_up_to_its_own(wished, made):
    (found,) = routes.as_default(route(data("broker-a")), wished).queues
    assert (found.read_queue_nums, found.write_queue_nums) == (made, made)


@pytest.mark.parametrize(
    ("addresses", "wanted", "found"),
    [
        ({0: "master", 1: "slave"}, 1, "slave"),
        ({0: "master"}, 1, "master"),
        ({2: "second", 1: "first"}, 0, "first"),
        ({}, 0, None),
    ],
)
def test_another_of_the_same_name_stands_in_for_a_broker(addresses, wanted, found):
    brokers = [BrokerData("c", "broker-a", addresses)]
    assert routes.address(brokers, "broker-a", wanted) == found


async def test_a_name_server_that_does_not_answer_is_followed_by_the_next():
    async with name_server() as server:
        both = f"{HOST}:{free_port()};{server.address}"
        for seed in range(4):
            instance = ClientInstance(both, place=Place(random=Random(seed)))
            await instance.ask_name_server(GetClusterInfo())
            await instance.stop()


async def test_a_client_stays_with_the_name_server_that_answers():
    async with name_server() as one, name_server() as two:
        instance = ClientInstance(f"{one.address};{two.address}")
        for _ in range(3):
            await instance.ask_name_server(GetClusterInfo())
        connected = [
            instance.remoting.is_connected(server.address) for server in (one, two)
        ]
        await instance.stop()
    assert sorted(connected) == [False, True]


@pytest.mark.parametrize(
    ("given", "why"), [("", "none is given"), ("127.0.0.1:1", "connect to 127.0.0.1:1")]
)
async def test_without_a_name_server_the_error_says_what_was_tried(given, why):
    instance = ClientInstance(given)
    with pytest.raises(NotConnected, match=f"no name server answered: {why}") as told:
        await instance.ask_name_server(GetClusterInfo())
    await instance.stop()
    assert told.value.is_definite


async def test_a_changed_route_is_noticed(tmp_path):
    async with lab(tmp_path) as (server, _, admin):
        instance = ClientInstance(server.address, quick_client())
        changed = asyncio.Queue()
        await instance.fetch_route("orders")
        instance.route_changed = changed.put_nowait
        await instance.start()
        await admin.create_topic("orders", 5)
        async with asyncio.timeout(30):
            assert await changed.get() == "orders"
        (found,) = (await instance.route("orders")).queues
        await instance.stop()
        assert found.write_queue_nums == 5


async def pulled(server, offset, tags="*"):
    instance = ClientInstance(server.address)
    await instance.fetch_route("orders")
    wanted = Subscription.of("orders", tags)
    result = await pull(instance, "kitchen", ORDERS, offset, wanted)
    await instance.stop()
    return result


@pytest.mark.parametrize(
    ("offset", "status", "next_offset"),
    [
        (1, PullStatus.FOUND, 3),
        (3, PullStatus.NO_NEW_MSG, 3),
        (9, PullStatus.OFFSET_ILLEGAL, 3),
    ],
)
async def test_a_pull_ends_in_one_of_rocketmqs_ways(
    tmp_path, offset, status, next_offset
):
    async with lab(tmp_path, b"a", b"b", b"c") as (server, *_):
        result = await pulled(server, offset)
    assert (result.status, result.next_offset) == (status, next_offset)
    assert (result.min_offset, result.max_offset) == (0, 3)


async def test_a_pull_none_of_whose_tags_is_there_ends_without_a_match(tmp_path):
    async with lab(tmp_path, b"a") as (server, *_):
        result = await pulled(server, 0, tags="paid")
    assert (result.status, result.next_offset) == (PullStatus.NO_MATCHED_MSG, 1)


async def test_any_other_answer_to_a_pull_is_an_error(tmp_path):
    async with lab(tmp_path) as (server, broker, _):
        broker.memory.topics.table.topics.pop("orders")
        with pytest.raises(RemoteError, match=r"CODE: 17 .*not exist"):
            await pulled(server, 0)


async def test_an_admin_sees_queues_messages_and_offsets(tmp_path):
    async with lab(tmp_path, b"a", b"b") as (_, broker, admin):
        broker.memory.offsets.commit("kitchen", "orders", 0, 1)
        first, second = await admin.queue_stats("orders")
        found = [one async for one in admin.messages(ORDERS, start=1)]
        at_offset = await admin.message_at(address(broker), found[0].physical_offset)
        offsets = await admin.consumer_offsets(address(broker))
        topics = await admin.topic_configs(address(broker))
    assert (first.queue, first.min_offset, first.max_offset) == (ORDERS, 0, 2)
    assert (second.max_offset, second.last_stored_ms) == (0, 0)
    assert [one.body for one in found] == [b"b"]
    assert at_offset.body == b"b"
    assert offsets == {"orders@kitchen": {0: 1}}
    assert topics["orders"].write_queue_nums == 2


async def test_an_admin_creates_a_topic_on_the_broker_that_it_names(tmp_path):
    async with (
        lab(tmp_path) as (server, _, admin),
        make_broker(tmp_path, server.address, "broker-b") as other,
    ):
        assert await admin.create_topic("one", 3, "broker-b") == [address(other)]
        found = await admin.route("one")
    assert [one.broker_name for one in found.queues] == ["broker-b"]


async def test_a_topic_for_a_broker_that_is_not_there_is_an_error_with_what_to_do(
    tmp_path,
):
    async with lab(tmp_path) as (_, _, admin):
        with pytest.raises(NotConnected, match="no master of broker-x is registered"):
            await admin.create_topic("one", 3, "broker-x")
