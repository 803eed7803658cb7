"""What a producer refuses before it asks anybody, in RocketMQ's words.

A broker would refuse most of it, too; it is told here because here is who can mend it.

Source: Validators.java, MessageBatch.generateFromList,
DefaultMQProducerImpl.checkConfig, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Sequence

from rmqlab.client.sent import NotSendable
from rmqlab.errors import ConfigError
from rmqlab.protocol import delays
from rmqlab.protocol.message import (
    MAX_TOPIC_LENGTH,
    NOT_SENDABLE,
    RETRY_PREFIX,
    Message,
    MessageQueue,
    is_legal_name,
)

ALLOWED = "^[%|a-zA-Z0-9_-]+$"
MAX_GROUP_LENGTH = 255


def check_group(group: str, kind: str) -> None:
    """Refuse a name that no group may have; `kind` is ``producer`` or ``consumer``.

    Raises:
        ConfigError: it is blank, too long, has other characters, or is what RocketMQ
            calls the group of who named none.
    """
    if not group.strip():
        raise ConfigError("the specified group is blank")
    if len(group) > MAX_GROUP_LENGTH:
        raise ConfigError(
            f"the specified group is longer than group max length {MAX_GROUP_LENGTH}."
        )
    if not is_legal_name(group):
        raise ConfigError(
            f"the specified group[{group}] contains illegal characters, allowing only "
            f"{ALLOWED}"
        )
    if group == f"DEFAULT_{kind.upper()}":
        raise ConfigError(
            f"{kind}Group can not equal {group}, please specify another one."
        )


def check_message(message: Message, most_bytes: int) -> None:
    """Refuse what no broker would store.

    Raises:
        NotSendable: its topic or its body; the text says what and what would do.
    """
    if message is None:
        raise NotSendable("the message is null")
    check_topic(message.topic)
    check_body(message.body, most_bytes)


def check_topic(topic: str) -> None:
    """Refuse a topic that nobody may send to.

    Raises:
        NotSendable: it is blank, too long, has other characters, or is the broker's.
    """
    if not topic.strip():
        raise NotSendable("The specified topic is blank")
    if len(topic) > MAX_TOPIC_LENGTH:
        raise NotSendable(
            f"The specified topic is longer than topic max length {MAX_TOPIC_LENGTH}. "
            f"It has {len(topic)} characters."
        )
    if not is_legal_name(topic):
        raise NotSendable(
            f"The specified topic[{topic}] contains illegal characters, allowing only "
            f"{ALLOWED}"
        )
    if topic in NOT_SENDABLE:
        raise NotSendable(
            f"Sending message to topic[{topic}] is forbidden. Only the broker itself "
            "writes there."
        )


def check_body(body: bytes, most_bytes: int) -> None:
    """Refuse a body that is empty or too large.

    Raises:
        NotSendable: it is.
    """
    if body is None:
        raise NotSendable("the message body is null")
    if not body:
        raise NotSendable(
            "the message body length is zero. Send a byte at least, or what there is "
            "to say as tag or property."
        )
    if len(body) > most_bytes:
        raise NotSendable(
            f"the message body size over max value, MAX: {most_bytes}. It has "
            f"{len(body)} bytes: send it in parts, or raise maxMessageSize here and at "
            "the brokers."
        )


def check_batch(messages: Sequence[Message]) -> None:
    """Refuse messages that cannot travel together.

    Raises:
        NotSendable: there are none, they differ in topic or WAIT, or one is delayed or
            retried.
    """
    if not messages:
        raise NotSendable("a batch without any message")
    first = messages[0]
    for message in messages:
        if delays.level_of(message.all_properties()) > 0:
            raise NotSendable("TimeDelayLevel is not supported for batching")
        if message.topic.startswith(RETRY_PREFIX):
            raise NotSendable("Retry Group is not supported for batching")
        if message.topic != first.topic:
            raise NotSendable(
                "The topic of the messages in one batch should be the same: "
                f"{first.topic} and {message.topic}"
            )
        if message.wait_store_ok != first.wait_store_ok:
            raise NotSendable(
                "The waitStoreMsgOK of the messages in one batch should the same"
            )


def check_queue(queue: MessageQueue, topic: str) -> None:
    """Refuse a queue of another topic.

    Raises:
        NotSendable: it is one.
    """
    if queue.topic != topic:
        raise NotSendable(
            f"message's topic not equal mq's topic: {topic} and {queue.topic}"
        )
