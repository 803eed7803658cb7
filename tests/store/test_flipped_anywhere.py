"""Every file of a small store, flipped at every byte: one bit of it, and all eight.

No checksum covers a record's head: of a flip there that makes another true head nobody
can tell.  Its body is the one that was sent, whatever was flipped.
"""

from __future__ import annotations

import pytest

from tests.store.small_store import EVERY_BYTE, check, small_store

ENDS = pytest.mark.parametrize("was_stopped", [True, False], ids=["stopped", "killed"])
LOG = [f"commitlog/{number * 1600:020d}" for number in range(3)]
QUEUES = [
    f"consumequeue/{one}"
    for one in ("orders/0", "orders/1", "tea/0", "SCHEDULE_TOPIC_XXXX/2")
]


QUARTERS = pytest.mark.parametrize("quarter", range(4))
"""Of the places, so that no test takes minutes where every byte is tried."""


def flips(was, path, stride, quarter=None):
    """Yield the place of a flip, and the files with it."""
    data = was.files[path]
    places = range(0, len(data), 1 if EVERY_BYTE else stride)
    for at in places if quarter is None else places[quarter::4]:
        for mask in (1 << at * 5 % 8, 0xFF):
            flipped = bytes([data[at] ^ mask])
            yield at, was.files | {path: data[:at] + flipped + data[at + 1 :]}


@ENDS
@QUARTERS
@pytest.mark.parametrize("path", LOG)
def test_a_log_flipped_at_any_byte_has_all_that_is_before(path, quarter, was_stopped):
    was = small_store(was_stopped=was_stopped)
    for at, files in flips(was, f"/store/{path}", 53, quarter):
        place = int(path[-20:]) + at
        lost = check(was, files, is_flip=True)
        assert all(one.physical_offset + one.size > place for one in lost)


@ENDS
@pytest.mark.parametrize("field", [12, 15, 20, 27, 28, 36, 39, 56])
def test_no_field_of_a_records_head_that_is_flipped_spreads(field, was_stopped):
    was, start = small_store(was_stopped=was_stopped), 3339  # the last one
    path = f"/store/{LOG[2]}"
    at = start - 3200 + field
    data = was.files[path]
    for mask in (0x04, 0x80):
        flipped = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
        lost = check(was, was.files | {path: flipped}, is_flip=True)
        assert all(one.physical_offset >= start for one in lost)


@ENDS
@pytest.mark.parametrize("part", QUEUES)
def test_a_queue_flipped_at_any_byte_loses_no_more_than_that_message(part, was_stopped):
    was = small_store(was_stopped=was_stopped)
    for path in was.paths(part):
        for _, files in flips(was, path, 7):
            assert len(check(was, files)) <= 1


@ENDS
@QUARTERS
@pytest.mark.parametrize("part", ["index", "lock"])
def test_other_files_flipped_at_any_byte_lose_no_message(part, quarter, was_stopped):
    was = small_store(was_stopped=was_stopped)
    for path in was.paths(part):
        for _, files in flips(was, path, 61, quarter):
            assert check(was, files) == []


@ENDS
def test_a_checkpoint_flipped_at_any_byte_loses_no_message(was_stopped):
    was = small_store(was_stopped=was_stopped)
    (path,) = was.paths("checkpoint")
    for at, files in flips(was, path, 3):
        is_used = at < 24 or at >= 4096 - 16
        if is_used or at % 512 == 0:
            assert check(was, files) == []
