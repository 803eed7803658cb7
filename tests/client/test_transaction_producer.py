"""Half messages sent, settled and asked about, over virtual minutes."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from rmqlab.client import Admin, TransactionProducer, Verdict
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.client.transaction import Transacted
from rmqlab.errors import NotConnected
from rmqlab.protocol.message import CHECK_MAX_TOPIC, Message
from rmqlab.settings import BrokerRole
from tests.simulated import pass_time
from tests.support import make_broker, name_server

pytestmark = pytest.mark.simulated

COFFEE = Message("orders", b"coffee", keys="order-7")
COMMIT, ROLLBACK, UNKNOWN = Verdict


class Shop:
    """What a producer's checks say, and what they were asked."""

    def __init__(self, server) -> None:
        self.server = server
        self.says: Verdict | Exception = UNKNOWN
        self.asked: list[bytes] = []

    def producer(self, group="shop"):
        return TransactionProducer(group, self.server.address, self.check)

    async def check(self, message):
        self.asked.append(message.body)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def found(self, topic="orders"):
        """Return the bodies of a topic, whatever the queue."""
        async with Admin(self.server.address) as admin:
            queues = [one.queue for one in await admin.queue_stats(topic)]
            return [
                message.body
                for queue in queues
                async for message in admin.messages(queue)
            ]


@asynccontextmanager
async def shop(tmp_path, **settings):
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        broker = make_broker(tmp_path, server.address, **settings)
        await stack.enter_async_context(broker)
        admin = await stack.enter_async_context(Admin(server.address))
        await admin.create_topic("orders", queues=2)
        yield Shop(server)


async def test_a_committed_message_is_seen_and_a_rolled_back_one_is_not(tmp_path):
    async with shop(tmp_path) as one, one.producer() as producer:
        done = await producer.send(COFFEE, lambda _: COMMIT)
        assert isinstance(done, Transacted)
        assert (done.sent.status, done.verdict) == (SendStatus.SEND_OK, COMMIT)
        await producer.send(Message("orders", b"tea"), lambda _: ROLLBACK)
        await pass_time(120)
        assert await one.found() == [b"coffee"]
        assert one.asked == []


async def test_nothing_is_seen_while_the_work_lasts(tmp_path):
    async with shop(tmp_path) as one, one.producer() as producer:
        seen = []

        async def work(message):
            await pass_time(5)
            seen.extend(await one.found())
            return COMMIT

        await producer.send(COFFEE, work)
        await pass_time(1)
        assert (seen, await one.found()) == ([], [b"coffee"])


@pytest.mark.parametrize("verdict", [COMMIT, ROLLBACK])
async def test_a_producer_that_did_not_know_is_asked_within_two_minutes(
    tmp_path, verdict
):
    async with shop(tmp_path) as one, one.producer() as producer:
        await producer.send(COFFEE, lambda _: UNKNOWN)
        one.says = verdict
        await pass_time(120)
        assert one.asked == [b"coffee"]
        assert await one.found() == [b"coffee"][: verdict is COMMIT]


async def test_who_never_knows_is_asked_fifteen_times(tmp_path):
    async with shop(tmp_path) as one, one.producer() as producer:
        await producer.send(COFFEE, lambda _: UNKNOWN)
        await pass_time(30 * 60)
        assert one.asked == [b"coffee"] * 15
        assert await one.found() == []
        assert await one.found(CHECK_MAX_TOPIC) == [b"coffee"]


async def test_work_that_returns_no_verdict_leaves_it_to_the_check(tmp_path):
    async with shop(tmp_path) as one, one.producer() as producer:
        done = await producer.send(COFFEE, lambda _: None)
        assert done.verdict is UNKNOWN
        one.says = COMMIT
        await pass_time(130)
        assert await one.found() == [b"coffee"]


async def test_work_that_fails_leaves_the_verdict_to_the_check(tmp_path):
    async with shop(tmp_path) as one, one.producer() as producer:

        def work(message):
            raise RuntimeError("the till is stuck")

        one.says = RuntimeError("still stuck")
        done = await producer.send(COFFEE, work)
        assert done.verdict is UNKNOWN
        await pass_time(70)
        one.says = COMMIT
        await pass_time(60)
        assert one.asked == [b"coffee", b"coffee"]
        assert await one.found() == [b"coffee"]


async def test_another_producer_of_the_group_answers_for_one_that_is_gone(tmp_path):
    async with shop(tmp_path) as one:
        async with one.producer() as first:
            await first.send(COFFEE, lambda _: UNKNOWN)
        one.says = COMMIT
        async with one.producer() as heir, one.producer("bakery") as other:
            await heir.inner.instance.fetch_route("orders")
            await other.inner.instance.fetch_route("orders")
            await pass_time(120)
        assert one.asked == [b"coffee"]
        assert await one.found() == [b"coffee"]


async def test_a_half_message_that_no_slave_has_is_rolled_back_before_any_work(
    tmp_path,
):
    worked = []
    alone = shop(tmp_path, role=BrokerRole.SYNC_MASTER)
    async with alone as one, one.producer() as producer:
        done = await producer.send(COFFEE, worked.append)
        assert done.sent.status is SendStatus.SLAVE_NOT_AVAILABLE
        assert (done.verdict, worked) == (ROLLBACK, [])
        await pass_time(120)
        assert (one.asked, await one.found()) == ([], [])


async def test_without_a_half_message_no_work_is_done(tmp_path):
    worked = []
    async with name_server() as server:
        producer = TransactionProducer("shop", server.address, lambda _: COMMIT)
        async with producer:
            with pytest.raises(SendError):
                await producer.send(COFFEE, worked.append)
    assert worked == []


async def test_a_verdict_that_cannot_be_told_is_asked_for_later(tmp_path, monkeypatch):
    async with shop(tmp_path) as one, one.producer() as producer:

        async def fail(*_):
            raise NotConnected("the cable is out")

        with monkeypatch.context() as patch:
            patch.setattr(producer.inner.instance.remoting, "tell", fail)
            await producer.send(COFFEE, lambda _: COMMIT)
        one.says = COMMIT
        await pass_time(120)
        assert await one.found() == [b"coffee"]


async def test_the_senders_message_stays_as_it_was(tmp_path):
    before = replace(COFFEE, properties={"DELAY": "3"})
    async with shop(tmp_path) as one, one.producer() as producer:
        await producer.send(before, lambda _: COMMIT)
        await pass_time(1)
        assert before.properties == {"DELAY": "3"}
        assert await one.found() == [b"coffee"]
