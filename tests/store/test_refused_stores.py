"""Stores that cannot be opened: what is said, and that nothing is changed or kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rmqlab.errors import DiskFull, StoreError
from rmqlab.store.real_disk import RealDisk
from tests.store.shelf import (
    bodies,
    kill,
    letters,
    log_files,
    make_store,
    opened,
    stop,
)

FILE_BYTES = 1000
SMALL = {"mapped_file_size_commit_log": FILE_BYTES}


def test_a_file_of_another_size_is_refused_with_rocketmqs_words(tmp_path):
    stop(tmp_path, *letters())
    with pytest.raises(
        StoreError,
        match=r"0{20} has 1048576 bytes, the settings say 1000: length not matched "
        "message store config value, please check it manually",
    ):
        make_store(tmp_path, **SMALL).open()
    with opened(tmp_path) as store:  # it is not locked, and nothing was changed
        assert bodies(store) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("name", ["notes.txt", "1", f"{500:020d}", "²"])
def test_a_file_that_is_none_of_the_log_is_refused_and_named(tmp_path, name):
    stop(tmp_path, *letters(), **SMALL)
    (tmp_path / "commitlog" / name).write_bytes(bytes(FILE_BYTES))
    with pytest.raises(StoreError, match=f"{name} is no file of a store: move it"):
        make_store(tmp_path, **SMALL).open()


def test_a_log_that_lacks_a_file_is_refused_and_nothing_is_removed(tmp_path):
    stop(tmp_path, *letters(bytes(range(30))), **SMALL)
    lost = log_files(tmp_path)[1]
    lost.rename(tmp_path / "away")
    with pytest.raises(StoreError, match=f"commitlog lacks {lost.name}: "):
        make_store(tmp_path, **SMALL).open()
    (tmp_path / "away").rename(lost)
    with opened(tmp_path, **SMALL) as store:
        assert store.queues.max_offset("orders", 0) == 30


@pytest.mark.parametrize("name", ["notes", "-1", "1.bak"])
def test_a_folder_that_is_no_queue_is_refused_and_named(tmp_path, name):
    stop(tmp_path, *letters())
    (tmp_path / "consumequeue/orders" / name).mkdir()
    with pytest.raises(StoreError, match=rf"orders/{name} is no queue: move it"):
        make_store(tmp_path).open()


def test_a_file_amid_the_queues_is_refused_and_named(tmp_path):
    stop(tmp_path, *letters())
    (tmp_path / "consumequeue/notes.txt").write_text("buy milk")
    with pytest.raises(StoreError, match=r"cannot list .*notes.txt: Not a directory"):
        make_store(tmp_path).open()


def test_a_disk_full_while_queues_are_rebuilt_lets_go_of_the_store(tmp_path):
    class FullDisk(RealDisk):
        def open(self, path, size):
            if "consumequeue" in path:
                raise DiskFull(f"cannot open {path}: No space left on device")
            return super().open(path, size)

    kill(tmp_path, *letters())
    shutil.rmtree(tmp_path / "consumequeue")
    with pytest.raises(DiskFull):
        make_store(tmp_path, FullDisk()).open()
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"c"]


def test_a_store_that_does_not_open_leaves_no_file_open(tmp_path):
    stop(tmp_path, *letters(bytes(range(30))), **SMALL)
    (tmp_path / "consumequeue/orders/notes").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(StoreError):
        make_store(tmp_path, **SMALL).open()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
