"""Several messages as one body: what SEND_BATCH_MESSAGE carries.

    ┌─────────┬─────────┬─────────┬─────────┬────────────┬────────────────────┐
    │ size  4B│ magic 4B│ crc   4B│ flag  4B│ body 4B + n│ properties  2B + p │  × n
    └─────────┴─────────┴─────────┴─────────┴────────────┴────────────────────┘
    all big-endian; magic and CRC are 0: the broker makes its own records of it

Topic, queue, times and the rest are the request header's, for all of them.

Not here: how a broker stores them (`broker.handlers.send`).

Source: MessageDecoder.encodeMessage, CommitLog.MessageExtEncoder, release 4.9.7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rmqlab.errors import WireError

FRONT = struct.Struct(">iiiii")  # size, magic, CRC, flag, body length
PROPERTIES_LENGTH = struct.Struct(">h")
LEAST_BYTES = FRONT.size + PROPERTIES_LENGTH.size


class Part(NamedTuple):
    """One message of a batch; its properties are text in UTF-8, as it travels."""

    body: bytes
    properties: bytes = b""
    flag: int = 0


def encode(parts: Iterable[Part]) -> bytes:
    """Return the parts back to back."""
    return b"".join(map(_encoded, parts))


def encoded_size(part: Part) -> int:
    """Return how many bytes of a batch a part takes."""
    return LEAST_BYTES + len(part.body) + len(part.properties)


def _encoded(part: Part) -> bytes:
    body, properties, flag = part
    front = FRONT.pack(encoded_size(part), 0, 0, flag, len(body))
    return front + body + PROPERTIES_LENGTH.pack(len(properties)) + properties


def decode(data: bytes) -> list[Part]:
    """Return the parts, at least one.

    Raises:
        WireError: there is none, or lengths do not add up; the text says at which byte.
    """
    parts = list(_parts(data))
    if not parts:
        raise WireError("a batch without any message")
    return parts


def _parts(data: bytes) -> Iterator[Part]:
    at = 0
    while at < len(data):
        if len(data) - at < LEAST_BYTES:
            raise _lies(at, f"{len(data) - at} bytes are left, it needs more")
        size, _, _, flag, body_length = FRONT.unpack_from(data, at)
        if not LEAST_BYTES <= size <= len(data) - at:
            raise _lies(at, f"size {size}, and {len(data) - at} bytes are left")
        if not 0 <= body_length <= size - LEAST_BYTES:
            raise _lies(at, f"size {size}, and its body has {body_length}")
        body_at = at + FRONT.size
        length_at = body_at + body_length
        (length,) = PROPERTIES_LENGTH.unpack_from(data, length_at)
        if LEAST_BYTES + body_length + length != size:
            raise _lies(at, f"size {size}, body {body_length}, properties {length}")
        properties_at = length_at + PROPERTIES_LENGTH.size
        yield Part(data[body_at:length_at], data[properties_at : at + size], flag)
        at += size


def _lies(at: int, why: str) -> WireError:
    return WireError(f"the batch's message at byte {at}: {why}")
