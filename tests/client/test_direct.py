"""What a tool asks of one client, all the way: over a broker to the client and back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.client import Consumed, Producer, PushConsumer
from rmqlab.errors import RemoteError
from rmqlab.protocol import fastjson
from rmqlab.protocol.grouping import ConsumeDirectly
from rmqlab.protocol.message import Message, MessageQueue
from tests.support import make_broker, name_server, until

pytestmark = pytest.mark.simulated


class Scene:
    """A message that is stored, a consumer of another topic, and a tool."""

    def __init__(self, broker, producer, consumer, sent) -> None:
        self.broker, self.consumer, self.msg_id = broker, consumer, sent.offset_msg_id
        self.remoting = producer.instance.remoting

    async def ask(self, group="kitchen", client=None):
        header = ConsumeDirectly(
            group, client or self.consumer.instance.client_id, self.msg_id
        )
        address = f"127.0.0.1:{self.broker.config.listen_port}"
        answer = await self.remoting.ask(address, header, timeout_s=20)
        return fastjson.loads(answer.body)


@asynccontextmanager
async def scene(root, listener):
    async with (
        name_server() as server,
        make_broker(root, server.address) as broker,
        Producer("shop", server.address) as producer,
    ):
        queue = MessageQueue("orders", "broker-a", 0)
        sent = await producer.send(Message("orders", b"coffee"), queue)
        await producer.send(Message("teas", b"green"))
        async with PushConsumer("kitchen", server.address, listener) as consumer:
            await consumer.subscribe("teas")
            clients = broker.memory.clients
            await until(lambda: clients.consumers("kitchen"))
            yield Scene(broker, producer, consumer, sent)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (None, "CR_SUCCESS"),
        (Consumed.SUCCESS, "CR_SUCCESS"),
        (Consumed.RECONSUME_LATER, "CR_LATER"),
    ],
)
async def test_the_listeners_word_travels_back_to_the_tool(tmp_path, outcome, result):
    came = []

    def hear(message):
        came.append((message.topic, message.body))
        return outcome if message.topic == "orders" else None

    async with scene(tmp_path, hear) as at:
        found = await at.ask()
    assert found.pop("spentTimeMills") == 0
    assert found == {"autoCommit": True, "consumeResult": result, "order": False}
    assert came.count(("orders", b"coffee")) == 1


async def test_a_listener_that_waits_is_waited_for_and_timed(tmp_path):
    async def hear(message):
        if message.topic == "orders":
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            loop.call_later(1.5, done.set_result, None)
            await done

    async with scene(tmp_path, hear) as at:
        found = await at.ask()
    assert found["consumeResult"] == "CR_SUCCESS"
    assert found["spentTimeMills"] == 1500


async def test_what_a_listener_raises_is_told(tmp_path):
    def hear(message):
        if message.topic == "orders":
            raise ValueError("no beans")

    async with scene(tmp_path, hear) as at:
        found = await at.ask()
    assert found["consumeResult"] == "CR_THROW_EXCEPTION"
    assert found["remark"] == "ValueError: no beans"


async def test_a_client_that_takes_too_long_is_given_up(tmp_path):
    done = asyncio.Event()

    async def hear(message):
        if message.topic == "orders":
            await done.wait()

    async with scene(tmp_path, hear) as at:
        with pytest.raises(RemoteError, match="Timeout: wait response on the channel"):
            await at.ask()
        done.set()


async def test_a_client_that_is_not_there_is_not_waited_for(tmp_path):
    async with scene(tmp_path, lambda message: None) as at:
        with pytest.raises(RemoteError, match="<nobody> not online"):
            await at.ask(client="nobody")
