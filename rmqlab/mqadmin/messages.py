"""queryMsgById, …ByKey, …ByUniqueKey, …ByOffset: one message found, and shown.

    an offset id   7F000001 000045F7 0000000000000227   names broker and place itself
    a unique id, a key                                  the brokers' indexes find it
    a queue and an offset in it                         the queue finds it

A message that is shown has its body written to a file, and is followed by who has
consumed it (`tracks`).

Source: QueryMsgByIdSubCommand.java and its neighbours, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass

from rmqlab.client.admin import GROUP, LATEST_MS, Admin
from rmqlab.client.groups import RELAYED_S
from rmqlab.client.producer import Producer
from rmqlab.client.pull import pull
from rmqlab.errors import RemoteError
from rmqlab.mqadmin.command import Command, Failed, Flag, Row, Rows, Said, truth
from rmqlab.mqadmin.java import value_text
from rmqlab.mqadmin.sheet import MessageSheet, pulled
from rmqlab.mqadmin.topics import TOPIC
from rmqlab.mqadmin.tracks import NoConsumer, tracks_of
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.grouping import ConsumeDirectly
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import (
    RETRY_PREFIX,
    Message,
    MessageQueue,
    StoredMessage,
    keys_of,
    place_of,
)
from rmqlab.protocol.messaging import QueryMessage
from rmqlab.protocol.record import decode_all, to_message

MOST_BY_KEY, MOST_BY_ID = 64, 32
FOUND = "%-50s %4s %40s"


@dataclass(frozen=True, slots=True)
class Found(Row):
    """A message with the key."""

    NAME = "messages"
    LINE = FOUND
    HEADING = FOUND % ("#Message ID", "#QID", "#Offset")
    msg_id: str
    queue_id: int
    queue_offset: int


async def by_key(admin: Admin, flags: Namespace) -> Rows:
    """List the messages of a topic that have a key."""
    for one in await found_by_key(admin, flags.topic, flags.msg_key, MOST_BY_KEY):
        yield Found(one.msg_id, one.queue_id, one.queue_offset)


async def found_by_key(
    admin: Admin, topic: str, key: str, most: int, *, is_unique: bool = False
) -> list[StoredMessage]:
    """Return what the brokers of a topic find under a key, the oldest first.

    Raises:
        Failed: they find nothing.
    """
    header = QueryMessage(topic, key, most, 0, LATEST_MS, is_unique)
    found: list[StoredMessage] = []
    for name, address in (await admin.addresses_by_name(topic)).items():
        try:
            answer = await admin.call(address, header)
        except RemoteError as error:
            if error.code != ResponseCode.QUERY_NOT_FOUND:
                raise
            continue
        found += [to_message(one, name) for one in decode_all(answer.body)]
    # A broker may find others by the same hash.
    found = [one for one in found if key in keys_of(one.properties)]
    if not found:
        raise Failed(f"query message by key finished, but no message: {key} in {topic}")
    return sorted(found, key=lambda one: one.store_timestamp)


async def by_unique_key(admin: Admin, flags: Namespace) -> Rows:
    """Show the message that its sender gave this id; or all, if it came twice."""
    if flags.consumer_group and flags.client_id:
        yield await _consumed(admin, flags, flags.msg_id, flags.topic)
        return
    found = await found_by_key(
        admin, flags.topic, flags.msg_id, MOST_BY_ID, is_unique=True
    )
    chosen = found if flags.show_all else found[:1]
    async for row in _shown(admin, chosen, with_offset_id=False):
        yield row


async def by_id(admin: Admin, flags: Namespace) -> Rows:
    """Show the messages with these offset ids; or consume or send them once more."""
    for msg_id in filter(None, map(str.strip, flags.msg_id.split(","))):
        if flags.consumer_group and flags.client_id:
            yield await _consumed(admin, flags, msg_id)
            continue
        message = await found_by_offset_id(admin, msg_id)
        if flags.send_message:
            yield await _sent_again(admin, message)
            continue
        async for row in _shown(admin, [message]):
            yield row


async def found_by_offset_id(admin: Admin, msg_id: str) -> StoredMessage:
    """Return the message that an offset id names.

    Raises:
        Failed: it names none.
    """
    try:
        host, offset = place_of(msg_id)
        return await admin.message_at(host, offset)
    except (ValueError, StopIteration) as error:
        raise Failed(
            f"{msg_id!r} is no offset id, which is 32 hexadecimal digits and names a "
            "broker. For a producer's id: queryMsgByUniqueKey"
        ) from error


async def by_offset(admin: Admin, flags: Namespace) -> Rows:
    """Show the message at an offset of a queue."""
    addresses = await admin.addresses_by_name(flags.topic)
    if flags.broker_name not in addresses:
        known = ", ".join(addresses)
        raise Failed(f"{flags.topic} is not on {flags.broker_name}, but on {known}")
    queue = MessageQueue(flags.topic, flags.broker_name, flags.queue_id)
    result = await pull(
        admin.instance,
        GROUP,
        queue,
        flags.offset,
        Subscription.of(flags.topic, "*"),
        limit=1,
        address=addresses[flags.broker_name],
    )
    if not result.messages:
        raise Failed(
            f"no message at offset {flags.offset} of {queue}, which has "
            f"{result.min_offset} to before {result.max_offset}"
        )
    async for row in _shown(admin, pulled(result)):
        yield row


async def _shown(
    admin: Admin, messages: Iterable[StoredMessage], *, with_offset_id: bool = True
) -> Rows:
    """Yield each message's sheet, and who has consumed it."""
    for message in messages:
        yield MessageSheet.of(message, with_offset_id=with_offset_id)
        found = await tracks_of(admin, message)
        for track in found:
            yield track
        if not found:
            yield NoConsumer(message.topic)


@dataclass(frozen=True, slots=True)
class ConsumedDirectly(Said):
    """What a consumer made of a message that was handed to it."""

    NAME = "results"
    order: bool
    auto_commit: bool
    consume_result: str
    remark: str | None
    spent_time_mills: int

    def __str__(self) -> str:
        """Return it as Java prints it."""
        return (
            f"ConsumeMessageDirectlyResult [order={value_text(self.order)}, "
            f"autoCommit={value_text(self.auto_commit)}, "
            f"consumeResult={self.consume_result}, remark={value_text(self.remark)}, "
            f"spentTimeMills={self.spent_time_mills}]"
        )


async def _consumed(
    admin: Admin, flags: Namespace, msg_id: str, topic: str | None = None
) -> ConsumedDirectly:
    """Have one consumer consume a message now; its broker passes it on."""
    if topic is not None:
        (message, *_) = await found_by_key(
            admin, topic, msg_id, MOST_BY_ID, is_unique=True
        )
        msg_id = message.offset_msg_id
    header = ConsumeDirectly(flags.consumer_group, flags.client_id, msg_id)
    at = (await admin.addresses(RETRY_PREFIX + flags.consumer_group))[0]
    found = await admin.ask(at, header, timeout_s=RELAYED_S)
    return ConsumedDirectly(
        bool(found.get("order")),
        bool(found.get("autoCommit")),
        str(found.get("consumeResult")),
        found.get("remark"),
        int(found.get("spentTimeMills") or 0),
    )


@dataclass(frozen=True, slots=True)
class SentAgain(Said):
    """A message was sent once more."""

    NAME = "sent"
    original_msg_id: str
    status: str
    msg_id: str
    queue: str
    queue_offset: int

    def __str__(self) -> str:
        """Return what was sent and where it is now."""
        return (
            f"prepare resend msg. originalMsgId={self.original_msg_id}\n"
            f"SendResult [sendStatus={self.status}, msgId={self.msg_id}, "
            f"messageQueue={self.queue}, queueOffset={self.queue_offset}]"
        )


async def _sent_again(admin: Admin, message: StoredMessage) -> SentAgain:
    again = Message(message.topic, message.body, properties=dict(message.properties))
    servers = ";".join(admin.name_servers)
    async with Producer("ReSendMsgById", servers, place=admin.instance.place) as sender:
        result = await sender.send(again)
    return SentAgain(
        message.offset_msg_id,
        result.status.name,
        result.msg_id,
        str(result.queue),
        result.queue_offset,
    )


MSG_ID = Flag("i", "msgId", "Message Id", is_required=True)
CONSUMER = (
    Flag("g", "consumerGroup", "consumer group name"),
    Flag("d", "clientId", "The consumer's client id"),
)

COMMANDS: dict[str, Command] = {
    "queryMsgById": Command(
        "Query Message by Id",
        by_id,
        MessageSheet,
        (
            MSG_ID,
            *CONSUMER,
            Flag("s", "sendMessage", "resend message", kind=truth, default=False),
            Flag("u", "unitName", "unit name"),  # of the sender: ours belong to none
        ),
    ),
    "queryMsgByKey": Command(
        "Query Message by Key",
        by_key,
        Found,
        (TOPIC, Flag("k", "msgKey", "Message Key", is_required=True)),
    ),
    "queryMsgByUniqueKey": Command(
        "Query Message by Unique key",
        by_unique_key,
        MessageSheet,
        (
            MSG_ID,
            *CONSUMER,
            TOPIC._replace(about="The topic of msg"),
            Flag("a", "showAll", "Print all message, the limit is 32", kind=None),
        ),
    ),
    "queryMsgByOffset": Command(
        "Query Message by offset",
        by_offset,
        MessageSheet,
        (
            TOPIC,
            Flag("b", "brokerName", "Broker Name", is_required=True),
            Flag("i", "queueId", "Queue Id", is_required=True, kind=int),
            Flag("o", "offset", "Queue Offset", is_required=True, kind=int),
        ),
    ),
}
