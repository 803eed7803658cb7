"""What a broker tells a name server of its topics: the body of REGISTER_BROKER.

Plain, it is JSON.  Compressed (`compressedRegister`), it is one zlib stream of

    ┌──────────────────┬───────────┬─────────────────┬───────────┬───────────────────┐
    │ data version 4+n │ topics 4B │ topic       4+n │ … 4+n     │ filter servers 4+n│
    └──────────────────┴───────────┴─────────────────┴───────────┴───────────────────┘
      JSON                           orders 4 4 6 SINGLE_TAG       JSON

in which a topic is name, read queues, write queues, permission and filter type: its
flags are lost, whether it is ordered, too.

Not here: the header (`routing`), filter servers (RocketMQ gave them up).

Source: RegisterBrokerBody.java, TopicConfig.encode, release 4.9.7.
"""

from __future__ import annotations

import struct
import zlib

from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable

LENGTH = struct.Struct(">i")
LARGEST_BYTES = 16 * 1024 * 1024
"""Of an inflated body; a frame has no room for more, as JSON or otherwise."""
CRC_MASK = 0x7FFFFFFF


def checksum(body: bytes) -> int:
    """Return CRC-32 without its top bit, as the header's `bodyCrc32` has it."""
    return zlib.crc32(body) & CRC_MASK


def encode(table: TopicTable, *, compressed: bool = False) -> bytes:
    """Return the body that tells of a broker's topics."""
    if not compressed:
        wrapped = {
            "filterServerList": [],
            "topicConfigSerializeWrapper": table.to_json(),
        }
        return bodies.encode(wrapped)
    parts = [_sized(bodies.encode(table.data_version.to_json()))]
    parts.append(LENGTH.pack(len(table.topics)))
    parts += [_sized(_line(topic).encode()) for topic in table.topics.values()]
    parts.append(_sized(b"[]"))
    return zlib.compress(b"".join(parts), zlib.Z_BEST_COMPRESSION)


def decode(body: bytes, *, compressed: bool = False, bare: bool = False) -> TopicTable:
    """Return the topics that a body tells of; none where there is no body.

    `bare`: the JSON is the table itself, as brokers before 3.0.11 had it.

    Raises:
        WireError: it is no such body, or larger than `LARGEST_BYTES` once inflated.
    """
    if not body:
        return TopicTable()
    if compressed:
        return _table(_inflated(body))
    found = fastjson.loads(body)
    if not bare and isinstance(found, dict):
        found = found.get("topicConfigSerializeWrapper")
    return TopicTable.from_json(found)


def _inflated(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(body, LARGEST_BYTES)
    except zlib.error as error:
        raise WireError(f"no compressed registration: {error}") from error
    if not inflater.eof:
        raise WireError(
            "no compressed registration: it is cut off, or larger than "
            f"{LARGEST_BYTES} bytes once inflated"
        )
    return data


def _table(data: bytes) -> TopicTable:
    try:
        version, at = _text(data, 0)
        (count,) = LENGTH.unpack_from(data, at)
        topics = {}
        at += LENGTH.size
        for _ in range(count):
            line, at = _text(data, at)
            topic = _topic(line)
            topics[topic.topic_name] = topic
    except (struct.error, UnicodeDecodeError) as error:
        raise WireError(f"no compressed registration: {error}") from error
    return TopicTable(DataVersion.from_json(fastjson.loads(version)), topics)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return the text after a length at `at`, and where it ends."""
    (length,) = LENGTH.unpack_from(data, at)
    start, end = at + LENGTH.size, at + LENGTH.size + length
    if not start <= end <= len(data):
        raise WireError(
            f"length {length} at byte {at} of {len(data)} in a registration"
        )
    return data[start:end].decode(), end


def _sized(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def _line(topic: TopicConfig) -> str:
    numbers = topic.read_queue_nums, topic.write_queue_nums, topic.perm
    return " ".join([topic.topic_name, *map(str, numbers), topic.topic_filter_type])


def _topic(line: str) -> TopicConfig:
    try:
        name, read, write, permission, filter_type = line.split(" ")
        return TopicConfig(name, int(read), int(write), int(permission), filter_type)
    except ValueError as error:
        raise WireError(f"no topic of a registration: {line!r}") from error
