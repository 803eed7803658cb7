"""printMsg and sendMessage: what is in a topic, and one message more.

Source: PrintMessageSubCommand.java, SendMessageCommand.java, MessageExt.java, 4.9.7.
"""

from __future__ import annotations

import zlib
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass

from rmqlab.client import routes
from rmqlab.client.admin import GROUP, Admin
from rmqlab.client.producer import Producer
from rmqlab.client.pull import PullResult, PullStatus, pull
from rmqlab.mqadmin.command import Command, Failed, Flag, Row, Rows, Said, truth
from rmqlab.mqadmin.java import bytes_text, map_text, queue_text
from rmqlab.mqadmin.sheet import pulled
from rmqlab.mqadmin.times import FORMS, milliseconds
from rmqlab.mqadmin.topics import TOPIC
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    GetMinOffset,
    OffsetReply,
    SearchOffset,
)

NO_BODY = "NOT PRINT BODY"
RULE = "-" * 56
SENT = "%-32s  %-4s  %-20s    %s"


@dataclass(frozen=True, slots=True)
class QueueBegins(Said):
    """The messages of one queue follow."""

    NAME = "queues"
    queue: MessageQueue
    min_offset: int
    max_offset: int

    def __str__(self) -> str:
        """Return the line above a queue's messages."""
        offsets = f"minOffset={self.min_offset}, maxOffset={self.max_offset}"
        return f"{offsets}, {queue_text(self.queue)}"


@dataclass(frozen=True, slots=True)
class QueueEnds(Said):
    """A queue has no more messages that are wanted."""

    NAME = "ends"
    queue: MessageQueue
    status: str | None
    offset: int

    def __str__(self) -> str:
        """Return the rule below a queue's messages, and why there are no more."""
        if self.status is None:
            return RULE
        is_filter = self.status == PullStatus.NO_MATCHED_MSG.name
        text = "no matched msg." if is_filter else "print msg finished."
        why = f"{text} status={self.status}, offset={self.offset}"
        return f"{queue_text(self.queue)} {why}\n{RULE}"


@dataclass(frozen=True, slots=True)
class Printed(Said):
    """One message; its body's text, where it is wanted."""

    NAME = "messages"
    message: StoredMessage
    body: str | None

    def to_json(self) -> dict[str, object]:
        """Return what tells it from others."""
        one = self.message
        return {
            "msg_id": one.msg_id,
            "offset_msg_id": one.offset_msg_id,
            "topic": one.topic,
            "broker": one.broker_name,
            "queue_id": one.queue_id,
            "queue_offset": one.queue_offset,
            "commit_log_offset": one.physical_offset,
            "born_timestamp": one.born_timestamp,
            "store_timestamp": one.store_timestamp,
            "reconsume_times": one.reconsume_times,
            "properties": dict(one.properties),
            "body": self.body,
        }

    def __str__(self) -> str:
        """Return it as Java prints it."""
        body = NO_BODY if self.body is None else self.body
        return f"MSGID: {self.message.msg_id} {_message_ext(self.message)} BODY: {body}"


def _message_ext(one: StoredMessage) -> str:
    """Return a message's fields."""
    parts = {
        "brokerName": one.broker_name,
        "queueId": one.queue_id,
        "storeSize": one.size,
        "queueOffset": one.queue_offset,
        "sysFlag": one.sys_flag,
        "bornTimestamp": one.born_timestamp,
        "bornHost": "/{}:{}".format(*one.born_host),
        "storeTimestamp": one.store_timestamp,
        "storeHost": "/{}:{}".format(*one.store_host),
        "msgId": one.offset_msg_id,
        "commitLogOffset": one.physical_offset,
        "bodyCRC": zlib.crc32(one.body) & 0x7FFFFFFF,
        "reconsumeTimes": one.reconsume_times,
        "preparedTransactionOffset": 0,
        "toString()": (
            f"Message{{topic='{one.topic}', flag={one.flag}, "
            f"properties={map_text(one.properties)}, body={bytes_text(one.body)}, "
            "transactionId='null'}"
        ),
    }
    return f"MessageExt [{', '.join(f'{name}={part}' for name, part in parts.items())}]"


async def print_messages(admin: Admin, flags: Namespace) -> Rows:
    """Print the messages of a topic, queue by queue."""
    route = await admin.known_route(flags.topic)
    for queue in routes.readable_queues(flags.topic, route):
        low, high = await _range(admin, queue, flags)
        yield QueueBegins(queue, low, high)
        offset, status = low, None
        async for result in _pulled(admin, queue, flags.sub_expression, low, high):
            for message in pulled(result):
                yield Printed(message, _body(message, flags))
            is_found = result.status is PullStatus.FOUND
            status = None if is_found else result.status.name
            offset = result.next_offset
        yield QueueEnds(queue, status, offset)


async def _range(
    admin: Admin, queue: MessageQueue, flags: Namespace
) -> tuple[int, int]:
    """Return a queue's first wanted offset and the one after the last."""
    at = admin.instance.address_of(queue.broker_name)
    where = queue.topic, queue.queue_id
    begin, end = flags.begin_timestamp, flags.end_timestamp
    low = GetMinOffset(*where) if begin is None else SearchOffset(*where, begin)
    high = GetMaxOffset(*where) if end is None else SearchOffset(*where, end)
    answers = [await admin.call(at, header) for header in (low, high)]
    first, last = (OffsetReply.parse(one.fields).offset for one in answers)
    return first, last


async def _pulled(
    admin: Admin, queue: MessageQueue, expression: str, low: int, high: int
) -> AsyncIterator[PullResult]:
    """Yield what pulls find from one offset to before another."""
    wanted = Subscription.of(queue.topic, expression)
    offset = low
    while offset < high:
        most = min(32, high - offset)
        result = await pull(admin.instance, GROUP, queue, offset, wanted, limit=most)
        yield result
        if result.status in ENDS or result.next_offset <= offset:
            return
        offset = result.next_offset


ENDS = PullStatus.NO_NEW_MSG, PullStatus.OFFSET_ILLEGAL


def _body(message: StoredMessage, flags: Namespace) -> str | None:
    if not flags.print_body:
        return None
    try:
        return message.body.decode(flags.charset_name, "replace")
    except LookupError as error:
        raise Failed(f"{error}: -c UTF-8, for one") from error


@dataclass(frozen=True, slots=True)
class Sent(Row):
    """Where a message went."""

    NAME = "sent"
    LINE = SENT
    HEADING = SENT % ("#Broker Name", "#QID", "#Send Result", "#MsgId")
    broker: str
    queue_id: int
    status: str
    msg_id: str


async def send_message(admin: Admin, flags: Namespace) -> Rows:
    """Send a message: to the next queue in turn, to a broker, to one of its queues."""
    if flags.qid is not None and not flags.broker:
        raise Failed("Broker name must be set if the queue is chosen!")
    if flags.msg_trace_enable:
        raise Failed("this client sends no message traces: leave -m out")
    message = Message(flags.topic, flags.body.encode(), tags=flags.tags, keys=flags.key)
    queue = await _queue(admin, flags) if flags.broker else None
    place, servers = admin.instance.place, ";".join(admin.name_servers)
    group = str(admin.instance.clock.now_ms())
    async with Producer(group, servers, place=place) as producer:
        result = await producer.send(message, queue)
    where = result.queue.broker_name, result.queue.queue_id
    yield Sent(*where, result.status.name, result.msg_id)


async def _queue(admin: Admin, flags: Namespace) -> MessageQueue:
    """Return the queue chosen; without -i any of the broker's.

    RocketMQ passes over a -b that comes without -i.
    """
    route = await admin.known_route(flags.topic)
    queues = routes.writable_queues(flags.topic, route)
    own = [one for one in queues if one.broker_name == flags.broker]
    if flags.qid is not None:
        own = [one for one in own if one.queue_id == flags.qid]
    if not own:
        known = ", ".join(map(str, queues)) or "none"
        raise Failed(f"no such queue can be written to; those that can: {known}")
    return admin.instance.random.choice(own)


COMMANDS: dict[str, Command] = {
    "printMsg": Command(
        "Print Message Detail",
        print_messages,
        Printed,
        (
            TOPIC,
            Flag("c", "charsetName", "CharsetName(eg: UTF-8,GBK)", default="UTF-8"),
            Flag(
                "s",
                "subExpression",
                "Subscribe Expression(eg: TagA || TagB)",
                default="*",
            ),
            Flag("b", "beginTimestamp", f"Begin timestamp[{FORMS}]", kind=milliseconds),
            Flag("e", "endTimestamp", f"End timestamp[{FORMS}]", kind=milliseconds),
            Flag("d", "printBody", "print body", kind=truth, default=True),
        ),
    ),
    "sendMessage": Command(
        "Send a message",
        send_message,
        Sent,
        (
            TOPIC._replace(about="Topic name"),
            Flag(
                "p", "body", "UTF-8 string format of the message body", is_required=True
            ),
            Flag("k", "key", "Message keys"),
            Flag("c", "tags", "Message tags"),
            Flag("b", "broker", "Send message to target broker"),
            Flag("i", "qid", "Send message to target queue", kind=int),
            Flag(
                "m",
                "msgTraceEnable",
                "Message Trace Enable, Default: false",
                kind=truth,
                default=False,
            ),
        ),
    ),
}
