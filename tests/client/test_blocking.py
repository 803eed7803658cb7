"""Clients without `async`: the same on a thread of their own."""

from __future__ import annotations

import asyncio
import sys

import pytest

from rmqlab.client import Admin, Verdict
from rmqlab.client.blocking import (
    BlockingAdmin,
    BlockingConsumer,
    BlockingLitePullConsumer,
    BlockingProducer,
    BlockingPullConsumer,
    BlockingTransactionProducer,
    begin,
    run,
)
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import Message, MessageQueue
from tests.support import make_broker, name_server, quick_client, until

ORDERS = MessageQueue("orders", "broker-a", 0)


async def test_the_blocking_clients_do_the_same_on_a_thread(tmp_path):
    came = []

    def use(name_servers, arrived):
        def hear(message):
            came.append(message.body)
            arrived()

        with BlockingProducer("shop", name_servers) as producer:
            producer.send(Message("orders", b"coffee"), ORDERS)
        start = ConsumeFrom.FIRST_OFFSET
        group = "kitchen", name_servers, hear, quick_client(), start
        with BlockingConsumer(*group) as consumer, BlockingAdmin(name_servers) as admin:
            consumer.subscribe("orders")
            assert admin.topics().count("orders") == 1
            assert admin.runtime_info(
                admin.cluster().brokers["broker-a"].broker_addrs[0]
            )
            asyncio.run_coroutine_threadsafe(here.wait(), loop).result(30)
            return [one.body for one in admin.messages(ORDERS)]

    here, loop = asyncio.Event(), asyncio.get_running_loop()

    def arrived():
        loop.call_soon_threadsafe(here.set)

    async with name_server() as server, make_broker(tmp_path, server.address):
        stored = await asyncio.to_thread(use, server.address, arrived)
    assert stored == came == [b"coffee"]


async def test_the_consumers_that_ask_do_the_same_on_a_thread(tmp_path):
    def use(name_servers):
        with BlockingProducer("shop", name_servers) as producer:
            for body in (b"coffee", b"tea", b"milk"):
                producer.send(Message("orders", body), ORDERS)
        own = name_servers, quick_client()
        with BlockingPullConsumer("audit", *own) as puller:
            assert ORDERS in puller.queues("orders")
            assert [one.body for one in puller.pull(ORDERS, 2).messages] == [b"milk"]
            puller.update(ORDERS, 1)
        with BlockingLitePullConsumer("audit", *own) as poller:
            poller.assign([ORDERS])
            came = [one.body for _, one in zip(range(2), poller, strict=False)]
            poller.seek(ORDERS, poller.begin(ORDERS))
            return came, [one.body for one in poller.poll()]

    async with name_server() as server, make_broker(tmp_path, server.address):
        came, again = await asyncio.to_thread(use, server.address)
    assert (came, again) == ([b"tea", b"milk"], [b"coffee", b"tea", b"milk"])


async def test_half_messages_are_sent_and_settled_without_async(tmp_path):
    def use(name_servers):
        own = "shop", name_servers, lambda message: Verdict.UNKNOWN
        with BlockingTransactionProducer(*own) as producer:
            return [
                producer.send(Message("orders", body), lambda _, it=verdict: it)
                for body, verdict in (
                    (b"tea", Verdict.ROLLBACK),
                    (b"coffee", Verdict.COMMIT),
                )
            ]

    async with name_server() as server, make_broker(tmp_path, server.address) as broker:
        done = await asyncio.to_thread(use, server.address)
        await until(
            lambda: "orders" in {topic for (topic, _), _ in broker.store.queues.items()}
        )
        async with Admin(server.address) as admin:
            queues = [one.queue for one in await admin.queue_stats("orders")]
            found = [
                message.body
                for queue in queues
                async for message in admin.messages(queue)
            ]
    assert [one.verdict for one in done] == [Verdict.ROLLBACK, Verdict.COMMIT]
    assert found == [b"coffee"]


def test_a_listener_that_exits_ends_neither_the_thread_nor_who_waits_for_it(caplog):
    async def listen():
        asyncio.get_running_loop().call_soon(sys.exit, 3)

    async def answer():
        return 42

    run(listen())
    assert begin(answer()).result(30) == 42
    assert "only the main thread can exit" in caplog.text


def test_a_listener_that_waits_for_its_own_thread_is_told():
    async def listen():
        run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="its own thread"):
        run(listen())
