"""Dumps of stores made here: ranges, records, lines, bounds."""

from __future__ import annotations

import hashlib
import json
import struct
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from rmqlab.classroom.commands import EX_USAGE
from rmqlab.classroom.dump.log_rows import LogReader
from rmqlab.classroom.dump.numbered import WINDOW_BYTES, NumberedFile
from rmqlab.classroom.dump.words import line, local_time
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.record import encode
from tests.classroom.conftest import run
from tests.classroom.dumps import (
    FILE,
    SMALL_LOG,
    dumped,
    make_small_store,
    offsets,
    overwrite,
    queue_of,
    rows,
)
from tests.store.shelf import log_files, record, stop
from tests.support import golden_store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEAD = struct.Struct(">iI")


@pytest.fixture
def root(tmp_path):
    return make_small_store(tmp_path / "store")


# Ranges


def test_a_log_is_shown_from_an_offset_up_to_another(root):
    every = offsets(dumped(root / "commitlog", "--all"))
    some = dumped(root / "commitlog", "--from", every[40], "--to", every[50])
    assert offsets(some) == every[40:50]


def test_from_within_a_record_the_next_one_is_the_first(root):
    every = offsets(dumped(root / "commitlog", "--all"))
    for at in (every[40] + 1, every[41] - 1):
        shown = dumped(root / "commitlog", "--from", at, "--count", 2)
        assert offsets(shown) == every[41:43]


@pytest.mark.parametrize("count", [1, 5, 60, 100, 1000])
def test_the_last_records_may_lie_in_several_files(root, count):
    every = offsets(dumped(root / "commitlog", "--all"))
    assert offsets(dumped(root / "commitlog", "--last", count)) == every[-count:]


def test_a_queue_is_shown_by_queue_offsets(root):
    shown = dumped(queue_of(root), "--from", 97, "--count", 2)
    assert [row["queue_offset"] for row in shown] == [97, 98]
    shown = dumped(queue_of(root), "--to", 2)
    assert [row["queue_offset"] for row in shown] == [0, 1]
    shown = dumped(queue_of(root), "--last", 2)
    assert [row["queue_offset"] for row in shown] == [98, 99]


def test_an_index_is_shown_by_entry_numbers(tmp_path):
    file = min((golden_store("4.9.7-clean", tmp_path) / "index").iterdir())
    header, *entries = dumped(file, "--from", 500, "--to", 503)
    assert header["kind"] == "index_header"
    assert [row["index"] for row in entries] == [500, 501, 502]
    _, *entries = dumped(file, "--last", 2)
    assert [row["index"] for row in entries] == [998, 999]


def test_of_a_single_file_only_its_own_records_are_shown(root):
    second = log_files(root)[1]
    shown = dumped(second)
    assert {row["file"] for row in shown} == {str(second)}
    assert shown[0]["physical_offset"] == SMALL_LOG
    assert shown[0]["position"] == 0


@pytest.mark.parametrize(
    ("path", "at", "why"),
    [
        ("commitlog", 1 << 40, "offset 1099511627776 is behind the last file"),
        ("consumequeue/orders/0", 300, "queue offset 300 is behind the last file"),
    ],
)
def test_a_place_behind_all_files_is_an_error_that_says_where_they_end(
    root, path, at, why
):
    done = run("dump", str(root / path), "--from", str(at))
    assert done.exit_code == 1
    assert why in done.stderr
    assert "ends at" in done.stderr


def test_a_range_of_many_things_asks_to_name_one(root):
    done = run("dump", str(root), "--last", "3")
    assert done.exit_code == 1
    assert f"name one, such as {root}/commitlog, for a range" in done.stderr


def test_a_range_of_what_is_no_sequence_is_an_error(root):
    done = run("dump", str(root / "checkpoint"), "--last", "3")
    assert done.exit_code == 1
    assert "is no sequence" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--last", "0"],
        ["--last", "1", "--from", "1"],
        ["--from", "-1"],
        ["--count", "0"],
        ["--follow", "--all-bytes"],
        ["--slots", "0"],
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(root, arguments):
    assert run("dump", str(root), *arguments).exit_code == EX_USAGE


# Records


def test_a_records_body_is_told_by_its_digest(root):
    (row,) = dumped(root / "commitlog", "--last", 1)
    body = bytes([126])
    assert row["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert (row["tags"], row["keys"], row["body_start"]) == ("paid", "k1 k2", "~")


def test_a_compressed_body_is_told_as_it_was_sent(tmp_path):
    plain = b"coffee " * 1_000_000
    packed = zlib.compress(plain)
    stop(tmp_path, record(packed, sys_flag=int(SysFlag.COMPRESSED)))
    (row,) = dumped(tmp_path / "commitlog", "--last", 1)
    assert row["body_sha256"] == hashlib.sha256(plain).hexdigest()
    assert row["body_length"] == len(plain)
    assert row["stored_body_sha256"] == hashlib.sha256(packed).hexdigest()
    assert row["stored_body_length"] == len(packed)


@pytest.mark.parametrize("body", [b"no zlib", zlib.compress(b"coffee")[:-3]])
def test_a_body_that_only_says_it_is_compressed_has_no_digest(tmp_path, body):
    stop(tmp_path, record(body, sys_flag=int(SysFlag.COMPRESSED)))
    (row,) = dumped(tmp_path / "commitlog", "--last", 1)
    assert row["body_sha256"] is row["body_length"] is None
    assert row["stored_body_sha256"] == hashlib.sha256(body).hexdigest()


def test_what_a_producer_wrote_cannot_move_a_terminals_cursor(tmp_path):
    wild = b"KEYS\x01a\x1b[2Jb\nc\x02TAGS\x01\xff"
    stop(tmp_path, record(b"\x1b[2J\n", properties=wild))
    done = run("dump", str(tmp_path / "commitlog"), "--last", "1")
    assert "\x1b" not in done.stdout
    name, shown = done.stdout.splitlines()
    assert name == f"{FILE}:"
    assert "keys a·[2Jb·c" in shown


def test_times_are_shown_to_the_millisecond_even_if_they_cannot_be():
    for ms in (1_700_000_000_005, -1):
        shown = datetime.fromisoformat(local_time(ms))
        assert (shown - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(
            milliseconds=1
        ) == ms
    assert local_time(1 << 62) == f"{1 << 62} ms"
    assert (local_time(0), local_time(None)) == ("never", "unknown")


@pytest.mark.parametrize("path", ["", "commitlog", "consumequeue", "index"])
def test_every_row_is_one_line_of_text(root, path):
    for everything in (False, True):
        for row in rows(root / path, rows_of_all=everything):
            assert line(row)
            assert line(row).isprintable()


# Bounds


class BigLog:
    """A shelf with one log file, made of what is asked for: nothing of it is kept."""

    def __init__(self, size, body):
        self.size_of, self.body, self.most = size, body, 0
        self.record = len(encode(record(body)))

    def size(self, path):
        return self.size_of

    def read(self, path, offset, size):
        self.most = max(self.most, size)
        size = min(size, self.size_of - offset)
        first = offset // self.record
        last = (offset + size) // self.record + 1
        data = b"".join(
            encode(record(self.body, physical_offset=one * self.record))
            for one in range(first, last)
        )
        return data[offset - first * self.record :][:size]


def test_a_log_of_any_size_is_read_in_windows_and_let_go():
    shelf = BigLog(64 << 20, bytes(100_000))
    reader = LogReader(shelf, [NumberedFile(0, FILE, shelf.size_of)])
    tracemalloc.start()
    try:
        found = sum(row.kind == "record" for row in reader.rows())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == shelf.size_of // shelf.record
    assert shelf.most <= WINDOW_BYTES
    assert peak < 12 * WINDOW_BYTES


def test_a_record_larger_than_a_window_is_read_whole():
    shelf = BigLog(20 << 20, bytes(3 << 20))
    reader = LogReader(shelf, [NumberedFile(0, FILE, shelf.size_of)])
    found = [row for row in reader.rows() if row.kind == "record"]
    assert len(found) == 6
    assert shelf.most == shelf.record


def test_a_record_is_never_taken_for_as_large_as_it_says_without_bound(tmp_path):
    (tmp_path / "commitlog").mkdir()
    file = tmp_path / "commitlog" / FILE
    with file.open("wb") as out:
        out.truncate(1 << 30)
    overwrite(file, 0, HEAD.pack((1 << 30) - 1, 0xDAA320A7))
    (row,) = dumped(file, exit_code=1)
    assert row["problem"] == "size 1073741823, read are at most 67108864"


def test_no_two_rows_of_a_log_overlap_and_none_is_between(root):
    found = rows(root / "commitlog", rows_of_all=True)
    for before, after in pairwise(found):
        assert before.number + before.length == after.number


def test_rows_and_json_say_the_same(root):
    for row, told in zip(
        rows(root, rows_of_all=True), dumped(root, "--all"), strict=True
    ):
        assert json.loads(row.to_json()) == told
        assert row.facts.items() <= told.items()
