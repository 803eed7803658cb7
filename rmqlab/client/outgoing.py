"""A message, a batch or a reply, ready to travel to whichever queue.

    Message ──▶ SEND_MESSAGE_V2         its body compressed where it is a large one
    several ──▶ SEND_BATCH_MESSAGE      their bodies and properties as one body
    a reply ──▶ SEND_REPLY_MESSAGE_V2   the broker hands it to the client that asked

Source: DefaultMQProducerImpl.sendKernelImpl and tryToCompressMessage,
MQClientAPIImpl.sendMessage, DefaultMQProducer.batch, release 4.9.7.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from rmqlab.protocol import batch
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.half_message import is_half
from rmqlab.protocol.message import (
    UNIQ_KEY,
    WAIT,
    Message,
    join_properties,
)
from rmqlab.protocol.messaging import (
    SendBatch,
    SendMessage,
    SendMessageV2,
    SendReplyMessageV2,
)
from rmqlab.protocol.replies import is_reply
from rmqlab.settings import ClientConfig

COMPRESS_LEVEL = 5


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent; every attempt sends the same."""

    kind: type[SendMessage]
    topic: str
    body: bytes
    properties: str
    msg_id: str
    flag: int = 0
    sys_flag: int = 0
    reconsume_times: int = 0
    max_reconsume_times: int | None = None
    """Of a message that a consumer sends to its group's retry topic."""

    def header(
        self, group: str, queue_id: int, born_ms: int, config: ClientConfig
    ) -> SendMessage:
        """Return the request's header for one queue."""
        return self.kind(
            producer_group=group,
            topic=self.topic,
            default_topic=config.create_topic_key,
            default_topic_queue_nums=config.default_topic_queue_nums,
            queue_id=queue_id,
            sys_flag=self.sys_flag,
            born_timestamp=born_ms,
            flag=self.flag,
            properties=self.properties,
            reconsume_times=self.reconsume_times,
            max_reconsume_times=self.max_reconsume_times,
            unit_mode=False,
            batch=self.kind is SendBatch,
        )


def of_message(message: Message, compress_from: int) -> Outgoing:
    """Return a message that has its id; a body of so many bytes is compressed."""
    properties = message.all_properties()
    body, sys_flag = message.body, 0
    if len(body) >= compress_from:
        body = zlib.compress(body, COMPRESS_LEVEL)
        sys_flag |= SysFlag.COMPRESSED | SysFlag.ZLIB
    if is_half(properties):
        sys_flag |= SysFlag.TRANSACTION_PREPARED
    return Outgoing(
        SendReplyMessageV2 if is_reply(properties) else SendMessageV2,
        message.topic,
        body,
        join_properties(properties),
        properties[UNIQ_KEY],
        message.flag,
        sys_flag,
    )


def of_batch(messages: Sequence[Message]) -> Outgoing:
    """Return several messages of one topic that have their ids; none is compressed."""
    first = messages[0]
    return Outgoing(
        SendBatch,
        first.topic,
        batch.encode(part_of(one) for one in messages),
        join_properties({WAIT: first.all_properties()[WAIT]}),
        ",".join(one.properties[UNIQ_KEY] for one in messages),
    )


def part_of(message: Message) -> batch.Part:
    """Return a message as it is within a batch."""
    properties = join_properties(message.all_properties()).encode()
    return batch.Part(message.body, properties, message.flag)
