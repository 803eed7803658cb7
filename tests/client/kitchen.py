"""What tests of push consumers share: a cluster, its topic, and what came of it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

from rmqlab.client import Admin, Producer, PushConsumer
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import ClientConfig
from tests.support import make_broker, name_server, until

QUEUES = 4
ALL_QUEUES = [MessageQueue("orders", "broker-a", number) for number in range(QUEUES)]
NUMBERS = [b"%d" % number for number in range(20)]


class Lab:
    """A name server, a broker with the topic `orders`, and a producer."""

    def __init__(self, server, broker, producer) -> None:
        self.server, self.broker, self.producer = server, broker, producer
        self.came: list[bytes] = []

    def hear(self, message) -> None:
        """Listen: note the body."""
        self.came.append(message.body)

    def consumer(self, listener=None, group="kitchen", config=None, **options):
        """Return a consumer; `config` are settings, `options` its own."""
        return PushConsumer(
            group,
            self.server.address,
            listener or self.hear,
            ClientConfig(**(config or {})),
            **options,
        )

    async def send(self, *bodies, queue=None, topic="orders", **message):
        for body in bodies:
            await self.producer.send(Message(topic, body, **message), queue)

    async def until_came(self, count):
        await until(lambda: len(self.came) >= count)

    def offsets(self, group="kitchen"):
        found = (
            self.broker.memory.offsets.get(group, "orders", queue.queue_id)
            for queue in ALL_QUEUES
        )
        return [offset or 0 for offset in found]


@asynccontextmanager
async def lab(root, **settings):
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        broker = make_broker(root, server.address, **settings)
        await stack.enter_async_context(broker)
        async with Admin(server.address) as admin:
            await admin.create_topic("orders", QUEUES)
        producer = await stack.enter_async_context(Producer("shop", server.address))
        yield Lab(server, broker, producer)


def share(consumer):
    return [queue for queue in consumer.queues if queue.topic == "orders"]


async def balanced(*consumers):
    """Wait until the consumers have shared out all queues evenly."""
    each = QUEUES // len(consumers)
    await until(lambda: all(len(share(one)) == each for one in consumers))


def in_topic(it, topic):
    """Return how many messages a topic's first queue has."""
    return it.broker.store.queues.max_offset(topic, 0)
