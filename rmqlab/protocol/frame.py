"""One remoting frame: what a producer, a consumer, a broker and a name server exchange.

    ┌────────────┬──────────┬───────────────┬───────────────┬──────────────┐
    │ length  4B │ type  1B │ header len 3B │ header        │ body         │
    └────────────┴──────────┴───────────────┴───────────────┴──────────────┘
      counts all   0 JSON                     who, what,      a message, a
      that follows 1 ROCKETMQ                 which request   JSON table, …

    ROCKETMQ header, big-endian:
    ┌─────────┬─────────┬────────────┬───────────┬─────────┬────────────┬───────────┐
    │ code 2B │ lang 1B │ version 2B │ opaque 4B │ flag 4B │ remark 4+n │ ext 4 + m │
    └─────────┴─────────┴────────────┴───────────┴─────────┴────────────┴───────────┘
    ext: key length 2B, key, value length 4B, value, again and again

A JSON header has the same fields by name, in alphabetical order as Java writes them.
`fields` (RocketMQ's `extFields`) are the request's own parameters: see `header`.

Not here: a stream of frames (`stream`), what the fields mean (`header`).

Source: RemotingCommand.java, RocketMQSerializable.java, release 4.9.7.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from json.encoder import encode_basestring as quoted
from typing import Any

from rmqlab.errors import WireError
from rmqlab.protocol.codes import CURRENT_VERSION, Language, RequestCode, ResponseCode

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""Of what the length word counts.  Source: NettyDecoder.FRAME_MAX_LENGTH."""

MAX_HEADER_BYTES = 1024 * 1024
"""A message's properties, the longest field, have 32,767 characters at most."""

LENGTH = struct.Struct(">i")
PREFIX = struct.Struct(">iI")  # length; type in the top byte, header length below
BINARY_HEAD = struct.Struct(">hBhii")  # code, language, version, opaque, flag
KEY_LENGTH = struct.Struct(">h")

_parse_json = json.JSONDecoder().decode


class HeaderFormat(IntEnum):
    """How a header is written; the sender chooses, frame by frame."""

    JSON = 0
    ROCKETMQ = 1


class Flag(IntEnum):
    """The two bits that tell a request from an answer."""

    RESPONSE = 1
    ONEWAY = 2


@dataclass(slots=True)
class Frame:
    """One request or answer.

    `opaque` is the number that the asker chose and the answer repeats.  `fields` is
    None where Java's header object is absent; an empty one is written as ``{}``.
    """

    code: int
    fields: dict[str, str] | None = None
    body: bytes = b""
    remark: str | None = None
    opaque: int = 0
    flag: int = 0
    language: str | None = Language.PYTHON.name
    version: int = CURRENT_VERSION
    format: HeaderFormat = HeaderFormat.JSON

    @property
    def is_response(self) -> bool:
        """Whether this answers a request."""
        return bool(self.flag & Flag.RESPONSE)

    @property
    def is_oneway(self) -> bool:
        """Whether nobody waits for an answer."""
        return bool(self.flag & Flag.ONEWAY)

    def answer(
        self,
        code: int = ResponseCode.SUCCESS,
        fields: dict[str, str] | None = None,
        body: bytes = b"",
        remark: str | None = None,
    ) -> Frame:
        """Return the answer to this request, in the request's own header format."""
        return Frame(
            code, fields, body, remark, self.opaque, Flag.RESPONSE, format=self.format
        )

    def to_bytes(self) -> bytes:
        """Return the frame as it travels, the length word first.

        Raises:
            WireError: the frame is longer than any peer would read.
        """
        if self.format is HeaderFormat.JSON:
            header = _json_header(self)
        else:
            header = _binary_header(self)
        length = 4 + len(header) + len(self.body)
        check_length(length)
        return PREFIX.pack(length, self.format << 24 | len(header)) + header + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Frame:
        """Return the frame whose bytes after the length word are `data`.

        Raises:
            WireError: unknown type byte, header longer than the frame, or no header.
        """
        check_length(len(data))
        body_at = 4 + header_length(data, len(data))
        read = _from_json if data[0] == HeaderFormat.JSON else _from_binary
        return read(data[4:body_at], data[body_at:])

    def __str__(self) -> str:
        """``→ SEND_MESSAGE_V2 #7 topic=T0 body=128B`` or ``← SUCCESS #7``."""
        arrow, names = ("←", ResponseCode) if self.is_response else ("→", RequestCode)
        try:
            name: str = names(self.code).name
        except ValueError:
            name = str(self.code)
        facts = [f"{key}={value}" for key, value in (self.fields or {}).items()]
        if self.body:
            facts.append(f"body={len(self.body)}B")
        if self.remark:
            facts.append(repr(self.remark))
        return " ".join([arrow, name, f"#{self.opaque}", *facts])


def check_length(length: int) -> None:
    """Raise where the length word is no frame's.

    Raises:
        WireError: it is less than a header's prefix, or more than any peer would read.
    """
    if not 4 <= length <= MAX_FRAME_BYTES:
        raise WireError(f"frame length {length}, allowed 4 to {MAX_FRAME_BYTES}")


def header_length(word: bytes, length: int) -> int:
    """Return how long the header is in a frame of `length`.

    Raises:
        WireError: the type is unknown, or the header too long for frame or reader.
    """
    kind, found = word[0], int.from_bytes(word[1:4])
    if kind not in (HeaderFormat.JSON, HeaderFormat.ROCKETMQ):
        raise WireError(f"header type {kind}, known are 0 (JSON) and 1 (ROCKETMQ)")
    if found > length - 4:
        raise WireError(f"header length {found} in a frame of {length}")
    if found > MAX_HEADER_BYTES:
        raise WireError(f"header length {found}, allowed 0 to {MAX_HEADER_BYTES}")
    return found


def _json_header(frame: Frame) -> bytes:
    fields = remark = ""
    if frame.fields is not None:
        pairs = [f"{quoted(key)}:{quoted(text)}" for key, text in frame.fields.items()]
        fields = f'"extFields":{{{",".join(pairs)}}},'
    if frame.remark is not None:
        remark = f'"remark":{quoted(frame.remark)},'
    language = "null" if frame.language is None else quoted(frame.language)
    return (
        f'{{"code":{frame.code:d},{fields}"flag":{frame.flag:d},"language":{language},'
        f'"opaque":{frame.opaque},{remark}"serializeTypeCurrentRPC":"JSON",'
        f'"version":{frame.version:d}}}'
    ).encode()


def _from_json(header: bytes, body: bytes) -> Frame:
    try:
        found = _parse_json(header.decode())
        if b"\\ud" in header or b"\\uD" in header:
            # Half a UTF-16 pair could never be written again.
            json.dumps(found, ensure_ascii=False).encode()
        remark, language = found.get("remark"), found.get("language", "JAVA")
        return Frame(
            code=int(found["code"]),
            fields=_texts(found.get("extFields")),
            body=body,
            remark=None if remark is None else str(remark),
            opaque=int(found.get("opaque", 0)),
            flag=int(found.get("flag", 0)),
            language=None if language is None else str(language),
            version=int(found.get("version", 0)),
        )
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise WireError(
            f"no JSON header: {header[:80]!r} ({type(error).__name__}: {error})"
        ) from error


def _texts(fields: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Java reads every value as text; some clients send numbers and booleans."""
    if fields is None:
        return None
    return {
        key: value if type(value) is str else _text(value)
        for key, value in fields.items()
        if value is not None
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _binary_header(frame: Frame) -> bytes:
    language = Language[frame.language] if frame.language else Language.OTHER
    remark = (frame.remark or "").encode()
    parts = []
    for key, value in (frame.fields or {}).items():
        name, text = key.encode(), value.encode()
        parts += [KEY_LENGTH.pack(len(name)), name, LENGTH.pack(len(text)), text]
    fields = b"".join(parts)
    head = BINARY_HEAD.pack(
        frame.code, language, frame.version, frame.opaque, frame.flag
    )
    return b"".join(
        (head, LENGTH.pack(len(remark)), remark, LENGTH.pack(len(fields)), fields)
    )


def _from_binary(header: bytes, body: bytes) -> Frame:
    try:
        code, language, version, opaque, flag = BINARY_HEAD.unpack_from(header)
        remark, at = _sized(header, BINARY_HEAD.size, LENGTH)
        fields, _ = _sized(header, at, LENGTH)
        known = language in Language.__members__.values()
        return Frame(
            code=code,
            fields=dict(_pairs(fields)) if fields else None,
            body=body,
            remark=remark.decode() if remark else None,
            opaque=opaque,
            flag=flag,
            language=Language(language).name if known else None,
            version=version,
            format=HeaderFormat.ROCKETMQ,
        )
    except (struct.error, UnicodeDecodeError) as error:
        raise WireError(f"no ROCKETMQ header: {header[:40].hex()} ({error})") from error


def _pairs(fields: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(fields):
        key, at = _sized(fields, at, KEY_LENGTH)
        value, at = _sized(fields, at, LENGTH)
        yield key.decode(), value.decode()


def _sized(data: bytes, at: int, size: struct.Struct) -> tuple[bytes, int]:
    """Return the bytes after a length at `at`, and where they end."""
    (length,) = size.unpack_from(data, at)
    start = at + size.size
    if not 0 <= length <= len(data) - start:
        raise WireError(
            f"length {length} at byte {at} of a header part of {len(data)} bytes"
        )
    return data[start : start + length], start + length
