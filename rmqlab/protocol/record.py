"""A message as it lies in the commit log, which is also the body of a pull answer.

    ┌──────────┬──────────┬─────────┬─────────┬─────────┬─────────────────┐
    │ size  4B │ magic 4B │ crc  4B │ queue 4B│ flag 4B │ queue offset 8B │
    ├──────────┴──────────┼─────────┴──────┬──┴─────────┴───┬─────────────┤
    │ physical offset  8B │ sys flag    4B │ born at     8B │ born host   │
    ├─────────────────────┼────────────────┼────────────────┼─────────────┤
    │ stored at        8B │ store host     │ reconsumed  4B │ prepared 8B │
    ├─────────────────────┼────────────────┴┬───────────────┴─────────────┤
    │ body       4B + n   │ topic  1B + t   │ properties  2B + p          │
    └─────────────────────┴─────────────────┴─────────────────────────────┘
    all big-endian; a host is 4 bytes of IPv4 (16 of IPv6, told by the sys flag)
    and 4 of port: 91 bytes and body, topic and properties

Where a record does not fit, the rest of the file is a blank: its length, `BLANK_MAGIC`
and bytes that mean nothing.

Source: CommitLog.java, MessageDecoder.java, release 4.9.7.
"""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import StoredMessage, plain_body, split_properties

MAGIC = 0xDAA320A7
BLANK_MAGIC = 0xCBD43194
NEWER_MAGIC = 0xDAA320AB
"""RocketMQ 5 gives it to messages of topics with more than 127 bytes: their topic's
length takes two bytes, and no release of RocketMQ 4 reads them."""

SIZE_AND_MAGIC = struct.Struct(">iI")
HEAD = struct.Struct(">iIIiiqqiq")  # size … born timestamp
HOST = struct.Struct(">4si")
HOST_V6 = struct.Struct(">16si")
TAIL = struct.Struct(">iqi")  # reconsume times, prepared offset, body length
STORED_AT = struct.Struct(">q")
TOPIC_LENGTH = struct.Struct(">B")
PROPERTIES_LENGTH = struct.Struct(">h")


def _front(born: struct.Struct, stored: struct.Struct) -> struct.Struct:
    parts = (HEAD, born, STORED_AT, stored, TAIL)
    return struct.Struct(">" + "".join(one.format.removeprefix(">") for one in parts))


FRONTS = (
    _front(HOST, HOST),
    _front(HOST_V6, HOST),
    _front(HOST, HOST_V6),
    _front(HOST_V6, HOST_V6),
)
"""All that lies before the body, by the two bits of the sys flag that tell IPv6."""

_V6_SHIFT = int(SysFlag.BORNHOST_V6).bit_length() - 1
SYS_FLAG_AT = struct.calcsize(">iIIiiqq")

_LENGTHS = TOPIC_LENGTH.size + PROPERTIES_LENGTH.size
FIXED_BYTES = FRONTS[0].size + _LENGTHS
"""Of a record with IPv4 hosts, beside body, topic and properties: 91."""


@dataclass(slots=True)
class Record:
    """One message, all its fields; offsets are set when the log takes it."""

    topic: str
    queue_id: int
    body: bytes
    properties: bytes
    flag: int
    sys_flag: int
    born_timestamp: int
    born_host: tuple[str, int]
    store_timestamp: int
    store_host: tuple[str, int]
    reconsume_times: int = 0
    prepared_offset: int = 0
    queue_offset: int = 0
    physical_offset: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Blank:
    """The filler at the end of a commit-log file."""

    size: int


def front_of(sys_flag: int) -> struct.Struct:
    """Return the layout of what lies before the body."""
    return FRONTS[sys_flag >> _V6_SHIFT & 3]


def size_of(record: Record) -> int:
    """Return how many bytes the record takes."""
    parts = len(record.body) + len(record.topic.encode()) + len(record.properties)
    return front_of(record.sys_flag).size + parts + _LENGTHS


def encode(record: Record) -> bytes:
    """Return the record's bytes; `record.size` is set to their number."""
    body, topic, properties = record.body, record.topic.encode(), record.properties
    front = front_of(record.sys_flag)
    record.size = front.size + len(body) + len(topic) + len(properties) + _LENGTHS
    sys_flag = record.sys_flag
    return b"".join(
        (
            front.pack(
                record.size,
                MAGIC,
                _crc(body),
                record.queue_id,
                record.flag,
                record.queue_offset,
                record.physical_offset,
                sys_flag,
                record.born_timestamp,
                _packed(record.born_host[0], sys_flag & SysFlag.BORNHOST_V6),
                record.born_host[1],
                record.store_timestamp,
                _packed(record.store_host[0], sys_flag & SysFlag.STOREHOST_V6),
                record.store_host[1],
                record.reconsume_times,
                record.prepared_offset,
                len(body),
            ),
            body,
            TOPIC_LENGTH.pack(len(topic)),
            topic,
            PROPERTIES_LENGTH.pack(len(properties)),
            properties,
        )
    )


def decode(data: bytes, at: int = 0, *, check_crc: bool = True) -> Record | Blank:
    """Return what starts at byte `at`.

    Raises:
        CorruptRecord: too few bytes, another magic, lengths that do not add up, or a
            body that is not the one the CRC was made of.
    """
    if len(data) - at < SIZE_AND_MAGIC.size:
        raise CorruptRecord(f"{len(data) - at} bytes are left, a record needs more")
    size, magic = SIZE_AND_MAGIC.unpack_from(data, at)
    if magic == BLANK_MAGIC:
        return Blank(size)
    if magic != MAGIC:
        raise CorruptRecord(f"magic 0x{magic:08X}, a message has 0x{MAGIC:08X}")
    if not FIXED_BYTES <= size <= len(data) - at:
        raise CorruptRecord(
            f"size {size}, allowed {FIXED_BYTES} to {len(data) - at} (what is there)"
        )
    try:
        return _decode_whole(data, at, check_crc=check_crc)
    except (struct.error, UnicodeDecodeError) as error:
        raise CorruptRecord(f"size {size} holds no message: {error}") from error


def _decode_whole(data: bytes, start: int, *, check_crc: bool) -> Record:
    front = _front_at(data, start)
    (
        size, _, crc, queue_id, flag, queue_offset, physical_offset, sys_flag, born_at,
        born_address, born_port, stored_at, store_address, store_port,
        reconsume_times, prepared, body_length,
    ) = front.unpack_from(data, start)  # fmt: skip
    body, at = _part(data, start + front.size, body_length, start + size)
    (topic_length,) = TOPIC_LENGTH.unpack_from(data, at)
    topic, at = _part(data, at + TOPIC_LENGTH.size, topic_length, start + size)
    (length,) = PROPERTIES_LENGTH.unpack_from(data, at)
    properties, at = _part(data, at + PROPERTIES_LENGTH.size, length, start + size)
    if at != start + size:
        raise CorruptRecord(f"size {size}, but its parts add up to {at - start}")
    if check_crc and _crc(body) != crc:
        raise CorruptRecord(f"CRC 0x{crc:08X}, the body's is 0x{_crc(body):08X}")
    return Record(
        topic.decode(),
        queue_id,
        body,
        properties,
        flag,
        sys_flag,
        born_at,
        (_address(born_address), born_port),
        stored_at,
        (_address(store_address), store_port),
        reconsume_times,
        prepared,
        queue_offset,
        physical_offset,
        size,
    )


def decode_all(data: bytes) -> Iterator[Record]:
    """Yield the records that lie back to back in `data`, such as a pull's answer.

    Raises:
        CorruptRecord: something else is among them.
    """
    at = 0
    while at < len(data):
        record = decode(data, at)
        if isinstance(record, Blank):
            raise CorruptRecord(f"a blank at byte {at} among messages")
        yield record
        at += record.size


Place = tuple[bytes, int, int]
"""Of a message: its topic in UTF-8, its queue, and its offset in that."""


def is_sound(data: bytes, offset: int, place: Place | None = None) -> bool:
    """Whether `data` is, whole, the message that starts at `offset` of a log.

    And, where `place` is given, that of a queue's.  Quicker than `decode`, and for its
    readers: only flags, times, hosts and properties, of which no CRC is made, may be
    other than they were.
    """
    if len(data) < FIXED_BYTES or len(data) < (front := _front_at(data, 0)).size:
        return False
    size, magic, crc, queue, _, queue_offset, at, *_, length = front.unpack_from(data)
    if (size, magic, at) != (len(data), MAGIC, offset):
        return False
    topic_at = front.size + length + TOPIC_LENGTH.size
    if length < 0 or topic_at + PROPERTIES_LENGTH.size > size:
        return False
    properties_at = topic_at + data[topic_at - 1] + PROPERTIES_LENGTH.size
    their_length = data[properties_at - PROPERTIES_LENGTH.size : properties_at]
    if properties_at + int.from_bytes(their_length) != size:
        return False
    topic = data[topic_at : properties_at - PROPERTIES_LENGTH.size]
    if place and place != (topic, queue, queue_offset):
        return False
    return bool(_crc(data[front.size : front.size + length]) == crc)


def properties_of(record: Record) -> dict[str, str]:
    """Return the record's properties, split."""
    return split_properties(record.properties.decode("utf-8", "replace"))


def to_message(record: Record, broker_name: str = "") -> StoredMessage:
    """Return the record as its reader sees it: body unpacked, properties split."""
    return StoredMessage(
        topic=record.topic,
        queue_id=record.queue_id,
        queue_offset=record.queue_offset,
        physical_offset=record.physical_offset,
        size=record.size,
        body=plain_body(record.body, record.sys_flag),
        properties=properties_of(record),
        flag=record.flag,
        sys_flag=record.sys_flag,
        born_timestamp=record.born_timestamp,
        born_host=record.born_host,
        store_timestamp=record.store_timestamp,
        store_host=record.store_host,
        reconsume_times=record.reconsume_times,
        broker_name=broker_name,
    )


def _crc(body: bytes) -> int:
    return zlib.crc32(body) & 0x7FFFFFFF


def _front_at(data: bytes, start: int) -> struct.Struct:
    """Return the front's layout, by the bits in the last byte of its sys flag."""
    return front_of(data[start + SYS_FLAG_AT + 3])


@lru_cache(1024)
def _packed(address: str, is_v6: int) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, address)


@lru_cache(1024)
def _address(packed: bytes) -> str:
    is_v6 = len(packed) == 16
    return socket.inet_ntop(socket.AF_INET6 if is_v6 else socket.AF_INET, packed)


def _part(data: bytes, at: int, length: int, end: int) -> tuple[bytes, int]:
    if not 0 <= length <= end - at:
        raise CorruptRecord(f"a part of {length} bytes where {end - at} are left")
    return data[at : at + length], at + length
