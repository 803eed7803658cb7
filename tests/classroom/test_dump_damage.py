"""Damaged files in a dump: a row that says what is wrong, and what follows it."""

from __future__ import annotations

import struct

import pytest

from rmqlab.protocol.record import encode
from rmqlab.store.consume_queue import FILLER
from rmqlab.store.layout import QUEUE_ENTRY
from tests.classroom.conftest import run
from tests.classroom.dumps import (
    FILE,
    SMALL_LOG,
    dumped,
    make_small_store,
    of_kind,
    offsets,
    overwrite,
    queue_of,
)
from tests.store.shelf import log_files, record, stop
from tests.support import golden_store


@pytest.fixture
def root(tmp_path):
    return make_small_store(tmp_path / "store")


def damage_in(root, at, data):
    """Overwrite bytes of the log's first file."""
    overwrite(log_files(root)[0], at, data)


@pytest.mark.parametrize(
    ("at", "data", "why"),
    [
        (4, b"\0\0\0\1", "magic 0x00000001"),
        (0, b"\x7f\xff\xff\xff", "size 2147483647"),
        (0, b"\xff\xff\xff\xff", "size -1"),
        (8, b"\0\0\0\0", "CRC 0x00000000"),
        (28, b"\0\0\0\0\0\0\0\1", "its offset is 1, at"),
        (84, b"\0\0\0\2", "a part of 111 bytes where 27 are left"),
    ],
)
def test_damage_is_a_row_that_says_what_is_wrong_and_where(root, at, data, why):
    every = offsets(dumped(root / "commitlog", "--all"))
    damage_in(root, every[10] + at, data)
    *before, last = dumped(root / "commitlog", "--all", exit_code=1)
    assert offsets(before) == every[:10]
    assert (last["kind"], last["position"]) == ("damage", every[10])
    assert last["file"] == str(log_files(root)[0])
    assert why in last["problem"]
    text = run("dump", str(root / "commitlog"), "--all")
    assert text.exit_code == 1
    assert f"DAMAGE at byte {every[10]} of {FILE}: {last['problem']}" in text.stdout


def test_from_a_damaged_record_on_the_first_row_is_the_damage(root):
    every = offsets(dumped(root / "commitlog", "--all"))
    damage_in(root, every[10] + 8, bytes(4))
    (row,) = dumped(root / "commitlog", "--from", every[10], exit_code=1)
    assert (row["kind"], row["position"]) == ("damage", every[10])


def test_with_all_bytes_the_next_sound_record_follows_damage(root):
    every = offsets(dumped(root / "commitlog", "--all"))
    damage_in(root, every[10], bytes(range(1, 51)))
    shown = dumped(root / "commitlog", "--all", "--all-bytes", exit_code=1)
    assert offsets(shown) == every[:10] + every[11:]
    (found,) = of_kind(shown, "damage")
    assert found["length"] == every[11] - every[10]


def test_with_all_bytes_what_was_never_written_is_passed_over(root):
    every = offsets(dumped(root / "commitlog", "--all"))
    damage_in(root, every[10], bytes(every[12] - every[10]))
    assert offsets(dumped(root / "commitlog", "--all")) == every[:10]
    shown = dumped(root / "commitlog", "--all", "--all-bytes")
    assert offsets(shown) == every[:10] + every[12:]
    (found,) = of_kind(shown, "unwritten")
    assert (found["physical_offset"], found["size"]) == (
        every[10],
        every[12] - every[10],
    )


def test_a_message_within_a_message_is_not_taken_for_one_of_the_log(tmp_path):
    inner = encode(record(b"inner", physical_offset=0))
    stop(tmp_path, record(inner), record(b"next"))
    damage_in(tmp_path, 4, b"none")
    shown = dumped(tmp_path / "commitlog", "--all", "--all-bytes", exit_code=1)
    assert [row.get("body_start") for row in shown] == [None, "next"]


def test_a_blank_of_another_length_is_damage(root):
    (_, blank, *_) = of_kind(dumped(root / "commitlog", "--all"), "blank")
    overwrite(log_files(root)[1], blank["position"], b"\0\0\0\1")
    *_, last = dumped(root / "commitlog", "--all", exit_code=1)
    assert last["problem"] == f"a blank of 1 bytes where {blank['size']} are left"


def test_a_missing_file_in_the_middle_is_damage(root):
    log_files(root)[1].unlink()
    *_, last = dumped(root / "commitlog", "--all", exit_code=1)
    assert (
        last["problem"] == f"no file has the 4096 bytes of the log from {SMALL_LOG} on"
    )
    shown = dumped(root / "commitlog", "--all", "--all-bytes", exit_code=1)
    assert offsets(shown)[-1] > 2 * SMALL_LOG


@pytest.mark.parametrize("entry", [(-1, 100, 0), (5, 0, 0), (5, -1, 7)])
def test_a_queue_entry_that_points_nowhere_is_damage(root, entry):
    file = queue_of(root) / FILE
    overwrite(file, 10 * QUEUE_ENTRY.size, QUEUE_ENTRY.pack(*entry))
    *before, last = dumped(queue_of(root), "--all", exit_code=1)
    assert (len(before), last["kind"], last["position"]) == (10, "damage", 200)
    assert f"offset {entry[0]} and size {entry[1]}" in last["problem"]
    assert len(dumped(queue_of(root), "--all", "--all-bytes", exit_code=1)) == 100


def test_fillers_are_one_row_and_no_damage(root):
    file = queue_of(root) / FILE
    overwrite(file, 0, FILLER * 7)
    first, second, *_ = dumped(queue_of(root), "--all")
    assert (first["kind"], first["queue_offset"], first["count"]) == ("filler", 0, 7)
    assert second["queue_offset"] == 7


def test_damage_in_an_index_is_told_by_entry_and_by_slot(tmp_path):
    file = min((golden_store("4.9.7-clean", tmp_path) / "index").iterdir())
    every = dumped(file)
    entry = of_kind(every, "index_entry")[300]
    overwrite(file, entry["position"] + 16, struct.pack(">i", 5000))
    *_, last = dumped(file, exit_code=1)
    assert last["problem"].startswith("entry 301 has key hash")
    slot = of_kind(every, "index_slot")[3]
    overwrite(file, slot["position"], struct.pack(">i", 1000))
    found = of_kind(dumped(file, exit_code=1), "damage")
    assert (
        found[0]["problem"]
        == f"slot {slot['slot']} names entry 1000, there are 1 to 999"
    )


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("checkpoint", b"\0" * 100, "a checkpoint of 100 bytes, it must have 4096"),
        ("config/topics.json", b"{no", "no JSON"),
        ("index/20261123093135089", b"\0" * 39, "an index file's header alone has 40"),
    ],
)
def test_a_damaged_small_file_is_damage_in_rows_and_overview(root, path, content, why):
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_bytes(content)
    shown = dumped(root, "--all", exit_code=1)
    (found,) = [one for one in of_kind(shown, "damage") if one["file"].endswith(path)]
    assert why in found["problem"]
    told = [one for one in dumped(root, exit_code=1) if one["problem"]]
    assert [one["file"] for one in told] == [str(root / path)]
