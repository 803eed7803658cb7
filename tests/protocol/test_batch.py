"""Batches: golden ones both ways, and bodies that are none."""

from __future__ import annotations

import struct

import pytest

from rmqlab.errors import WireError
from rmqlab.protocol import batch
from rmqlab.protocol.batch import Part
from tests.support import golden_frames, golden_headers, golden_index

GOLDEN = [
    one["file"].removesuffix(".bin") for one in golden_index() if one["code"] == 320
]
TWO = [Part(b"coffee", b"KEYS\x011", 5), Part(b"", b"", -1)]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_batch_is_read_and_written_again_as_it_was(name):
    frame = golden_frames()[f"{name}.request"]
    body = frame[-golden_headers()[f"{name}.request"]["bodyLength"] :]
    parts = batch.decode(body)
    assert len(parts) > 1
    assert all(part.body for part in parts)
    assert batch.encode(parts) == body


def test_parts_are_read_as_they_were_written():
    assert batch.decode(batch.encode(TWO)) == TWO


def test_a_batch_that_is_cut_anywhere_within_a_message_is_none():
    whole = batch.encode(TWO)
    ends = {0, len(batch.encode(TWO[:1])), len(whole)}
    for end in set(range(len(whole))) - ends:
        with pytest.raises(WireError, match="the batch's message at byte"):
            batch.decode(whole[:end])


def test_a_batch_without_any_message_is_none():
    with pytest.raises(WireError, match="without any message"):
        batch.decode(b"")


@pytest.mark.parametrize("lie", [-(1 << 31), -1, 0, 1, 21, 23, (1 << 31) - 1])
@pytest.mark.parametrize("at", [0, 16])
def test_lengths_that_do_not_add_up_are_told_with_their_place(at, lie):
    body = bytearray(batch.encode([Part(b"one"), Part(b"two")]))
    struct.pack_into(">i", body, len(body) // 2 + at, lie)
    with pytest.raises(WireError, match="message at byte 25"):
        batch.decode(bytes(body))


@pytest.mark.parametrize("lie", [-(1 << 15), -1, 1, (1 << 15) - 1])
def test_a_length_of_properties_that_lies_is_told(lie):
    body = bytearray(batch.encode([Part(b"one")]))
    struct.pack_into(">h", body, len(body) - 2, lie)
    with pytest.raises(WireError, match=f"properties {lie}"):
        batch.decode(bytes(body))
