"""A message as its sender and its reader see it, its properties, ids and tag hash.

    properties as they travel:  KEYS ␁ order-7 ␂ TAGS ␁ paid ␂ UNIQ_KEY ␁ 7F00…
                                name 0x01 value 0x02 …

A broker keeps the properties as the text that came and looks inside only for what it
needs: 4.4 ends the last pair with 0x02, 4.9 does not, and a message read back must be
the message sent.

Source: Message.java, MessageDecoder.java, MessageClientIDSetter.java, MixAll.java,
TopicValidator.java, release 4.9.7.
"""

from __future__ import annotations

import re
import socket
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from rmqlab.errors import CorruptRecord, Refused
from rmqlab.protocol.codes import ResponseCode, SysFlag

NAME_END, VALUE_END = "\x01", "\x02"

KEYS = "KEYS"
TAGS = "TAGS"
WAIT = "WAIT"
DELAY = "DELAY"
UNIQ_KEY = "UNIQ_KEY"
REAL_TOPIC, REAL_QUEUE = "REAL_TOPIC", "REAL_QID"
"""Where a message goes that lies in one of the broker's own topics meanwhile."""
RETRY_TOPIC = "RETRY_TOPIC"
"""The topic from which a message of a retry topic first came."""
ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID"
"""The offset id that such a message first had."""

DEFAULT_TOPIC = "TBW102"
"""A new topic inherits its settings where autoCreateTopicEnable is on."""

SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX"
HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC"
OP_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
CHECK_MAX_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC"
OFFSET_MOVED_TOPIC = "OFFSET_MOVED_EVENT"
RETRY_PREFIX = "%RETRY%"
DLQ_PREFIX = "%DLQ%"

NOT_SENDABLE = {
    SCHEDULE_TOPIC,
    HALF_TOPIC,
    OP_TOPIC,
    CHECK_MAX_TOPIC,
    "SELF_TEST_TOPIC",
    OFFSET_MOVED_TOPIC,
}
"""Topics that only the broker itself writes to."""

SYSTEM_TOPICS = NOT_SENDABLE | {DEFAULT_TOPIC, "BenchmarkTest", "RMQ_SYS_TRACE_TOPIC"}
"""Topics that nobody may make, change or remove; a broker has some more."""
SYSTEM_PREFIX = "rmq_sys_"

OFFSET_ID_DIGITS = {32, 56}
IPV4_BYTES = 4
"""Of an IPv4 address, of an IPv6 one."""

MAX_TOPIC_LENGTH = 127
MAX_PROPERTIES_BYTES = 32767

_POWERS = [31**n & 0xFFFFFFFF for n in reversed(range(256))]

_LEGAL_NAME = re.compile(r"[%|a-zA-Z0-9_-]+")


class MessageQueue(NamedTuple):
    """One queue of a topic on one broker; they sort as RocketMQ sorts them."""

    topic: str
    broker_name: str
    queue_id: int

    def __str__(self) -> str:
        """``orders@broker-a:3``."""
        return f"{self.topic}@{self.broker_name}:{self.queue_id}"


@dataclass(slots=True)
class Message:
    """A message to be sent."""

    topic: str
    body: bytes
    tags: str | None = None
    keys: str | None = None
    flag: int = 0
    wait_store_ok: bool = True
    properties: dict[str, str] = field(default_factory=dict)
    delay_level: int = 0
    """Which of the broker's messageDelayLevel it waits, 1 the first; 0: it does not."""

    def all_properties(self) -> dict[str, str]:
        """Return the user's properties with tag, keys, WAIT and DELAY among them."""
        own = {KEYS: self.keys, TAGS: self.tags, WAIT: _java_bool(self.wait_store_ok)}
        own[DELAY] = str(self.delay_level) if self.delay_level else None
        return self.properties | {k: v for k, v in own.items() if v is not None}


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it was read from a broker.

    `physical_offset` is where its record starts in the commit log, in bytes;
    `queue_offset` counts messages within its queue.  `msg_id` is the id that its
    sender gave it, or the offset id where it gave none.
    """

    topic: str
    queue_id: int
    queue_offset: int
    physical_offset: int
    size: int
    body: bytes
    properties: Mapping[str, str]
    flag: int
    sys_flag: int
    born_timestamp: int
    born_host: tuple[str, int]
    store_timestamp: int
    store_host: tuple[str, int]
    reconsume_times: int
    broker_name: str = ""

    @property
    def tags(self) -> str | None:
        """The tag."""
        return self.properties.get(TAGS)

    @property
    def keys(self) -> str | None:
        """The keys, separated by spaces."""
        return self.properties.get(KEYS)

    @property
    def msg_id(self) -> str:
        """The sender's unique id, else the offset id."""
        return self.properties.get(UNIQ_KEY) or self.offset_msg_id

    @property
    def offset_msg_id(self) -> str:
        """The broker's id: its address and the commit-log offset."""
        return offset_msg_id(self.store_host, self.physical_offset)

    def __str__(self) -> str:
        """``orders:3#42 tags=paid keys=order-7 body=5B``."""
        return (
            f"{self.topic}:{self.queue_id}#{self.queue_offset} tags={self.tags} "
            f"keys={self.keys} body={len(self.body)}B"
        )


def split_properties(text: str) -> dict[str, str]:
    """Return the pairs; a part that is no pair is passed over, as RocketMQ does."""
    pairs = {}
    for part in text.split(VALUE_END):
        name, found, value = part.partition(NAME_END)
        if found and NAME_END not in value:
            pairs[name] = value
    return pairs


def join_properties(properties: Mapping[str, str]) -> str:
    """Return the pairs as they travel, without a separator at the end (as 4.9)."""
    return VALUE_END.join(f"{k}{NAME_END}{v}" for k, v in properties.items())


def java_hash(text: str) -> int:
    """Return Java's `String.hashCode`: over UTF-16 units, wrapped to 32 bits."""
    units: Sequence[int] = text.encode() if text.isascii() else _utf16_units(text)
    value = 0
    for start in range(0, len(units), len(_POWERS)):
        block = units[start : start + len(_POWERS)]
        # 31 × (31 × (… + a) + b) + c, as one sum: it is asked for with every key.
        value = value * 31 ** len(block) + sum(map(mul, block, _POWERS[-len(block) :]))
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def _utf16_units(text: str) -> Sequence[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return struct.unpack(f">{len(data) // 2}H", data)


def keys_of(properties: Mapping[str, str]) -> list[str]:
    """Return what a message can be found by: its unique id, then each of its keys."""
    unique, keys = properties.get(UNIQ_KEY), properties.get(KEYS, "")
    return ([unique] if unique else []) + [key for key in keys.split(" ") if key]


def tags_code(properties: Mapping[str, str]) -> int:
    """Return what a consume queue keeps of the tag: its hash, 0 without a tag."""
    tags = properties.get(TAGS)
    return _tag_hash(tags) if tags else 0


_tag_hash = lru_cache(1024)(java_hash)  # there are few tags, and many messages


def offset_msg_id(host: tuple[str, int], physical_offset: int) -> str:
    """Return ``7F000001 00002A9F 0000000000000012``: address, port, offset."""
    family = socket.AF_INET6 if ":" in host[0] else socket.AF_INET
    address = socket.inet_pton(family, host[0]).hex().upper()
    return f"{address}{host[1]:08X}{physical_offset:016X}"


def place_of(msg_id: str) -> tuple[str, int]:
    """Return the address and the commit-log offset that an offset id names.

    Raises:
        ValueError: it is none.
    """
    if len(msg_id) not in OFFSET_ID_DIGITS:
        raise ValueError(f"{len(msg_id)} digits are no offset id")
    data = bytes.fromhex(msg_id)
    host, port = data[:-12], int.from_bytes(data[-12:-8], "big")
    family = socket.AF_INET if len(host) == IPV4_BYTES else socket.AF_INET6
    address = socket.inet_ntop(family, host)
    return f"{address}:{port}", int.from_bytes(data[-8:], "big", signed=True)


def log_offset_of(msg_id: str) -> int:
    """Return the log offset in an offset id, -1 where it is none."""
    if len(msg_id) not in OFFSET_ID_DIGITS:
        return -1
    try:
        return int(msg_id[-16:], 16)
    except ValueError:
        return -1


@lru_cache(1024)
def is_legal_name(topic: str) -> bool:
    """Whether a topic's name has the characters that RocketMQ allows, and no other."""
    return _LEGAL_NAME.fullmatch(topic) is not None


def check_topic(topic: str) -> None:
    """Refuse a name that no topic may have, with RocketMQ's texts.

    Raises:
        Refused: SYSTEM_ERROR.
    """
    if not topic.strip():
        raise Refused(ResponseCode.SYSTEM_ERROR, "The specified topic is blank.")
    if not is_legal_name(topic):
        raise Refused(
            ResponseCode.SYSTEM_ERROR,
            "The specified topic contains illegal characters, allowing only "
            "^[%|a-zA-Z0-9_-]+$",
        )
    if len(topic) > MAX_TOPIC_LENGTH:
        raise Refused(
            ResponseCode.SYSTEM_ERROR,
            "The specified topic is longer than topic max length.",
        )


def plain_body(body: bytes, sys_flag: int) -> bytes:
    """Return the body as it was before the sender compressed it (zlib only).

    Raises:
        CorruptRecord: it says it is compressed and is not.
    """
    try:
        return zlib.decompress(body) if sys_flag & SysFlag.COMPRESSED else body
    except zlib.error as error:
        raise CorruptRecord(
            f"a body of {len(body)} bytes says it is compressed and is not: {error}"
        ) from error


def _java_bool(value: bool) -> str:  # noqa: FBT001
    return "true" if value else "false"
