"""What a producer refuses before it asks anybody, and the words for it."""

from __future__ import annotations

from functools import partial

import pytest

from rmqlab.client import LitePullConsumer, Producer, PullConsumer, PushConsumer, checks
from rmqlab.client.sent import NotSendable
from rmqlab.errors import ConfigError
from rmqlab.protocol.message import NOT_SENDABLE, Message, MessageQueue
from rmqlab.settings import ClientConfig

COFFEE = Message("orders", b"coffee")
FORBIDDEN = "Sending message to topic[{}] is forbidden."


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, "the message is null"),
        (Message("", b"1"), "The specified topic is blank"),
        (Message(" ", b"1"), "The specified topic is blank"),
        (
            Message("t" * 128, b"1"),
            "The specified topic is longer than topic max length 127.",
        ),
        (
            Message("a b", b"1"),
            "The specified topic[a b] contains illegal characters, allowing only ^[%|",
        ),
        *((Message(one, b"1"), FORBIDDEN.format(one)) for one in sorted(NOT_SENDABLE)),
        (Message("orders", None), "the message body is null"),
        (Message("orders", b""), "the message body length is zero"),
        (
            Message("orders", bytes(11)),
            "the message body size over max value, MAX: 10",
        ),
    ],
)
def test_a_message_that_no_broker_would_take_is_refused_in_rocketmqs_words(
    message, text
):
    with pytest.raises(NotSendable) as told:
        checks.check_message(message, 10)
    assert str(told.value).startswith(text)
    assert told.value.is_definite


@pytest.mark.parametrize(
    "message",
    [
        Message("t" * 127, b"1"),
        Message("%RETRY%kitchen", b"1"),
        Message("TBW102", b"1"),
        Message("orders", bytes(10)),
    ],
)
def test_a_message_within_the_limits_is_let_through(message):
    checks.check_message(message, 10)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], "a batch without any message"),
        (
            [COFFEE, Message("orders", b"1", delay_level=1)],
            "TimeDelayLevel is not supported for batching",
        ),
        (
            [COFFEE, Message("orders", b"1", properties={"DELAY": "2"})],
            "TimeDelayLevel is not supported for batching",
        ),
        ([Message("%RETRY%g", b"1")], "Retry Group is not supported for batching"),
        (
            [COFFEE, Message("bills", b"1")],
            "The topic of the messages in one batch should be the same",
        ),
        (
            [COFFEE, Message("orders", b"1", wait_store_ok=False)],
            "The waitStoreMsgOK of the messages in one batch should the same",
        ),
    ],
)
def test_what_cannot_travel_together_is_refused_in_rocketmqs_words(messages, text):
    with pytest.raises(NotSendable) as told:
        checks.check_batch(messages)
    assert str(told.value).startswith(text)


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("", "the specified group is blank"),
        ("g" * 256, "the specified group is longer than group max length 255."),
        ("a b", r"the specified group\[a b\] contains illegal characters"),
        ("DEFAULT_PRODUCER", "producerGroup can not equal DEFAULT_PRODUCER, please"),
    ],
)
def test_a_producer_of_a_group_that_may_not_be_is_not_begun(group, text):
    with pytest.raises(ConfigError, match=text):
        Producer(group, "127.0.0.1:1")


@pytest.mark.parametrize(
    "consumer",
    [partial(PushConsumer, listener=print), PullConsumer, LitePullConsumer],
)
def test_nor_is_a_consumer_of_one(consumer):
    for group in ("", "a b", "DEFAULT_CONSUMER"):
        with pytest.raises(ConfigError):
            consumer(group, name_servers="127.0.0.1:1")


def test_the_default_of_the_other_kind_is_a_name_like_any_other():
    checks.check_group("DEFAULT_CONSUMER", "producer")


@pytest.mark.simulated
async def test_all_ways_to_send_are_checked_before_anybody_is_asked():
    queue = MessageQueue("bills", "broker-a", 0)
    large = Message("orders", bytes(60))
    config = ClientConfig(max_message_size=100)
    async with Producer("shop", "nobody:1", config) as producer:
        for send, text in (
            (producer.send(Message("a b", b"1")), "illegal characters"),
            (producer.send_one_way(Message("orders", b"")), "is zero"),
            (producer.send_batch([large, Message("orders", b"")]), "is zero"),
            (producer.send_batch([large, large]), "size over max value, MAX: 100"),
            (producer.send(COFFEE, queue), "not equal mq's topic: orders and bills"),
        ):
            with pytest.raises(NotSendable, match=text):
                await send
