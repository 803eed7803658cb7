"""What a dump says of one record of the commit log.

The body's length and digest are those of the body as its sender gave it; a sender may
have compressed it (zlib), and then the stored bytes have another length and digest.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import KEYS, TAGS, offset_msg_id, split_properties
from rmqlab.protocol.record import Record

PIECE_BYTES = 1 << 20
MAX_BODY_BYTES = 256 << 20
"""Four megabytes of zlib may stand for gigabytes: behind this we stop to unpack."""
SHOWN_BYTES = 32


def record_facts(record: Record) -> dict[str, Any]:
    """Return a record's fields under RocketMQ's terms."""
    properties = split_properties(record.properties.decode("utf-8", "replace"))
    return {
        "physical_offset": record.physical_offset,
        "size": record.size,
        "topic": record.topic,
        "queue_id": record.queue_id,
        "queue_offset": record.queue_offset,
        "tags": properties.get(TAGS),
        "keys": properties.get(KEYS),
        **_of_body(record),
        "store_timestamp": record.store_timestamp,
        "store_host": host_text(record.store_host),
        "born_timestamp": record.born_timestamp,
        "born_host": host_text(record.born_host),
        "sys_flag": record.sys_flag,
        "flag": record.flag,
        "reconsume_times": record.reconsume_times,
        "prepared_offset": record.prepared_offset,
        "offset_msg_id": offset_msg_id(record.store_host, record.physical_offset),
        "properties": properties,
    }


def host_text(host: tuple[str, int]) -> str:
    """Return ``10.0.0.1:10911`` or ``[::1]:10911``."""
    return f"[{host[0]}]:{host[1]}" if ":" in host[0] else f"{host[0]}:{host[1]}"


def _of_body(record: Record) -> dict[str, Any]:
    stored = hashlib.sha256(record.body).hexdigest()
    length: int | None = len(record.body)
    digest: str | None = stored
    start = record.body[:SHOWN_BYTES]
    if record.sys_flag & SysFlag.COMPRESSED:
        length, digest, start = _unpacked(record.body)
    return {
        "body_length": length,
        "body_sha256": digest,
        "body_start": start.decode("utf-8", "replace"),
        "stored_body_length": len(record.body),
        "stored_body_sha256": stored,
    }


def _unpacked(packed: bytes) -> tuple[int | None, str | None, bytes]:
    """Return length, digest and beginning of what was compressed; None: it was not."""
    unpacker, digest = zlib.decompressobj(), hashlib.sha256()
    length, start = 0, b""
    try:
        while packed and not unpacker.eof and length < MAX_BODY_BYTES:
            piece = unpacker.decompress(packed, PIECE_BYTES)
            packed = unpacker.unconsumed_tail
            digest.update(piece)
            start = start or piece[:SHOWN_BYTES]
            length += len(piece)
    except zlib.error:
        return None, None, b""
    if not unpacker.eof:
        return None, None, start
    return length, digest.hexdigest(), start
