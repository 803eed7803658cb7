"""What is wrong with a frame that was made by hand: the first thing, in words."""

from __future__ import annotations

from dataclasses import dataclass

from rmqlab.errors import WireError
from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.frame import LENGTH, PREFIX, Flag, Frame, HeaderFormat
from rmqlab.protocol.message import split_properties

HEADER_BITS = 24
SHOWN = 60

Fault = tuple[str, str]
"""What was found, and what to do next."""


@dataclass(frozen=True)
class Wanted:
    """The frame as it should be; other fields than these may be there, too."""

    frame: Frame

    @property
    def name(self) -> str:
        """Of its request."""
        return RequestCode(self.frame.code).name


def fault(data: bytes, wanted: Wanted) -> Fault | None:
    """Return the first fault of a frame, from its first byte to its last."""
    if len(data) < PREFIX.size:
        return (
            f"{len(data)} bytes",
            "a frame begins with two numbers of four bytes: struct.pack('>iI', …)",
        )
    found = _length(data) or _prefix(data, wanted.frame.format)
    if found:
        return found
    try:
        frame = Frame.from_bytes(data[LENGTH.size :])
    except WireError as error:
        next_step = (
            "the header length must be that of the header in bytes, and nothing may "
            "stand between it and the body"
        )
        return str(error)[:200], next_step
    return _header(frame, wanted) or _fields(frame, wanted.frame)


def _length(data: bytes) -> Fault | None:
    follow = len(data) - LENGTH.size
    (length,) = LENGTH.unpack_from(data)
    if length == follow:
        return None
    if int.from_bytes(data[: LENGTH.size], "little") == follow:
        return (
            "a length word whose lowest byte comes first",
            "numbers travel with their highest byte first: '>' in struct",
        )
    if length == len(data):
        return (
            f"length word {length}, which counts itself",
            "it counts what follows it: 4 + header + body",
        )
    return (
        f"length word {length}, and {follow} bytes follow it",
        "it is 4 + header + body, all in bytes: encode text before you ask its len()",
    )


def _prefix(data: bytes, format_: HeaderFormat) -> Fault | None:
    _, word = PREFIX.unpack_from(data)
    kind, size = word >> HEADER_BITS, word & (1 << HEADER_BITS) - 1
    there = len(data) - PREFIX.size
    if kind == format_ and size <= there:
        return None
    found = f"type byte {kind}, header length {size}; {there} bytes follow them"
    next_step = (
        f"this word's highest byte is the type, {format_.value} for {format_.name}; "
        "the header length has the low 24 bits: type << 24 | length"
    )
    return found, next_step


def _header(frame: Frame, wanted: Wanted) -> Fault | None:
    asked = wanted.frame
    if frame.code != asked.code:
        return (f"code {frame.code}", f"{wanted.name} is code {int(asked.code)}")
    if frame.opaque != asked.opaque:
        where = {
            HeaderFormat.JSON: "by it alone the asker knows which answer is whose",
            HeaderFormat.ROCKETMQ: "code has 2 bytes, language 1, version 2, opaque 4",
        }
        next_step = f"write the opaque that the function got: {where[asked.format]}"
        return f"opaque {frame.opaque}", next_step
    if frame.flag:
        meant = "an answer" if frame.flag & Flag.RESPONSE else "one-way: no answer"
        return (
            f"flag {frame.flag}, {meant}",
            "0 is a request that wants an answer; bit 0 marks an answer, bit 1 one-way",
        )
    return None


def _fields(frame: Frame, wanted: Frame) -> Fault | None:
    for name, value in (wanted.fields or {}).items():
        found = (frame.fields or {}).get(name)
        is_right = found == value
        if name == "properties":  # the last pair may end or not, more may be there
            own = split_properties(found or "")
            is_right = split_properties(value).items() <= own.items()
        if not is_right:
            next_step = (
                f"extFields (or the ROCKETMQ header's last part) has {name} as text, "
                f"here {value!r}"
            )
            return f"field {name}: {found!r}"[:SHOWN], next_step
    if frame.body != wanted.body:
        next_step = (
            "the body is what the header length leaves: the text's bytes in UTF-8, "
            "and no more"
        )
        return f"a body of {len(frame.body)} bytes, {frame.body!r}"[:SHOWN], next_step
    return None
