"""Stores that a crash left, made from seeds: pictures of them, and what recovery does.

A picture is what somebody sees who reads the files before the broker starts:

    {"abort": True,
     "checkpoint": {"log_ms": …, "queues_ms": …, "index_ms": …},
     "files": [{"first_byte": 0, "entries": [ENTRY, ENTRY, …]}, …]}

An ENTRY is a message, or the blank that fills a file up (its `number` is None):

    {"offset": 0, "size": 391, "number": 0, "stored_ms": …, "is_sound": True}

`stored_ms` is None where not even the message's head can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from rmqlab.classroom.checks.alone import Alone, number_of
from rmqlab.classroom.looking import StoreFiles
from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import Blank, Record, decode
from rmqlab.settings import StoreConfig
from rmqlab.store.checkpoint import TIMES
from rmqlab.store.commit_log import BLANK
from rmqlab.store.layout import file_name

FILE_BYTES = 8192
CONFIG = StoreConfig(
    mapped_file_size_commit_log=FILE_BYTES,
    mapped_file_size_consume_queue=400,
    max_hash_slot_num=10,
    max_index_num=1000,
)
MESSAGES, TAIL, BODY_BYTES, BETWEEN_S = (40, 90), (5, 25), (100, 1400), (0.1, 2.0)
FLUSHES, SAVES = 0.2, 0.08
"""How often a flush follows a message, and how often the checkpoint is written."""
HEAD_BYTES = 64
"""Of a record, up to its store time."""

Kind = Literal["torn", "damaged", "stopped"]
"""The machine crashed; the process died, and later a bit flipped; likewise, but the
broker was stopped in good order, and its checkpoint removed."""
Picture = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """What the broker's own code made of a store."""

    starts_at: int
    """The log offset from which recovery read."""
    kept: list[int]
    """The numbers of the messages that consumers still get."""


@dataclass(frozen=True)
class Crashed:
    """A store as it was left, and its picture."""

    files: StoreFiles
    picture: Picture


def crashed(kind: Kind, seed: int) -> Crashed:
    """Return a store that was left so."""
    alone, picture = _left(kind, seed)
    alone.close()
    return Crashed(alone.files, picture)


def picture_and_truth(kind: Kind, seed: int) -> tuple[Picture, Truth]:
    """Return a picture of a store, and what its broker's next start makes of it."""
    alone, picture = _left(kind, seed)
    with alone:
        found = alone.open()
        offsets = [
            one["offset"]
            for file in picture["files"]
            for one in file["entries"]
            if one["number"] is not None and one["offset"] < found.end
        ]
        read = offsets[len(offsets) - found.records :]
        return picture, Truth(read[0] if read else found.end, alone.served())


def _left(kind: Kind, seed: int) -> tuple[Alone, Picture]:
    dice = Random(f"{kind}/{seed}")  # noqa: S311
    while True:
        alone, picture = _made(kind, dice)
        if kind != "torn" or _has_hole(picture):
            return alone, picture
        alone.close()  # nothing was lost, or all of the tail: too easy


def _has_hole(picture: Picture) -> bool:
    """Whether something is sound behind something that is not."""
    entries = [one["is_sound"] for file in picture["files"] for one in file["entries"]]
    return not all(entries) and any(entries[entries.index(False) :])


def _made(kind: Kind, dice: Random) -> tuple[Alone, Picture]:
    alone = Alone(CONFIG, dice.getrandbits(32))
    alone.open()
    _fill(alone, dice)
    if kind == "stopped":
        alone.stop()
        alone.disk.files.pop(alone.paths.checkpoint)
    written = dict(_contents(alone))
    if kind == "torn":
        alone.crash()
    elif kind == "damaged":
        alone.kill()
    if kind != "torn":
        _flip(alone, dice, written, not_in_last=3 if kind == "stopped" else 0)
    return alone, _picture(alone, written)


def _fill(alone: Alone, dice: Random) -> None:
    """Put messages, flush now and then, but not the last ones."""
    flushed = dice.randint(*MESSAGES)
    for number in range(flushed + dice.randint(*TAIL)):
        alone.put(dice.randint(*BODY_BYTES))
        if number < flushed and dice.random() < FLUSHES:
            alone.do(alone.store.flush_log())
            alone.do(alone.store.flush_queues())
        if number < flushed and dice.random() < SAVES:
            alone.do(alone.store.checkpoint.save())
        alone.simulation.run(dice.uniform(*BETWEEN_S))


def _contents(alone: Alone) -> Iterator[tuple[int, bytes]]:
    shelf = alone.files.shelf
    for path in shelf.below(alone.paths.commit_log):
        yield int(path.rpartition("/")[2]), shelf.read(path, 0, FILE_BYTES)


def _flip(
    alone: Alone, dice: Random, written: dict[int, bytes], not_in_last: int
) -> None:
    """Flip a bit in the body of some message."""
    start = dice.choice(list(written)[: len(written) - not_in_last])
    entries = _records(written[start])
    messages = [(at, one) for at, one in entries if isinstance(one, Record)]
    at, message = dice.choice(messages)
    body_at = written[start].index(message.body, at)
    path = f"{alone.paths.commit_log}/{file_name(start)}"
    alone.disk.flip(path, body_at + dice.randrange(len(message.body)))


def _records(data: bytes) -> Iterator[tuple[int, Record | Blank]]:
    """Yield what was written into a file, and where."""
    at = 0
    while at < len(data):
        try:
            found = decode(data, at)
        except CorruptRecord:
            return  # nothing more was written
        yield at, found
        at += found.size


def _picture(alone: Alone, written: dict[int, bytes]) -> Picture:
    shelf, paths = alone.files.shelf, alone.paths
    there, names = dict(_contents(alone)), shelf.below(paths.root)
    times = 0, 0, 0
    if paths.checkpoint in names:
        times = TIMES.unpack(shelf.read(paths.checkpoint, 0, TIMES.size))
    return {
        "abort": paths.abort in names,
        "checkpoint": dict(
            zip(("log_ms", "queues_ms", "index_ms"), times, strict=True)
        ),
        "files": [
            {
                "first_byte": start,
                "entries": [
                    _entry(start + at, one, data[at:], there[start][at:])
                    for at, one in _records(data)
                ],
            }
            for start, data in written.items()
        ],
    }


def _entry(offset: int, one: Record | Blank, was: bytes, now: bytes) -> dict[str, Any]:
    """Return an entry: what it was when written, and whether it is that still."""
    size = BLANK.size if isinstance(one, Blank) else one.size
    is_sound = was[:size] == now[:size]
    entry = {"offset": offset, "size": one.size, "number": None, "stored_ms": None}
    if isinstance(one, Record):
        entry["number"] = number_of(one)
        is_head_there = was[:HEAD_BYTES] == now[:HEAD_BYTES]
        entry["stored_ms"] = one.store_timestamp if is_head_there else None
    return entry | {"is_sound": is_sound}
