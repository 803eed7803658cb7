"""RocketMQ's clients in C++, JavaScript and Go, which nobody here wrote."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from rmqlab.client import Admin, Producer
from rmqlab.protocol.message import Message
from tests.interop import others
from tests.support import make_broker, name_server

COUNT = 10
PAID = [number for number in range(COUNT) if number % 2]


@pytest.fixture(scope="module", params=[others.cpp, others.js, others.go])
def client(request):
    """Return a client; skip where this machine lacks it."""
    return request.param()


@asynccontextmanager
async def cluster(root):
    """Run a name server and a broker with a topic; yield the name server's address.

    The client in JavaScript sends to no topic that is not there.
    """
    async with (
        name_server() as server,
        make_broker(root, server.address),
        Admin(server.address) as admin,
    ):
        await admin.create_topic("orders", 4)
        yield server.address


def expected(number):
    """Return what message `number` looks like."""
    return {
        "body": f"coffee {number}",
        "keys": f"order-{number}",
        "tags": "paid" if number % 2 else "open",
        "colour": f"blau-{number} ☕",
    }


def by_body(lines):
    return sorted(lines, key=lambda line: line["body"])


async def collected(name_servers):
    """Return every message of the topic as our own client reads it."""
    async with Admin(name_servers) as admin:
        stats = await admin.queue_stats("orders")
        return [
            message for queue, *_ in stats async for message in admin.messages(queue)
        ]


async def test_what_another_client_sends_is_stored_whole(client, tmp_path):
    async with cluster(tmp_path) as name_servers:
        sent = await client.run(tmp_path, "send", name_servers, "orders")
        stored = await collected(name_servers)
    assert [line["status"].removeprefix("SEND_") for line in sent] == ["OK"] * COUNT
    assert {getattr(one, client.id_name) for one in stored} == {
        line["id"] for line in sent
    }
    found = [
        {
            "body": one.body.decode(),
            "keys": one.keys,
            "tags": one.tags,
            "colour": one.properties["colour"],
        }
        for one in stored
    ]
    assert by_body(found) == [expected(number) for number in range(COUNT)]


async def test_another_client_consumes_what_it_sent_each_message_once(client, tmp_path):
    async with cluster(tmp_path) as name_servers:
        sent = await client.run(tmp_path, "send", name_servers, "orders")
        arguments = name_servers, "orders", "a-group", "*", str(COUNT)
        came = await client.run(tmp_path, "consume", *arguments)
    assert {line.pop("id") for line in came} == {line["id"] for line in sent}
    assert by_body(came) == [expected(number) for number in range(COUNT)]


async def test_another_client_consumes_the_tags_that_it_asked_for(client, tmp_path):
    """Of what our producer sent."""
    async with cluster(tmp_path) as name_servers:
        async with Producer("ours", name_servers) as producer:
            for number in range(COUNT):
                one = expected(number)
                message = Message(
                    "orders",
                    one["body"].encode(),
                    one["tags"],
                    one["keys"],
                    properties={"colour": one["colour"]},
                )
                await producer.send(message)
        arguments = name_servers, "orders", "a-group", "paid", str(len(PAID))
        came = await client.run(tmp_path, "consume", *arguments)
    found = [{k: v for k, v in line.items() if k != "id"} for line in came]
    assert by_body(found) == [expected(number) for number in PAID]
