"""A producer among brokers: real ones, or ones that answer as they are told."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

from rmqlab.client import Admin, Producer
from rmqlab.protocol.bodies import TopicConfig, TopicTable
from rmqlab.protocol.message import Message
from rmqlab.protocol.messaging import SendMessageV2, SendReply
from rmqlab.protocol.routing import RegisterBroker
from rmqlab.remoting import RemotingServer
from rmqlab.settings import ClientConfig
from tests.support import HOST, free_port, make_broker, name_server

HANGS_UP = "hangs up"
SILENT = "is silent"
QUEUES = 2


def coffee():
    return Message("orders", b"coffee", tags="paid", keys="order-7")


class FakeBroker:
    """Registered like a broker; notes what it is sent and answers as it is told."""

    def __init__(self, name, answer) -> None:
        self.name, self.answer = name, answer
        self.asked: list[SendMessageV2] = []
        self._server = RemotingServer(self._handle)

    async def start(self, server):
        port = await self._server.listen(free_port())
        table = TopicTable(topics={"orders": TopicConfig("orders", QUEUES, QUEUES)})
        header = RegisterBroker(self.name, f"{HOST}:{port}", "c", f"{HOST}:1", 0)
        server.routes.register(header, table, self.name, 0)

    def _handle(self, frame, connection):
        if frame.code != SendMessageV2.CODE:
            return frame.answer()
        self.asked.append(SendMessageV2.parse(frame.fields))
        if self.answer == HANGS_UP:
            connection.abort()
        if self.answer in (HANGS_UP, SILENT):
            return None
        reply = SendReply("0" * 32, self.asked[-1].queue_id, 0)
        return frame.answer(self.answer, reply.to_wire(), remark="so it is")

    async def stop(self):
        await self._server.stop()


@asynccontextmanager
async def fakes(*answers, **settings):
    """Run brokers that answer so; yield a producer and the brokers."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        brokers = []
        for letter, answer in zip("abc", answers, strict=False):
            brokers.append(FakeBroker(f"broker-{letter}", answer))
            await brokers[-1].start(server)
            stack.push_async_callback(brokers[-1].stop)
        producer = Producer("shop", server.address, ClientConfig(**settings))
        await stack.enter_async_context(producer)
        yield producer, *brokers


@asynccontextmanager
async def cluster(root, *names, **settings):
    """Run brokers with a topic of two queues each; yield a producer and them."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        brokers = [
            make_broker(root, server.address, name, **settings) for name in names
        ]
        for broker in brokers:
            await stack.enter_async_context(broker)
        async with Admin(server.address) as admin:
            await admin.create_topic("orders", QUEUES)
        producer = Producer("shop", server.address)
        yield await stack.enter_async_context(producer), *brokers
