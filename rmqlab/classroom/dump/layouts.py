"""The layouts of everything that has a byte map: one table of fields for each.

A part of a table takes its layout from the module that declares it, and gives each of
its fields a name and a meaning; nothing here knows a size or an order of its own.
"""

from __future__ import annotations

import re
import socket
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rmqlab.classroom.dump.frame_parts import frame_parts
from rmqlab.classroom.dump.parts import Column, Known, Part, counted, fixed
from rmqlab.classroom.dump.words import local_time
from rmqlab.errors import StoreError
from rmqlab.ha.session import PIECE, REPORT
from rmqlab.protocol import record
from rmqlab.protocol.codes import SysFlag
from rmqlab.store.checkpoint import TIMES
from rmqlab.store.consume_queue import FILLER_SIZE
from rmqlab.store.index_file import ENTRY, HEADER, SLOT
from rmqlab.store.layout import QUEUE_ENTRY

IPV4_BYTES = 4

Layout = Iterable[Part] | Callable[[bytes, Known], Iterator[Part]]
"""Parts, or what finds them one by one: given all bytes, and the fields before."""


@dataclass(frozen=True)
class Field:
    """One field as it was found: `data` from byte `at` on, its value, its meaning."""

    name: str
    at: int
    data: bytes
    value: Any
    meaning: str


def fields(kind: str, data: bytes) -> list[Field]:
    """Return all fields of `data`, which together are all of its bytes.

    Where bytes are missing the last field is short, and without a value; where there
    are too many, they are the last one.

    Raises:
        StoreError: there is no layout of this kind.
    """
    if kind not in LAYOUTS:
        raise StoreError(
            f"there is no byte map of {kind!r}: there are {', '.join(LAYOUTS)}"
        )
    found: list[tuple[Column, int, bytes, Any]] = []
    known: dict[str, Any] = {}
    at = 0
    layout = LAYOUTS[kind]
    parts = layout(data, known) if callable(layout) else layout
    for column, code in _columns(parts, known):
        piece = data[at : at + struct.calcsize(code)]
        if len(piece) < struct.calcsize(code):
            missing = f"cut off: {len(piece)} of {struct.calcsize(code)} bytes are here"
            found.append((Column(column.name, missing), at, piece, None))
            at += len(piece)
            break
        (known[column.name],) = struct.unpack(code, piece)
        found.append((column, at, piece, known[column.name]))
        at += len(piece)
    if at < len(data):
        found.append((RESTS.get(kind, REST), at, data[at:], data[at:]))
    return [
        Field(column.name, at, piece, value, _meaning(column, value, known))
        for column, at, piece, value in found
    ]


def _columns(parts: Iterable[Part], known: Known) -> Iterator[tuple[Column, str]]:
    """Yield each field with its struct code, as soon as those before it are known."""
    for part in parts:
        codes = re.findall(r"\d*[a-zA-Z?]", part.layout(known).format)
        for column, code in zip(part.columns, codes, strict=True):
            yield column, f">{code}"


def _meaning(column: Column, value: Any, known: Known) -> str:
    if isinstance(column.meaning, str):
        return column.meaning
    return column.meaning(value, known)


def _host(name: str, is_v6: SysFlag) -> Part:
    return Part(
        lambda known: record.HOST_V6 if known["sys flag"] & is_v6 else record.HOST,
        (Column(f"{name} address", _address), Column(f"{name} port")),
    )


# What values mean


def _address(value: bytes, known: Known) -> str:
    family = socket.AF_INET if len(value) == IPV4_BYTES else socket.AF_INET6
    return socket.inet_ntop(family, value)


def _time(value: int, known: Known) -> str:
    return local_time(value)


def _magic(value: int, known: Known) -> str:
    names = {record.MAGIC: "a message", record.BLANK_MAGIC: "a blank"}
    return names.get(value, f"neither message nor blank: {record.MAGIC:08x} would be")


def _crc(value: int, known: Known) -> str:
    if "body" not in known:
        return "of a body that is not here"
    made = zlib.crc32(known["body"]) & 0x7FFFFFFF
    return "is the body's" if made == value else f"is not the body's, {made:08x}"


def _sys_flag(value: int, known: Known) -> str:
    names = [str(one.name) for one in SysFlag if one and value & one == one]
    return ", ".join(names) or "a plain message"


def _tags_code(value: int, known: Known) -> str:
    return "hash of the tag, 0 without; of a delayed message: when it is due"


def _entry_size(value: int, known: Known) -> str:
    return "a filler: no message was here" if value == FILLER_SIZE else "of the record"


def _previous(value: int, known: Known) -> str:
    return "entry before it in its slot" if value else "the first of its slot"


def _slot(value: int, known: Known) -> str:
    return "newest entry whose hash falls here" if value else "empty"


def _piece_size(value: int, known: Known) -> str:
    return "bytes of log that follow" if value else "a heartbeat: no bytes follow"


def _pairs(value: bytes, known: Known) -> str:
    return "name 0x01 value 0x02 …"


# The tables

REST = Column("rest", "no part of it")
RESTS = {
    "checkpoint": Column("unused", "zeroes to the file's end"),
    "blank": Column("blank", "means nothing"),
    "frame": Column("rest", "where the next frame begins"),
}

RECORD = (
    fixed(
        record.HEAD,
        Column("size", "bytes of the record"),
        Column("magic", _magic),
        Column("body crc", _crc),
        Column("queue id"),
        Column("flag", "the producer's own"),
        Column("queue offset", "messages before it in its queue"),
        Column("physical offset", "where in the log this record starts"),
        Column("sys flag", _sys_flag),
        Column("born timestamp", _time),
    ),
    _host("born host", SysFlag.BORNHOST_V6),
    fixed(record.STORED_AT, Column("store timestamp", _time)),
    _host("store host", SysFlag.STOREHOST_V6),
    fixed(
        record.TAIL,
        Column("reconsume times"),
        Column("prepared offset", "of a transaction's half message"),
        Column("body length", "bytes"),
    ),
    counted("body", "body length"),
    fixed(record.TOPIC_LENGTH, Column("topic length", "bytes")),
    counted("topic", "topic length"),
    fixed(record.PROPERTIES_LENGTH, Column("properties length", "bytes")),
    counted("properties", "properties length", _pairs),
)

LAYOUTS: dict[str, Layout] = {
    "record": RECORD,
    "frame": frame_parts,
    "blank": (
        fixed(
            record.SIZE_AND_MAGIC,
            Column("size", "bytes to the file's end"),
            Column("magic", _magic),
        ),
    ),
    "queue entry": (
        fixed(
            QUEUE_ENTRY,
            Column("physical offset", "where in the log the record starts"),
            Column("size", _entry_size),
            Column("tags code", _tags_code),
        ),
    ),
    "index header": (
        fixed(
            HEADER,
            Column("begin timestamp", _time),
            Column("end timestamp", _time),
            Column("begin physical offset", "of the first record in it"),
            Column("end physical offset", "of the last one"),
            Column("hash slot count", "slots that are used"),
            Column("index count", "number of the next entry"),
        ),
    ),
    "index slot": (fixed(SLOT, Column("newest index", _slot)),),
    "index entry": (
        fixed(
            ENTRY,
            Column("key hash", "of topic#key"),
            Column("physical offset", "where in the log the record starts"),
            Column("time diff", "seconds after the file's begin timestamp"),
            Column("previous index", _previous),
        ),
    ),
    "checkpoint": (
        fixed(
            TIMES,
            Column("physic msg timestamp", _time),
            Column("logics msg timestamp", _time),
            Column("index msg timestamp", _time),
        ),
    ),
    "ha report": (fixed(REPORT, Column("max offset", "the end of the slave's log")),),
    "ha piece": (
        fixed(
            PIECE,
            Column("physical offset", "of the first byte that follows"),
            Column("size", _piece_size),
        ),
        counted("log", "size", "the master's bytes"),
    ),
}
