"""Exercise 03: decode a record by hand."""

from __future__ import annotations

from random import Random
from typing import Any

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.protocol.message import TAGS
from rmqlab.protocol.record import Record, encode, properties_of

EXERCISE = Exercise("03_decode_record", topology="1m", runtime="sim")

GIVEN = bytes.fromhex(
    "000000cedaa320a7450856600000000300000015000000000000000100000000"
    "000005d000000000000001a207c6185a7f0000010000843a000001a207c6185b"
    "7f00000100002a9f00000000000000000000000000000016706c61696e20626f"
    "6479203720c3a9e4b8adf09f9a8009476f6c64506c61696e00546e756d626572"
    "0137024b455953016f726465722d3702554e49515f4b45590130374336313745"
    "3237373439354646443242323737333545333035413030303702574149540174"
    "7275650254414753015461674402"
)
"""A record that RocketMQ 4.4.0 wrote."""

READ = {
    "size": 206,
    "queue_id": 3,
    "queue_offset": 1,
    "physical_offset": 1488,
    "store_host": "127.0.0.1:10911",
    "body_length": 22,
    "topic": "GoldPlain",
    "tags": "TagD",
    "keys": "order-7",
}
"""What stands in it."""

FIXED = (
    "size", "queue_id", "queue_offset", "physical_offset", "born_timestamp",
    "store_timestamp", "body_length",
)  # fmt: skip
COUNTED = ("body", "topic", "properties")
MOST_COUNT_BYTES = 8
CHARACTERS = set(range(128))
RECORDS = 20
"""Tried with each seed."""


@EXERCISE.check(points=3)
def a_record_is_read_by_eye(see: Trial) -> None:
    """You have read the given record of RocketMQ 4.4.0 off its bytes."""
    read = see.answer("read", dict, f"a dictionary with {', '.join(READ)}")
    wrong = [name for name, value in READ.items() if read.get(name) != value]
    if wrong:
        right = len(READ) - len(wrong)
        fail(
            expected=f"{len(READ)} fields as they stand in the bytes",
            found=f"{right} of them; {wrong[0]!r} is not {read.get(wrong[0])!r}",
            why="who can read one record can read a whole log, with no tool at all",
            next_step="highest byte first; lab 03 has the map of a record, and "
            "rmqlab/protocol/record.py its picture",
            reproduce=see.reproduce,
        )


@EXERCISE.check(points=4)
def the_layout_reads_any_record(see: Trial) -> None:
    """With your places and widths the fixed fields of any record can be read."""
    layout = see.answer("layout", dict, "a dictionary: name → (first byte, bytes)")
    for record in _records(see.seed):
        data = encode(record)
        for name in FIXED:
            found, wanted = _number(data, layout.get(name)), _fixed(record, name)
            if found != wanted:
                fail(
                    expected=f"{name} of a record {wanted}",
                    found=f"{found} at {layout.get(name)!r} (seed {see.seed})",
                    why="a record has no names in it: place and width are all that "
                    "tells one number from the next, and a number may need all its "
                    "bytes",
                    next_step="add up the widths of the fields before it; offsets in "
                    "queue and log, and times, have eight bytes",
                    reproduce=see.reproduce,
                )


@EXERCISE.check(points=3)
def the_rest_is_found_by_its_lengths(see: Trial) -> None:
    """From your widths of three lengths follow body, topic and tag of any record."""
    widths = see.answer("widths", dict, f"a dictionary: {', '.join(COUNTED)} → bytes")
    marks = see.answer("marks", tuple, "two numbers: (ends a name, ends a pair)")
    begin = see.answer("lengths_begin", int, "the byte where the body's length begins")
    for record in _records(see.seed):
        body, topic, properties = _walked(encode(record), begin, widths)
        found = body, topic, _tag(properties, marks)
        wanted = record.body, record.topic.encode(), properties_of(record)[TAGS]
        if found != wanted:
            names = ("body", "topic", "tag")
            wrong = next(at for at in range(len(names)) if found[at] != wanted[at])
            fail(
                expected=f"the {names[wrong]} {_short(wanted[wrong])}",
                found=f"{_short(found[wrong])} (seed {see.seed})",
                why="body, topic and properties are as long as they are: each has its "
                "length before it, and begins where the one before it ends",
                next_step="in the given record look at the bytes before the body, "
                "before the topic and before the properties; then at what stands "
                "around the tag",
                reproduce=see.reproduce,
            )


def _records(seed: int) -> list[Record]:
    """Return records that nobody has seen, with numbers that need all their bytes."""
    dice = Random(seed)  # noqa: S311
    return [_record(dice) for _ in range(RECORDS)]


def _record(dice: Random) -> Record:
    tag = "".join(dice.choices("abcdefgh", k=dice.randint(1, 9)))
    properties = (
        f"KEYS\x01k{dice.randrange(10**6)}\x02TAGS\x01{tag}\x02WAIT\x01true\x02"
    )
    return Record(
        topic="".join(dice.choices("opqrstu", k=dice.randint(1, 90))),
        queue_id=dice.randrange(1 << 24, 1 << 31),
        body=dice.randbytes(dice.randint(1, 400)),
        properties=properties.encode(),
        flag=dice.randrange(1 << 31),
        sys_flag=0,
        born_timestamp=dice.randrange(1 << 40, 1 << 41),
        born_host=(f"10.0.0.{dice.randint(1, 254)}", dice.randint(1024, 65535)),
        store_timestamp=dice.randrange(1 << 40, 1 << 41),
        store_host=(f"10.0.1.{dice.randint(1, 254)}", dice.randint(1024, 65535)),
        reconsume_times=dice.randrange(1 << 31),
        prepared_offset=dice.randrange(1 << 62),
        queue_offset=dice.randrange(1 << 56, 1 << 62),
        physical_offset=dice.randrange(1 << 56, 1 << 62),
    )


def _fixed(record: Record, name: str) -> int:
    if name == "body_length":
        return len(record.body)
    return int(getattr(record, name))


def _number(data: bytes, place: Any) -> int | None:
    """Return the number at a place; None where that is none."""
    match place:
        case [int(at), int(width)] if at >= 0 and 0 < width <= MOST_COUNT_BYTES:
            return int.from_bytes(data[at : at + width])
        case _:
            return None


def _walked(data: bytes, at: int, widths: dict[str, Any]) -> list[bytes]:
    """Return body, topic and properties, as the answer's numbers lead to them."""
    found = [b""] * len(COUNTED)
    for number, name in enumerate(COUNTED):
        width = widths.get(name)
        length = _number(data, (at, width))
        if width is None or length is None:
            break
        at += width
        found[number] = data[at : at + length]
        at += length
    return found


def _tag(properties: bytes, marks: tuple[Any, ...]) -> str:
    """Return the tag, as the answer's two marks cut it out."""
    match marks:
        case [int(name_ends), int(pair_ends)] if {name_ends, pair_ends} <= CHARACTERS:
            pairs = properties.decode("utf-8", "replace").split(chr(pair_ends))
            named = (pair.partition(chr(name_ends)) for pair in pairs)
            return next((tag for name, _, tag in named if name == TAGS), "")
        case _:
            return ""


def _short(value: bytes | str) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
