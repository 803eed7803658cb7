"""Who polls is told the same by RocketMQ's lite pull consumer and by ours."""

from __future__ import annotations

import json

import pytest

from rmqlab.client import Admin, LitePullConsumer, Producer
from rmqlab.client.lite_pull import Misused
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import ClientConfig
from tests.interop.jars import HERE, release
from tests.interop.program import output_of
from tests.interop.real import BROKER_NAME, OURS, broker, environment, name_server

QUEUE = MessageQueue("Polled", BROKER_NAME, 0)
BODIES = [f"polled-{number}" for number in range(4)]
FACTS = {
    "first": BODIES[:2],
    "not committed": BODIES[2:],
    "committed": 2,
    "again": BODIES[2:],
    "sought": BODIES[1:],
    "from the beginning": BODIES,
    "refused": "Seek offset illegal, seek offset = 99, min offset = 0, max offset = 4",
}


async def by_ours(servers):
    """Do what java/lite/Polled.java does."""

    async def polled(consumer, count):
        found = []
        while len(found) < count:
            found += [one.body.decode() for one in await consumer.poll(1)]
        return found

    def consumer():
        config = ClientConfig(pull_batch_size=2)
        return LitePullConsumer("ours", servers, config, auto_commit=False)

    facts = {}
    async with consumer() as first:
        await first.assign([QUEUE])
        facts["first"] = await polled(first, 2)
        await first.commit()
        facts["not committed"] = await polled(first, 2)
        facts["committed"] = await first.committed(QUEUE)
    async with consumer() as second:
        await second.assign([QUEUE])
        facts["again"] = await polled(second, 2)
        await second.seek(QUEUE, 1)
        facts["sought"] = await polled(second, 3)
        await second.seek(QUEUE, await second.begin(QUEUE))
        facts["from the beginning"] = await polled(second, 4)
        with pytest.raises(Misused) as refused:
            await second.seek(QUEUE, 99)
    return facts | {"refused": str(refused.value)}


async def by_java(servers, client, home):
    command = client.command(home, str(HERE / "lite" / "Polled.java"), servers)
    words = "theirs", QUEUE.topic, QUEUE.broker_name
    said, _ = await output_of(*command, *words, env=environment(home))
    return json.loads(said)


@pytest.fixture(scope="module")
def real():
    """Return RocketMQ 4.9.7."""
    return release("4.9.7")


@pytest.mark.parametrize("is_ours", [False, True], ids=["4.9.7", "ours"])
async def test_polls_commits_and_places_are_those_of_the_real_client(
    is_ours, real, tmp_path
):
    server = OURS if is_ours else real
    async with (
        name_server(server, tmp_path) as servers,
        broker(server, tmp_path, servers, tmp_path / "store"),
    ):
        async with Admin(servers) as admin, Producer("shop", servers) as producer:
            await admin.create_topic(QUEUE.topic, 1)
            for body in BODIES:
                await producer.send(Message(QUEUE.topic, body.encode()), QUEUE)
        assert await by_java(servers, real, tmp_path) == FACTS
        assert await by_ours(servers) == FACTS
