"""RocketMQ's own C++ client, which nobody here wrote, against these servers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rmqlab.client import Admin, Producer
from rmqlab.protocol.message import Message
from tests.conftest import missing
from tests.support import make_broker, name_server

SCRIPT = Path(__file__).parent / "cpp_client.py"
BOUND_S = 100.0
COUNT = 10
PAID = [number for number in range(COUNT) if number % 2]


@pytest.fixture(scope="module", autouse=True)
def library():
    """Skip where the C++ client cannot be loaded."""
    command = [sys.executable, "-c", "import rocketmq.client"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    if found.returncode:
        reason = (found.stderr.splitlines() or ["it cannot be imported"])[-1]
        missing("interop", f"PyPI's rocketmq is not there: {reason}")


@asynccontextmanager
async def cluster(root):
    """Run a name server and a broker; yield the name server's address."""
    async with name_server() as server, make_broker(root, server.address):
        yield server.address


async def cpp(home, *arguments):
    """Run the client in a process of its own and return the lines it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        *arguments,
        env={**os.environ, "HOME": str(home)},  # it logs below
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(BOUND_S):
            said, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in said.decode().splitlines()]


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


async def test_what_the_cpp_client_sends_is_stored_whole(tmp_path):
    async with cluster(tmp_path) as name_servers:
        sent = await cpp(tmp_path, "send", name_servers, "orders")
        stored = await collected(name_servers)
    assert [line["status"] for line in sent] == ["OK"] * COUNT
    assert {one.msg_id for one in stored} == {line["id"] for line in sent}
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


async def test_the_cpp_client_consumes_what_it_sent_each_message_once(tmp_path):
    async with cluster(tmp_path) as name_servers:
        sent = await cpp(tmp_path, "send", name_servers, "orders")
        arguments = name_servers, "orders", "cpp-group", "*", str(COUNT)
        came = await cpp(tmp_path, "consume", *arguments)
    assert {line.pop("id") for line in came} == {line["id"] for line in sent}
    assert by_body(came) == [expected(number) for number in range(COUNT)]


async def test_the_cpp_client_consumes_the_tags_that_it_asked_for(tmp_path):
    async with cluster(tmp_path) as name_servers:
        await cpp(tmp_path, "send", name_servers, "orders")
        arguments = name_servers, "orders", "cpp-group", "paid", str(len(PAID))
        came = await cpp(tmp_path, "consume", *arguments)
    found = [{k: v for k, v in line.items() if k != "id"} for line in came]
    assert by_body(found) == [expected(number) for number in PAID]


async def test_the_cpp_client_consumes_what_our_producer_sent(tmp_path):
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
        arguments = name_servers, "orders", "cpp-group", "*", str(COUNT)
        came = await cpp(tmp_path, "consume", *arguments)
    found = [{k: v for k, v in line.items() if k != "id"} for line in came]
    assert by_body(found) == [expected(number) for number in range(COUNT)]
