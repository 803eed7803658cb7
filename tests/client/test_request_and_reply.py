"""Requests that are replied to, too late, or by nobody."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab.client import PushConsumer
from rmqlab.client.instance import ClientInstance
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.requests import Requests, reply_to
from rmqlab.client.selection import by_hash
from rmqlab.client.sent import NotSendable, SendError
from rmqlab.errors import NoAnswer
from rmqlab.protocol import message as messages
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import Message, split_properties
from tests.client.brokers import cluster
from tests.simulated import pass_time
from tests.support import golden_frames, golden_index, until

QUESTION = Message("orders", b"6 x 7", keys="order-7")


@asynccontextmanager
async def kitchen(root, *names, after_s=0.0):
    """Run brokers and a consumer that replies; yield who asks and what was asked."""
    asked = []
    async with AsyncExitStack() as stack:
        made = cluster(root, *names)
        producer, *_ = await stack.enter_async_context(made)

        async def answer(message):
            asked.append(message)
            await pass_time(after_s)
            await producer.send(reply_to(message, b"= " + message.body))

        (server,) = producer.instance.name_servers
        first = ConsumeFrom.FIRST_OFFSET
        consumer = PushConsumer("kitchen", server, answer, start=first)
        await stack.enter_async_context(consumer)
        await consumer.subscribe("orders")
        await until(lambda: len(consumer.queues) > len(names))
        yield producer, asked


@pytest.mark.simulated
@pytest.mark.parametrize("names", [["broker-a"], ["broker-a", "broker-b"]])
async def test_the_reply_comes_to_who_asked(tmp_path, names):
    async with kitchen(tmp_path, *names) as (producer, asked):
        replies = await asyncio.gather(
            *(
                producer.request(Message("orders", b"%d" % n), timeout_s=10)
                for n in range(5)
            )
        )
    assert [one.body for one in replies] == [b"= %d" % n for n in range(5)]
    assert len(asked) == 5
    assert {one.topic for one in replies} == {"DefaultCluster_REPLY_TOPIC"}


@pytest.mark.simulated
async def test_a_request_says_how_to_reply_and_the_senders_message_stays_as_it_was(
    tmp_path,
):
    async with kitchen(tmp_path, "broker-a") as (producer, asked):
        reply = await producer.request(QUESTION, 2.5, select=by_hash("order-7"))
    (question,) = asked
    assert (question.body, question.keys) == (QUESTION.body, QUESTION.keys)
    assert question.properties["TTL"] == "2500"
    assert question.properties["REPLY_TO_CLIENT"] == producer.instance.client_id
    id_of = "CORRELATION_ID"
    assert reply.properties[id_of] == question.properties[id_of]
    assert QUESTION.properties == {}


@pytest.mark.simulated
async def test_a_reply_that_is_late_finds_nobody_who_waits(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    async with kitchen(tmp_path, "broker-a", after_s=4) as (producer, asked):
        with pytest.raises(NoAnswer, match=r"to <orders> OK, but .* 2000 ms") as told:
            await producer.request(QUESTION, timeout_s=2)
        await pass_time(5)
    assert not told.value.is_definite
    assert len(asked) == 1
    assert "a reply that nobody waits for" in caplog.text


@pytest.mark.simulated
async def test_what_is_not_sent_is_not_waited_for(tmp_path):
    async with kitchen(tmp_path, "broker-a") as (producer, _):
        with pytest.raises(SendError, match="is zero"):
            await producer.request(Message("orders", b""))
        assert producer._requests._waiting == {}


def golden(code):
    """Return a golden request of Java's, and its frame."""
    (name,) = [
        one["file"].removesuffix(".bin")
        for one in golden_index()
        if one["code"] == code
    ]
    return Frame.from_bytes(golden_frames()[f"{name}.request"][4:])


def test_a_reply_is_made_as_java_makes_it():
    sent = golden(325).fields
    theirs = split_properties(sent["i"])
    kept = {k: theirs[k] for k in ("CORRELATION_ID", "REPLY_TO_CLIENT", "TTL")}
    asked = stored(kept | {"CLUSTER": "rocketmq-cluster", "KEYS": "stays"})
    reply = reply_to(asked, b"reply")
    del theirs["UNIQ_KEY"]
    assert (reply.topic, reply.properties) == (sent["b"], theirs)


def stored(properties):
    host = ("127.0.0.1", 1)
    return messages.StoredMessage(
        "orders", 0, 0, 0, 0, b"1", properties, 0, 0, 0, host, 0, host, 0
    )


@pytest.mark.parametrize("name", ["CLUSTER", "CORRELATION_ID", "REPLY_TO_CLIENT"])
def test_what_is_no_request_has_no_reply(name):
    properties = dict.fromkeys(("CLUSTER", "CORRELATION_ID", "REPLY_TO_CLIENT"), "x")
    del properties[name]
    with pytest.raises(NotSendable, match=rf"property\[{name}\] is null"):
        reply_to(stored(properties), b"1")


@pytest.mark.simulated
async def test_a_golden_push_is_understood():
    push = golden(326)
    requests = Requests(ClientInstance("127.0.0.1:1"))
    name = split_properties(push.fields["properties"])["CORRELATION_ID"]
    requests._waiting[name] = asyncio.get_running_loop().create_future()
    answer = requests._instance.remoting.asked[push.code](push, "127.0.0.1:1")
    reply = await requests._waiting[name]
    assert (answer.code, reply.body) == (0, push.body)
    assert reply.born_host == ("127.0.0.1", 33224)
    assert reply.store_host == ("127.0.0.1", 10921)
    assert reply.properties["PUSH_REPLY_TIME"] == "1795425855674"
