"""Name servers over loopback: what they answer, and that they never talk together."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import asynccontextmanager, suppress

import pytest

from rmqlab.errors import NotConnected, RemoteError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import ClusterInfo, TopicConfig, TopicRoute, TopicTable
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.messaging import GetMaxOffset
from rmqlab.protocol.routing import (
    GetClusterInfo,
    GetRoute,
    GetTopicList,
    RegisterBroker,
    UnregisterBroker,
    UpdateNamesrvConfig,
)
from rmqlab.remoting import RemotingClient
from tests.simulated import now_s, pass_time
from tests.support import HOST, free_port, name_server, until

pytestmark = pytest.mark.simulated

HEADER = RegisterBroker("broker-a", "10.0.0.1:10911", "c", "10.0.0.1:10912", 0)
GOODBYE = UnregisterBroker("broker-a", "10.0.0.1:10911", "c", 0)
TABLE = TopicTable(topics={"orders": TopicConfig("orders", 4, 4)})
BODY = bodies.encode({"topicConfigSerializeWrapper": TABLE.to_json()})


@asynccontextmanager
async def remoting():
    client = RemotingClient()
    try:
        yield client
    finally:
        await client.close()


async def route(client, server, topic="orders"):
    answer = await client.ask(server.address, GetRoute(topic))
    return TopicRoute.from_json(fastjson.loads(answer.body))


async def test_a_registered_broker_is_in_the_route():
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
        found = await route(client, server)
    assert [one.broker_addrs for one in found.brokers] == [{0: "10.0.0.1:10911"}]
    assert [one.write_queue_nums for one in found.queues] == [4]


async def test_an_unknown_topic_is_refused_with_rocketmqs_code_and_text():
    async with name_server() as server, remoting() as client:
        answer = await client.call(server.address, GetRoute("orders"))
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark.startswith(
        "No topic route info in name server for the topic: orders"
    )


async def test_the_cluster_and_the_topics_are_listed():
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
        cluster = await client.ask(server.address, GetClusterInfo())
        topics = await client.ask(server.address, GetTopicList())
    assert ClusterInfo.from_json(fastjson.loads(cluster.body)).clusters == {
        "c": ["broker-a"]
    }
    assert fastjson.loads(topics.body) == {"topicList": ["orders"]}


async def test_two_name_servers_know_only_what_each_was_told():
    async with name_server() as first, name_server() as second, remoting() as client:
        await client.ask(first.address, HEADER, BODY)
        assert (await route(client, first)).brokers
        with pytest.raises(RemoteError, match="No topic route info"):
            await route(client, second)


async def test_a_broker_that_says_goodbye_is_in_no_route():
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
        await client.ask(server.address, GOODBYE)
        with pytest.raises(RemoteError, match="No topic route info"):
            await route(client, server)


async def test_a_broker_whose_connection_breaks_is_in_no_route():
    async with name_server() as server, remoting() as client:
        async with remoting() as broker:
            await broker.ask(server.address, HEADER, BODY)
            assert (await route(client, server)).brokers
        await until(lambda: server.routes.route("orders") is None)


async def test_a_broker_that_was_silent_for_two_minutes_is_in_no_route():
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
        (live,) = server.routes._live.values()
        # The connection is not idle, its broker just says nothing of itself any more.
        while live in server.routes._live.values():
            await client.ask(server.address, GetTopicList())
            await pass_time(1)
        assert 120 <= now_s() <= 131  # looked for every ten seconds
        assert server.routes.route("orders") is None


@pytest.mark.parametrize("is_standard", [True, False])
async def test_a_route_has_bare_numbers_as_keys_unless_it_shall_be_standard_json(
    is_standard,
):
    asked = Frame(
        RequestCode.GET_ROUTEINFO_BY_TOPIC,
        GetRoute("orders", is_standard or None).to_wire(),
        version=293,
    )
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
        answer = server.requests.handle(asked, None)
    key = b'{"0":"10.0.0.1' if is_standard else b'{0:"10.0.0.1'
    assert key in answer.body


async def test_a_registration_whose_checksum_is_wrong_is_refused():
    crc = (zlib.crc32(BODY) ^ 1) & 0x7FFFFFFF
    header = RegisterBroker("b", "10.0.0.1:1", "c", "10.0.0.1:2", 0, body_crc32=crc)
    async with name_server() as server, remoting() as client:
        with pytest.raises(RemoteError, match="crc32 not match"):
            await client.ask(server.address, header, BODY)
        assert server.routes.cluster().brokers == {}


async def test_what_only_a_broker_answers_is_not_supported():
    async with name_server() as server, remoting() as client:
        answer = await client.call(server.address, GetMaxOffset("orders", 0))
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    assert answer.remark == " request type 30 not supported"


async def test_a_body_that_is_no_registration_is_refused_and_the_server_goes_on():
    async with name_server() as server, remoting() as client:
        answer = await client.call(server.address, HEADER, b"no JSON")
        assert answer.code == ResponseCode.SYSTEM_ERROR
        await client.ask(server.address, HEADER, BODY)


async def test_bytes_that_are_no_frame_end_the_connection_only():
    async with name_server() as server, remoting() as client:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        await client.ask(server.address, HEADER, BODY)


async def test_how_long_a_connection_may_be_idle_is_changed_while_it_is():
    changed = b"serverChannelMaxIdleTimeSeconds=30"
    async with name_server() as server, remoting() as client:
        await client.ask(server.address, UpdateNamesrvConfig(), changed)
        begun = now_s()
        await until(lambda: not client.is_connected(server.address))
        assert 30 <= now_s() - begun <= 41


async def test_a_stopped_name_server_forgets_everything():
    port = free_port()
    async with name_server(port) as server, remoting() as client:
        await client.ask(server.address, HEADER, BODY)
    async with name_server(port) as server, remoting() as client:
        with pytest.raises(RemoteError, match="No topic route info"):
            await route(client, server)


async def test_a_stopped_name_server_takes_no_connections():
    async with name_server() as server:
        pass
    async with remoting() as client:
        with pytest.raises(NotConnected, match="connect to"):
            await route(client, server)
