"""What a file is: copied elsewhere, foreign, empty, without its broker's settings."""

from __future__ import annotations

import errno
import io
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from rmqlab.classroom.commands import EX_USAGE
from rmqlab.classroom.dump.index_shape import shape_of
from rmqlab.classroom.looking import HostShelf
from rmqlab.store.checkpoint import FILE_BYTES, TIMES
from rmqlab.store.index_file import Shape
from rmqlab.store.layout import QUEUE_ENTRY, file_name
from tests.classroom.conftest import run
from tests.classroom.dumps import (
    SMALL_LOG,
    dumped,
    make_small_store,
    overwrite,
)
from tests.store.shelf import log_files
from tests.support import golden_store


@pytest.fixture
def root(tmp_path):
    return make_small_store(tmp_path / "store")


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ("commitlog/00000000000000000000", "record"),
        ("commitlog/00000000000001048576", "record"),
        ("consumequeue/GoldOne/0/00000000000000000000", "queue_entry"),
        ("consumequeue/SCHEDULE_TOPIC_XXXX/16/00000000000000000000", "queue_entry"),
        ("index/20261123093135089", "index_header"),
        ("checkpoint", "checkpoint"),
        ("config/topics.json", "config"),
    ],
)
def test_a_file_copied_elsewhere_is_recognised_by_what_is_in_it(tmp_path, inside, kind):
    root = golden_store("4.9.7-clean", tmp_path / "store")
    shutil.copy(root / inside, tmp_path / "copy.bin")
    there, here = dumped(root / inside), dumped(tmp_path / "copy.bin")
    assert here[0]["kind"] == kind
    assert len(here) == len(there)
    for key in ("physical_offset", "queue_offset", "index", "position"):
        assert [row.get(key) for row in here] == [row.get(key) for row in there]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        bytes(4096),
        b"{no json",
        b"\xff" * 40,
        bytes(range(200)) * 20,
        QUEUE_ENTRY.pack(500, 100, 0) + QUEUE_ENTRY.pack(550, 100, 0),
    ],
)
def test_what_is_no_file_of_a_store_is_told_together_with_what_would_be(
    tmp_path, content
):
    (tmp_path / "some.bin").write_bytes(content)
    done = run("dump", str(tmp_path / "some.bin"))
    assert done.exit_code == 1
    assert "some.bin is no file of a store" in done.stderr
    assert "dump knows files of the commit log" in done.stderr


def test_a_folder_without_a_file_of_a_store_is_an_error(tmp_path):
    (tmp_path / "some.bin").write_bytes(b"hello")
    done = run("dump", str(tmp_path))
    assert done.exit_code == 1
    assert f"no file below {tmp_path} is one of a store" in done.stderr


def test_an_empty_folder_is_an_error(tmp_path):
    done = run("dump", str(tmp_path))
    assert done.exit_code == 1
    assert "neither a file nor a folder with any in it" in done.stderr


def test_a_foreign_file_in_a_store_is_listed_and_has_no_rows(root):
    (root / "notes.txt").write_text("mine")
    told = {Path(row["file"]).name: row["what"] for row in dumped(root)}
    assert told["notes.txt"] == "unknown"
    assert all("notes.txt" not in row["file"] for row in dumped(root, "--all"))


def test_a_log_in_a_folder_of_any_name_is_a_log_with_its_empty_last_file(root):
    elsewhere = (root / "commitlog").rename(root.parent / "elsewhere")
    (elsewhere / file_name(100 * SMALL_LOG)).write_bytes(bytes(SMALL_LOG))
    assert {row["what"] for row in dumped(elsewhere)} == {"commit log"}


def test_slots_of_an_index_may_be_given_and_must_fit(tmp_path):
    file = min((golden_store("4.9.7-clean", tmp_path) / "index").iterdir())
    assert dumped(file, "--slots", "500") == dumped(file)
    done = run("dump", str(file), "--slots", "501")
    assert done.exit_code == 1
    assert "maxHashSlotNum must be another number" in done.stderr


def test_an_index_whose_slots_cannot_be_told_asks_for_them(tmp_path):
    file = min((golden_store("4.9.7-clean", tmp_path) / "index").iterdir())
    overwrite(file, 16, b"\0\0\0\0\0\0\0\1")  # where its first record starts
    done = run("dump", str(file))
    assert done.exit_code == 1
    assert "give its broker's maxHashSlotNum as --slots" in done.stderr


class CountingShelf(HostShelf):
    """Counts the bytes that are asked for."""

    asked = 0

    def read(self, path, offset, size):
        self.asked += size
        return super().read(path, offset, size)


def test_an_index_of_the_default_proportion_is_read_without_a_search(tmp_path):
    """A file of RocketMQ's own size, of which almost nothing is on the disk."""
    slots, entries, at = 5_000_000, 20_000_000, 1_700_000_000_000
    file = tmp_path / "20231114221320000"
    with file.open("wb") as out:
        out.truncate(40 + 4 * slots + 20 * entries)
    overwrite(file, 0, struct.pack(">qqqqii", at, at, 77, 77, 1, 2))
    overwrite(file, 40 + 4 * 6, struct.pack(">i", 1))
    overwrite(file, 40 + 4 * slots + 20, struct.pack(">iqii", slots + 6, 77, 0, 0))
    shelf = CountingShelf(tmp_path)
    assert shape_of(shelf, file.name) == Shape(slots, entries)
    assert shelf.asked < 1000
    (tmp_path / "index").mkdir()
    header, slot, entry = dumped(file.rename(tmp_path / "index" / file.name))
    assert (header["slots"], header["entries"]) == (slots, entries)
    assert (slot["slot"], slot["newest_index"]) == (6, 1)
    assert (entry["slot"], entry["physical_offset"]) == (6, 77)


def test_an_index_entry_that_the_header_does_not_know_yet_is_shown(tmp_path):
    file = max((golden_store("4.9.7-clean", tmp_path) / "index").iterdir())
    every = dumped(file, "--slots", "500", "--last", "3")
    overwrite(file, 36, struct.pack(">i", every[-1]["index"]))  # of the next entry
    assert dumped(file, "--slots", "500", "--last", "3")[1:] == every[1:]


def test_an_empty_index_has_a_header_and_no_shape(tmp_path):
    (tmp_path / "index").mkdir()
    file = tmp_path / "index" / "20231114221320000"
    file.write_bytes(struct.pack(">qqqqii", 0, 0, 0, 0, 0, 1) + bytes(500))
    (header,) = dumped(file)
    assert header["slots"] is header["entries"] is None


def test_lock_and_abort_are_rows_even_where_they_are_empty(tmp_path):
    (tmp_path / "abort").touch()
    (tmp_path / "lock").write_text("lock")
    abort, lock = dumped(tmp_path, "--all")
    assert (abort["kind"], abort["content"]) == ("abort", "")
    assert (lock["kind"], lock["content"]) == ("lock", "lock")


def test_a_checkpoint_elsewhere_must_have_times_to_be_one(tmp_path):
    content = TIMES.pack(1_700_000_000_000, 1_700_000_000_000, 0)
    (tmp_path / "some").write_bytes(content.ljust(FILE_BYTES, b"\0"))
    (row,) = dumped(tmp_path / "some")
    assert row["physic_msg_timestamp"] == 1_700_000_000_000


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path):
    assert run("dump", str(tmp_path / "nosuch")).exit_code == EX_USAGE


def test_a_file_that_may_not_be_read_is_named(root, monkeypatch):
    def refuse(shelf, path, offset, size):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(HostShelf, "read", refuse)  # root may read everything
    done = run("dump", str(root / "commitlog"))
    assert done.exit_code == 1
    assert f"cannot read {log_files(root)[0]}: Permission denied" in done.stderr


def test_a_disk_that_fails_while_it_is_read_has_its_file_named(root, monkeypatch):
    class Failing(io.BytesIO):
        def read(self, size):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "open", lambda path, mode: Failing())
    done = run("dump", str(root / "commitlog"))
    assert done.exit_code == 1
    assert f"cannot read {log_files(root)[0]}: Input/output error" in done.stderr


def test_what_is_neither_file_nor_folder_is_wrong_usage_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert run("dump", str(tmp_path / "pipe")).exit_code == EX_USAGE


def test_a_range_that_holds_nothing_is_wrong_usage(root):
    log = str(root / "commitlog")
    assert run("dump", log, "--from", "5", "--to", "6").exit_code == 0
    done = run("dump", log, "--from", "5", "--to", "5")
    assert done.exit_code == EX_USAGE
    assert "--to 5 is not behind --from 5" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["dump", "verify"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_output_that_is_full_is_one_line_and_no_traceback(command, form, root):
    call = [sys.executable, "-m", "rmqlab.cli", command, str(root), *form]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            call, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == ("Error: the output took no more: No space left on device\n")
