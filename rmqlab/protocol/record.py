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

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import StoredMessage, plain_body, split_properties

MAGIC = 0xDAA320A7
BLANK_MAGIC = 0xCBD43194

SIZE_AND_MAGIC = struct.Struct(">iI")
HEAD = struct.Struct(">iIIiiqqiq")  # size … born timestamp
HOST = struct.Struct(">4si")
HOST_V6 = struct.Struct(">16si")
TAIL = struct.Struct(">iqi")  # reconsume times, prepared offset, body length
STORED_AT = struct.Struct(">q")
BODY_LENGTH = struct.Struct(">i")
TOPIC_LENGTH = struct.Struct(">B")
PROPERTIES_LENGTH = struct.Struct(">h")

BODY_AT = HEAD.size + 2 * HOST.size + STORED_AT.size + TAIL.size
"""Where the body starts, with IPv4 hosts: 88."""

FIXED_BYTES = BODY_AT + TOPIC_LENGTH.size + PROPERTIES_LENGTH.size
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


def size_of(record: Record) -> int:
    """Return how many bytes the record takes."""
    return (
        FIXED_BYTES
        + (HOST_V6.size - HOST.size) * _v6_hosts(record.sys_flag)
        + len(record.body)
        + len(record.topic.encode())
        + len(record.properties)
    )


def encode(record: Record) -> bytes:
    """Return the record's bytes; `record.size` is set to their number."""
    topic = record.topic.encode()
    record.size = size_of(record)
    return b"".join(
        (
            HEAD.pack(
                record.size,
                MAGIC,
                _crc(record.body),
                record.queue_id,
                record.flag,
                record.queue_offset,
                record.physical_offset,
                record.sys_flag,
                record.born_timestamp,
            ),
            _host_bytes(record.born_host, record.sys_flag & SysFlag.BORNHOST_V6),
            STORED_AT.pack(record.store_timestamp),
            _host_bytes(record.store_host, record.sys_flag & SysFlag.STOREHOST_V6),
            TAIL.pack(record.reconsume_times, record.prepared_offset, len(record.body)),
            record.body,
            TOPIC_LENGTH.pack(len(topic)),
            topic,
            PROPERTIES_LENGTH.pack(len(record.properties)),
            record.properties,
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
    (
        size, _, crc, queue_id, flag, queue_offset, physical_offset, sys_flag, born_at,
    ) = HEAD.unpack_from(data, start)  # fmt: skip
    at = start + HEAD.size
    born_host, at = _host_at(data, at, sys_flag & SysFlag.BORNHOST_V6)
    (stored_at,) = STORED_AT.unpack_from(data, at)
    store_host, at = _host_at(
        data, at + STORED_AT.size, sys_flag & SysFlag.STOREHOST_V6
    )
    reconsume_times, prepared, body_length = TAIL.unpack_from(data, at)
    at += TAIL.size
    body, at = _part(data, at, body_length, start + size)
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
        born_host,
        stored_at,
        store_host,
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


def is_sound(data: bytes, offset: int) -> bool:
    """Whether `data` is, whole, the message that starts at `offset` of a log.

    Quicker than `decode`, and for its readers: it looks at what a damage hits first.
    """
    if len(data) < FIXED_BYTES:
        return False
    size, magic, crc, _, _, _, at, sys_flag, _ = HEAD.unpack_from(data)
    if (size, magic, at) != (len(data), MAGIC, offset):
        return False
    start = BODY_AT + (HOST_V6.size - HOST.size) * _v6_hosts(sys_flag)
    if start > size:
        return False
    (length,) = BODY_LENGTH.unpack_from(data, start - BODY_LENGTH.size)
    body = data[start : start + max(0, length)]
    return bool(len(body) == length and _crc(body) == crc)


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


def _v6_hosts(sys_flag: int) -> int:
    return bool(sys_flag & SysFlag.BORNHOST_V6) + bool(sys_flag & SysFlag.STOREHOST_V6)


def _host_bytes(host: tuple[str, int], is_v6: int) -> bytes:
    if is_v6:
        return HOST_V6.pack(socket.inet_pton(socket.AF_INET6, host[0]), host[1])
    return HOST.pack(socket.inet_aton(host[0]), host[1])


def _host_at(data: bytes, at: int, is_v6: int) -> tuple[tuple[str, int], int]:
    layout = HOST_V6 if is_v6 else HOST
    address, port = layout.unpack_from(data, at)
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    return (socket.inet_ntop(family, address), port), at + layout.size


def _part(data: bytes, at: int, length: int, end: int) -> tuple[bytes, int]:
    if not 0 <= length <= end - at:
        raise CorruptRecord(f"a part of {length} bytes where {end - at} are left")
    return data[at : at + length], at + length
