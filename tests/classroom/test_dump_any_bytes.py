"""Whatever is in a file, a dump of it is rows or an error in words, and ends."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as some

from rmqlab.classroom.dump import Look, Range, byte_map
from rmqlab.classroom.dump.layouts import LAYOUTS
from rmqlab.classroom.dump.shown import KINDS
from rmqlab.classroom.dump.words import line
from rmqlab.errors import RmqError
from rmqlab.protocol.record import encode
from rmqlab.store.consume_queue import FILLER
from rmqlab.store.index_file import ENTRY, HEADER, SLOT
from rmqlab.store.layout import QUEUE_ENTRY
from tests.store.shelf import record

LOG = b"".join(
    encode(record(b"coffee", properties=b"KEYS\x01k", physical_offset=at * 109))
    for at in range(4)
)
QUEUE = FILLER + QUEUE_ENTRY.pack(0, 108, 1) + QUEUE_ENTRY.pack(108, 108, 1)
NOW = 1_700_000_000_000
INDEX = (
    HEADER.pack(NOW, NOW, 7, 9, 1, 3)
    + SLOT.pack(2) * 4
    + bytes(ENTRY.size)
    + ENTRY.pack(4, 7, 0, 0)
    + ENTRY.pack(8, 9, 0, 1)
    + bytes(13 * ENTRY.size)
)
PLACES = {
    "/s/commitlog/" + "0" * 20: LOG + bytes(100),
    "/s/consumequeue/orders/0/" + "0" * 20: QUEUE + bytes(100),
    "/s/index/20231114221320000": INDEX,
    "/s/checkpoint": bytes(4096),
    "/s/config/topics.json": b'{"topicConfigTable":{"a":{"perm":6}},"b":[1,{2:3}]}',
    "/s/copy.bin": LOG,
}


class OneFile:
    """A shelf with nothing else on it."""

    def __init__(self, path, data):
        self.path, self.data = path, data

    def below(self, folder):
        return [self.path] if self.path.startswith(f"{folder}/") else []

    def size(self, path):
        return len(self.data)

    def on_disk(self, path):
        return len(self.data)

    def read(self, path, offset, size):
        return self.data[offset : offset + size]


@some.composite
def damaged_files(draw):
    """Draw a file of a store of which some bytes are others, or cut off."""
    path = draw(some.sampled_from(sorted(PLACES)))
    data = bytearray(PLACES[path])
    for _ in range(draw(some.integers(0, 3))):
        at = draw(some.integers(0, len(data) - 1))
        new = draw(some.binary(min_size=1, max_size=8))
        data[at : at + len(new)] = new
    return path, bytes(data[: draw(some.integers(0, len(data)))])


@settings(max_examples=300)
@given(
    damaged_files(),
    some.booleans(),
    some.sampled_from([Range(), Range(first=1), Range(last=2), Range(to=300, count=3)]),
)
def test_any_damage_gives_rows_or_an_error_in_words(file, all_bytes, chosen):
    path, data = file
    shelf = OneFile(path, data)
    for where in (path, "/s"):
        look = Look(shelf, where, chosen, all_bytes=all_bytes)
        with suppress(RmqError):
            for row in look.rows():
                assert line(row).isprintable()
                assert row.to_json()
                assert 0 <= row.position <= len(data)


@settings(max_examples=200)
@given(some.sampled_from(sorted(LAYOUTS)), some.binary(max_size=200))
def test_a_byte_map_of_any_bytes_has_them_all(kind, data):
    shown = byte_map(kind, data)
    assert b"".join(one.data for one in shown.fields) == data
    assert str(shown)
    assert shown._repr_html_()


def test_undamaged_the_files_of_these_tests_have_rows_of_every_kind():
    kinds = {
        row.kind
        for path, data in PLACES.items()
        for row in Look(OneFile(path, data), path).rows()
    }
    assert kinds == {*KINDS, "config"} - {"blank"}
