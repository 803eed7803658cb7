"""The layout of a remoting frame: its prefix, each field of its header, its body.

    length 4B │ type 1B │ header length 3B │ header: JSON or ROCKETMQ │ body

A JSON header is cut before each of its names, a ROCKETMQ one as its lengths say, and
one that is neither is a single field.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from rmqlab import protocol
from rmqlab.classroom.dump.parts import Column, Known, Part, fixed, piece
from rmqlab.errors import WireError
from rmqlab.names import camel_case
from rmqlab.protocol.codes import RequestCode, ResponseCode, Version
from rmqlab.protocol.frame import BINARY_HEAD, KEY_LENGTH, LENGTH, Frame, HeaderFormat
from rmqlab.protocol.header import Header

TYPE_AND_HEADER_LENGTH = struct.Struct(">B3s")
PREFIX_BYTES = LENGTH.size + TYPE_AND_HEADER_LENGTH.size
EXT = "extFields"
SHOWN_ERROR = 80
DECODER = json.JSONDecoder()
BLANKS = re.compile(r"[ \t\n\r]*")

DECLARED = {
    header.CODE: header
    for module in iter_modules(protocol.__path__)
    for header in vars(import_module(f"{protocol.__name__}.{module.name}")).values()
    if isinstance(header, type) and issubclass(header, Header)
    if hasattr(header, "CODE")
}
"""The headers of requests."""


def frame_parts(data: bytes, known: Known) -> Iterator[Part]:
    """Yield the parts of a frame, as far as its bytes say them."""
    yield fixed(LENGTH, Column("length", _length(data)))
    yield fixed(
        TYPE_AND_HEADER_LENGTH,
        Column("type", _format),
        Column("header length", "bytes"),
    )
    size = int.from_bytes(known["header length"])
    header = data[PREFIX_BYTES : PREFIX_BYTES + size]
    yield from _header_parts(bytes(header), size, known["type"])
    body = known["length"] - TYPE_AND_HEADER_LENGTH.size - size
    if body > 0:
        yield piece("body", body, "what the length has left")


def _length(data: bytes) -> str:
    (length,) = LENGTH.unpack_from(data) if len(data) >= LENGTH.size else (0,)
    there = len(data) - LENGTH.size
    return "bytes follow it" if there == length else f"but {there} bytes follow it"


def _format(value: int, known: Known) -> str:
    names = {int(one): f"a {one.name} header" for one in HeaderFormat}
    return names.get(value, "of no header: 0 is JSON, 1 is ROCKETMQ")


def _header_parts(header: bytes, size: int, format_: int) -> Iterator[Part]:
    if len(header) < size:
        yield piece("header", size)
        return
    try:
        prefix = TYPE_AND_HEADER_LENGTH.pack(format_, size.to_bytes(3))
        frame = Frame.from_bytes(prefix + header)
        if format_ == HeaderFormat.JSON:
            header.decode()  # JSON readers know other codes, too
    except (WireError, UnicodeDecodeError) as error:
        yield piece("header", size, str(error)[:SHOWN_ERROR])
        return
    parts = _binary_parts if format_ == HeaderFormat.ROCKETMQ else _json_parts
    yield from parts(header, _meanings(frame))


# JSON


def _json_parts(header: bytes, meanings: Mapping[str, str]) -> Iterator[Part]:
    """Yield a piece for each name, from there to the next one."""
    text = header.decode()
    starts = list(_names(text, text.index("{"), "")) or [("header", 0)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    begin = 0  # the brace goes with the first name
    for (name, _), end in zip(starts, ends, strict=True):
        size = len(text[begin:end].encode())
        yield piece(name, size, meanings.get(name, ""))
        begin = end


def _names(text: str, at: int, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield each name of the object whose brace is at `at`, and where it starts."""
    at = _past_blanks(text, at + 1)
    while text[at] == '"':
        name, after = DECODER.raw_decode(text, at)
        yield prefix + name, at
        value = _past_blanks(text, _past_blanks(text, after) + 1)
        if name == EXT and text[value] == "{" and not prefix:
            yield from _names(text, value, "ext ")
        _, after = DECODER.raw_decode(text, value)
        after = _past_blanks(text, after)
        at = _past_blanks(text, after + 1) if text[after] == "," else after


def _past_blanks(text: str, at: int) -> int:
    match = BLANKS.match(text, at)
    return match.end() if match else at


# ROCKETMQ


def _binary_parts(header: bytes, meanings: Mapping[str, str]) -> Iterator[Part]:
    """Yield the numbers, then a piece for each field: its lengths, key and value."""
    names = ("code", "language", "version", "opaque", "flag")
    yield fixed(BINARY_HEAD, *(Column(name, meanings[name]) for name in names))
    at = BINARY_HEAD.size
    remark = _number(LENGTH, header, at)
    yield fixed(LENGTH, Column("remark length", "bytes"))
    if remark:
        yield piece("remark", remark, meanings["remark"])
    at += LENGTH.size + remark
    end = at + LENGTH.size + _number(LENGTH, header, at)
    yield fixed(LENGTH, Column("ext length", "bytes of all fields together"))
    at += LENGTH.size
    while at < end:
        key = at + KEY_LENGTH.size
        value = key + _number(KEY_LENGTH, header, at)
        name = f"ext {header[key:value].decode()}"
        after = value + LENGTH.size + _number(LENGTH, header, value)
        yield piece(name, after - at, meanings.get(name, ""))
        at = after
    if end < len(header):
        yield piece("header's rest", len(header) - end, "read by nobody")


def _number(layout: struct.Struct, data: bytes, at: int) -> int:
    return int(layout.unpack_from(data, at)[0])


# What fields mean


def _meanings(frame: Frame) -> dict[str, str]:
    """Return what the fields of this frame's header say, by their names."""
    names: Any = ResponseCode if frame.is_response else RequestCode
    codes = {int(one): one.name for one in names}
    said = {
        "code": codes.get(frame.code, "no code that we know"),
        EXT: "the request's own fields, all of them text",
        "flag": _flag(frame),
        "language": f"who wrote it: {frame.language}",
        "opaque": "the asker's number, which the answer repeats",
        "remark": "in words",
        "serializeTypeCurrentRPC": "Java writes it, nobody reads it",
        "version": _version(frame.version),
    }
    declared = None if frame.is_response else DECLARED.get(frame.code)  # type: ignore[call-overload]
    if frame.is_response:
        said[EXT] = "the answer's own fields, all of them text"
    for name, wire, _, _ in declared.FIELDS if declared else ():
        if wire != camel_case(name):
            said[f"ext {wire}"] = camel_case(name)
    return said


def _flag(frame: Frame) -> str:
    if frame.is_response:
        return "bit 0: an answer"
    return "bit 1: a request that wants no answer" if frame.is_oneway else "a request"


def _version(version: int) -> str:
    names = {int(one): one.name for one in Version}
    return names.get(version, "of the writer")
