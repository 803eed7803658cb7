"""How a broker tells name servers of itself, and what it learns from them."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager

import pytest

from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.routing import DeleteKvConfig, PutKvConfig
from rmqlab.remoting import RemotingClient
from tests.simulated import pass_time
from tests.support import make_broker, name_server, until

pytestmark = pytest.mark.simulated

ORDER = "ORDER_TOPIC_CONFIG"


@asynccontextmanager
async def broker_of(tmp_path, *servers, **settings):
    addresses = ";".join(one.address for one in servers)
    async with make_broker(tmp_path, addresses, **settings) as broker:
        yield broker


async def tell(server, header):
    client = RemotingClient()
    await client.ask(server.address, header)
    await client.close()


def registered(caplog):
    return caplog.text.count("registered broker=broker-a id=0")


@pytest.mark.parametrize(("forced", "times"), [(True, 4), (False, 1)])
async def test_a_broker_tells_its_topics_every_time_or_only_when_they_changed(
    tmp_path, caplog, forced, times
):
    caplog.set_level(logging.INFO, "rmqlab.namesrv.requests")
    async with (
        name_server() as server,
        broker_of(tmp_path, server, force_register=forced) as broker,
    ):
        await pass_time(75)  # after 10 s, 40 s, 70 s
        assert registered(caplog) == times
        broker.memory.topics.put(TopicConfig("orders"), broker.clock.now_ms())
        broker._topics_changed()
        await until(lambda: server.routes.route("orders"))
        assert registered(caplog) == times + 1


async def test_a_broker_that_only_asks_is_not_forgotten_and_not_unknown(tmp_path):
    async with name_server() as server:
        port = server.port
        async with broker_of(tmp_path, server, force_register=False) as broker:
            await pass_time(300)
            assert server.routes.cluster().brokers.keys() == {"broker-a"}
            server.routes.unregister("broker-a", 0, broker.registrations[0].address)
            await until(lambda: server.routes.cluster().brokers)
            await server.stop()
            async with name_server(port) as again:
                await until(lambda: again.routes.cluster().brokers)


async def test_topics_that_were_told_compressed_are_the_same(tmp_path):
    async with name_server() as server:
        async with broker_of(tmp_path, server):
            plain = server.routes.topics(), server.routes.route("TBW102")
        assert server.routes.topics() == []
        async with broker_of(tmp_path, server, compressed_register=True):
            compressed = server.routes.topics(), server.routes.route("TBW102")
    assert plain[0] == compressed[0]
    assert plain[1].queues == compressed[1].queues


async def test_topics_become_ordered_as_the_name_server_has_them(tmp_path):
    def ordered():
        topics = broker.memory.topics.table.topics.values()
        return [one.topic_name for one in topics if one.order]

    async with name_server() as server, broker_of(tmp_path, server) as broker:
        await tell(server, PutKvConfig(ORDER, "TBW102", "broker-a:8"))
        await tell(server, PutKvConfig(ORDER, "elsewhere", "broker-b:8"))
        before = broker.memory.topics.version
        await until(ordered)
        await pass_time(100)
        assert (ordered(), broker.memory.topics.version) == (["TBW102"], before + 1)
        await tell(server, DeleteKvConfig(ORDER, "TBW102"))
        await until(lambda: not ordered())
        assert server.routes.version(broker.registrations[0].address).counter > before


async def test_of_name_servers_that_differ_the_first_one_is_believed(tmp_path):
    async with (
        name_server() as first,
        name_server() as second,
        broker_of(tmp_path, first, second) as broker,
    ):
        await tell(first, PutKvConfig(ORDER, "TBW102", "broker-a:8"))
        await tell(second, PutKvConfig(ORDER, "BenchmarkTest", "broker-a:8"))
        before = broker.memory.topics.version
        await pass_time(200)
        assert broker.memory.topics.get("TBW102").order
        assert not broker.memory.topics.get("BenchmarkTest").order
        assert broker.memory.topics.version == before + 1
