"""One group with members in Java and in Python: every queue one owner, nothing twice.

Both sides must share out alike, for nobody hands anything out.  Members come and go
while all is quiet, so that nothing may come twice, and then while messages flow.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab.client import Admin, Producer, PullConsumer, PushConsumer, allocate
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import Message, MessageQueue
from tests.interop.jars import release
from tests.interop.line_client import LineClient
from tests.interop.python.stage import Heard, quick, until
from tests.interop.real import BROKER_NAME, OURS, broker, name_server

TOPIC, GROUP = "Mixed", "mixed-group"
QUEUES = [MessageQueue(TOPIC, BROKER_NAME, number) for number in range(8)]
ROUND = 80
STRATEGIES = {
    "averagely": allocate.averagely,
    "circle": allocate.by_circle,
    "hash": allocate.by_consistent_hash(),
}


class JavaMember:
    """RocketMQ's push consumer, in a process of its own."""

    def __init__(self, line: LineClient, strategy: str) -> None:
        self._line, self._strategy = line, strategy
        self.client_id = ""

    async def join(self):
        self.client_id = await self._line.ask(
            "join", topic=TOPIC, strategy=self._strategy
        )

    async def queues(self):
        return await self._line.ask("queues", topic=TOPIC)

    async def heard(self):
        return [tuple(place) for place in await self._line.ask("heard")]

    async def save(self):
        await self._line.ask("save")

    async def leave(self):
        await self._line.ask("leave")

    async def committed(self, queue):
        return await self._line.ask("committed", topic=TOPIC, queue=queue.queue_id)


class OurMember:
    """Our push consumer."""

    def __init__(self, servers: str, strategy: str) -> None:
        self._heard = Heard()
        self._consumer = PushConsumer(
            GROUP,
            servers,
            self._heard,
            quick(),
            start=ConsumeFrom.FIRST_OFFSET,
            allocate=STRATEGIES[strategy],
        )
        self.client_id = self._consumer.instance.client_id

    async def join(self):
        await self._consumer.__aenter__()
        await self._consumer.subscribe(TOPIC)

    async def queues(self):
        return [one.queue_id for one in self._consumer.queues if one.topic == TOPIC]

    async def heard(self):
        return [(one.queue_id, one.queue_offset) for one in self._heard.messages]

    async def save(self):
        """It does by itself, soon."""

    async def leave(self):
        await self._consumer.close()


class Group:
    """The members, the topic, and what was sent to it."""

    def __init__(self, servers, stack, strategy) -> None:
        self._servers, self._stack, self._strategy = servers, stack, strategy
        self.present, self.everyone = [], []
        self.sent: list[tuple[int, int]] = []

    async def open(self, root, client):
        enter = self._stack.enter_async_context
        self.producer = await enter(Producer("senders", self._servers, quick()))
        self.puller = await enter(PullConsumer(GROUP, self._servers))
        admin = await enter(Admin(self._servers))
        await admin.create_topic(TOPIC, len(QUEUES))
        line = LineClient(client, root, self._servers, GROUP, "Member")
        self._line = await enter(line)

    def java(self):
        return JavaMember(self._line, self._strategy)

    def ours(self):
        return OurMember(self._servers, self._strategy)

    async def join(self, member):
        await member.join()
        self.present.append(member)
        self.everyone.append(member)

    async def leave(self, member):
        self.present.remove(member)
        await member.leave()

    async def is_shared_out(self):
        """Whether each member has what the strategy gives it."""
        ids = sorted(one.client_id for one in self.present)
        for one in self.present:
            share = STRATEGIES[self._strategy](one.client_id, QUEUES, ids)
            if await one.queues() != sorted(queue.queue_id for queue in share):
                return False
        return True

    async def send(self):
        for number in range(ROUND):
            queue = QUEUES[number % len(QUEUES)]
            result = await self.producer.send(Message(TOPIC, b"x"), queue)
            self.sent.append((queue.queue_id, result.queue_offset))

    async def heard(self):
        lists = [await one.heard() for one in self.everyone]
        return Counter(place for heard in lists for place in heard)

    async def all_is_heard(self):
        return set(self.sent) <= set(await self.heard())

    async def all_is_committed(self):
        """Whether the brokers know that the group has consumed all."""
        for one in self.present:
            await one.save()
        sent = Counter(number for number, _ in self.sent)
        found = [await self.puller.committed(queue) for queue in QUEUES]
        return found == [sent[queue.queue_id] for queue in QUEUES]

    async def round(self):
        """Send some when all is shared out, until all is consumed."""
        await until(self.is_shared_out)
        await self.send()
        await until(self.all_is_heard)
        await until(self.all_is_committed)


@asynccontextmanager
async def group(server, client, root, strategy):
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(name_server(server, root))
        node = broker(server, root, servers, root / "store")
        await stack.enter_async_context(node)
        made = Group(servers, stack, strategy)
        await made.open(root, client)
        yield made
        for member in list(made.present):
            await made.leave(member)


@pytest.fixture(scope="module")
def java():
    """Return RocketMQ 4.9.7."""
    return release("4.9.7")


@pytest.mark.parametrize(
    ("is_ours", "strategy"),
    [(False, "averagely"), *((True, strategy) for strategy in STRATEGIES)],
)
async def test_members_in_java_and_in_python_share_without_gap_or_double(
    is_ours, strategy, java, tmp_path
):
    async with group(OURS if is_ours else java, java, tmp_path, strategy) as it:
        other, one, two = it.java(), it.ours(), it.ours()
        for member in (other, one, two):
            await it.join(member)
            await it.round()
        assert [await other.committed(queue) for queue in QUEUES] == [
            await it.puller.committed(queue) for queue in QUEUES
        ]
        await it.leave(one)
        await it.round()
        await it.leave(other)
        await it.round()
        assert await it.heard() == Counter(it.sent)
        # And while messages flow, nothing is left out.
        flowing = asyncio.create_task(it.send())
        await it.join(it.ours())
        await flowing
        await until(it.all_is_heard)
