"""The disk of this machine: what it promises, and what its errors become."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from rmqlab.errors import DiskFull, StoreError, StoreLocked
from rmqlab.store import real_disk
from tests.store.shelf import (
    DISK,
    bodies,
    kill,
    letters,
    log_files,
    make_store,
    opened,
    record,
)


@pytest.fixture
def file(tmp_path):
    """An open file of 100 bytes."""
    opened = DISK.open(f"{tmp_path}/a/b/log", 100)
    yield opened
    opened.close()


def wait_until_flushed():
    """Return once the disk's thread has flushed what it was given."""
    DISK._flusher.submit(int).result()


def refuse(monkeypatch, name, number):
    """Have a call to the operating system fail."""

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(real_disk.os, name, fail)


def test_a_new_file_has_its_folders_its_size_and_only_zeroes(file, tmp_path):
    assert file.size == DISK.size(f"{tmp_path}/a/b/log") == 100
    assert file.read(0, 200) == bytes(100)


def test_what_was_written_is_read_and_nothing_else_changes(file):
    file.write(10, b"coffee")
    assert file.read(8, 10) == b"\0\0coffee\0\0"
    assert file.read(98, 10) == b"\0\0"
    assert file.size == 100


def test_what_is_cut_off_is_zeroes_and_the_file_keeps_its_size(file, tmp_path):
    file.write(0, b"x" * 100)
    file.cut(40)
    assert file.read(0, 100) == b"x" * 40 + bytes(60)
    assert DISK.size(f"{tmp_path}/a/b/log") == 100


@pytest.mark.parametrize("knows_holes", [True, False])
def test_all_that_lies_behind_a_cut_is_zeroes_wherever_it_is(
    tmp_path, monkeypatch, knows_holes
):
    if not knows_holes:
        monkeypatch.delattr(real_disk.os, "SEEK_DATA")
    monkeypatch.setattr(real_disk, "CUT_BYTES", 5000)
    file = DISK.open(f"{tmp_path}/log", 1 << 20)
    for at in (0, 4090, 70_000, 500_000, (1 << 20) - 1):
        file.write(at, b"x")
    file.cut(4000)
    assert file.read(0, 1 << 20) == b"x".ljust(1 << 20, b"\0")
    file.cut(1 << 20)
    file.close()


def test_a_cut_that_is_refused_leaves_the_file_its_size(file, tmp_path, monkeypatch):
    file.write(0, b"x" * 100)
    refuse(monkeypatch, "pwrite", errno.EFBIG)
    with pytest.raises(StoreError):
        file.cut(40)
    assert DISK.size(f"{tmp_path}/a/b/log") == 100


def test_a_file_that_is_there_keeps_its_size_and_its_bytes(tmp_path):
    (tmp_path / "log").write_bytes(b"coffee")
    file = DISK.open(f"{tmp_path}/log", 100)
    assert (file.size, file.read(0, 100)) == (6, b"coffee")
    file.close()


def test_a_write_that_goes_piece_by_piece_is_whole_in_the_end(file, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(
        real_disk.os, "pwrite", lambda fd, data, at: pwrite(fd, data[:3], at)
    )
    file.write(10, b"espresso")
    assert file.read(10, 8) == b"espresso"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_from_other_errors(file, monkeypatch, number):
    refuse(monkeypatch, "pwrite", number)
    with pytest.raises(DiskFull, match=r"cannot write .*/a/b/log at byte 7: "):
        file.write(7, b"x")


@pytest.mark.parametrize(
    ("name", "use", "why"),
    [
        ("pwrite", lambda file: file.write(7, b"x"), "cannot write .* at byte 7"),
        ("pread", lambda file: file.read(7, 1), "cannot read .* at byte 7"),
        ("lseek", lambda file: file.cut(7), "cannot cut .* at byte 7"),
    ],
)
def test_an_error_of_the_disk_names_file_place_and_cause(
    file, monkeypatch, name, use, why
):
    refuse(monkeypatch, name, errno.EIO)
    with pytest.raises(StoreError, match=why + ": Input/output error") as error:
        use(file)
    assert not isinstance(error.value, DiskFull)


async def test_a_flush_that_fails_is_an_error_that_names_the_file(file, monkeypatch):
    await file.flush()

    def fail(fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(real_disk, "_sync", fail)
    with pytest.raises(StoreError, match=r"cannot flush .*/a/b/log: Input/output"):
        await file.flush()


def test_a_file_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "a").write_text("no folder")
    with pytest.raises(StoreError, match=r"cannot open .*/a/log: "):
        DISK.open(f"{tmp_path}/a/log", 100)


def test_what_is_not_there_has_no_size_no_names_and_no_text(tmp_path):
    nothing = f"{tmp_path}/nothing"
    assert DISK.size(nothing) is None
    assert DISK.names(nothing) == []
    assert DISK.read_text(nothing) is None
    DISK.remove(nothing)


def test_the_names_in_a_folder_are_sorted(tmp_path):
    for name in ("b", "a", "10", "9"):
        (tmp_path / name).touch()
    assert DISK.names(str(tmp_path)) == ["10", "9", "a", "b"]
    DISK.remove(f"{tmp_path}/a")
    assert DISK.names(str(tmp_path)) == ["10", "9", "b"]


def test_a_text_that_is_replaced_stays_beside_the_new_one(tmp_path):
    path = f"{tmp_path}/config/topics.json"
    for text in ("one", "two", "größer"):
        DISK.replace_text(path, text)
        wait_until_flushed()
    assert DISK.read_text(path) == "größer"
    assert DISK.names(f"{tmp_path}/config") == ["topics.json", "topics.json.bak"]
    assert DISK.read_text(f"{path}.bak") == "two"


def test_a_text_that_cannot_be_replaced_is_still_in_place(tmp_path):
    path = f"{tmp_path}/topics.json"
    DISK.replace_text(path, "one")
    (tmp_path / "topics.json.tmp").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*topics.json: Is a dir"):
        DISK.replace_text(path, "two")
    assert DISK.read_text(path) == "one"


def test_a_lock_is_held_once_until_it_is_released(tmp_path):
    path = f"{tmp_path}/store/lock"
    held = DISK.lock(path)
    with pytest.raises(StoreLocked):
        DISK.lock(path)
    held.release()
    DISK.lock(path).release()
    assert DISK.read_text(path) == "lock"


def test_a_backup_stays_until_the_text_after_it_is_flushed(tmp_path, monkeypatch):
    path, fsync, flushed = f"{tmp_path}/topics.json", os.fsync, []

    def flush(fd):
        flushed.append(os.fstat(fd).st_ino)
        fsync(fd)

    DISK.replace_text(path, "safe")
    wait_until_flushed()
    refuse(monkeypatch, "fsync", errno.EIO)
    for text in ("unsafe", "newer"):
        DISK.replace_text(path, text)
        wait_until_flushed()
    assert (DISK.read_text(path), DISK.read_text(f"{path}.bak")) == ("newer", "safe")
    monkeypatch.setattr(real_disk.os, "fsync", flush)
    DISK.replace_text(path, "newest")
    wait_until_flushed()
    assert flushed == [one.stat().st_ino for one in (Path(path), tmp_path)]
    assert DISK.read_text(f"{path}.bak") == "safe"
    DISK.replace_text(path, "last")
    assert DISK.read_text(f"{path}.bak") == "newest"


def test_a_text_that_cannot_be_read_is_an_error_that_names_it(tmp_path):
    with pytest.raises(StoreError, match=f"cannot read {tmp_path}: Is a directory"):
        DISK.read_text(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "number", "kind"),
    [
        ("open", errno.EACCES, StoreError),
        ("open", errno.ENOSPC, DiskFull),
        ("pwrite", errno.ENOSPC, DiskFull),
    ],
)
def test_a_lock_that_cannot_be_made_is_no_other_brokers(
    tmp_path, monkeypatch, name, number, kind
):
    path = f"{tmp_path}/lock"
    refuse(monkeypatch, name, number)
    with pytest.raises(kind, match=rf"cannot lock {path}: ") as error:
        DISK.lock(path)
    assert not isinstance(error.value, StoreLocked)
    monkeypatch.undo()
    DISK.lock(path).release()


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EAGAIN, StoreLocked), (errno.ENOLCK, StoreError)]
)
def test_only_a_lock_that_somebody_holds_is_another_brokers(
    tmp_path, monkeypatch, number, kind
):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(real_disk.fcntl, "lockf", fail)
    with pytest.raises(StoreError) as error:
        DISK.lock(f"{tmp_path}/lock")
    assert type(error.value) is kind


@pytest.mark.parametrize(
    ("free", "available", "ratio"),
    [(1000, 1000, 0.0), (600, 600, 0.4), (600, 400, 0.5), (0, 0, 1.0), (999, 1, 0.5)],
)
def test_a_disk_is_as_full_as_df_says(tmp_path, monkeypatch, free, available, ratio):
    class Found:
        f_blocks, f_bfree, f_bavail = 1000, free, available

    asked = []
    monkeypatch.setattr(
        real_disk.os, "statvfs", lambda path: asked.append(path) or Found
    )
    assert DISK.used_ratio(f"{tmp_path}/not/made/yet") == ratio
    assert asked == [tmp_path]


def test_a_disk_that_cannot_be_asked_is_an_error_that_names_the_path(monkeypatch):
    refuse(monkeypatch, "statvfs", errno.EIO)
    with pytest.raises(StoreError, match="how full the disk of /data is: Input/output"):
        DISK.used_ratio("/data")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_really_full_is_told_as_such(monkeypatch):
    monkeypatch.setattr(real_disk.os, "ftruncate", lambda fd, size: None)
    file = DISK.open("/dev/full", 100)
    with pytest.raises(DiskFull, match="cannot write /dev/full at byte 0: No space le"):
        file.write(0, b"coffee")
    file.close()


def test_what_a_write_leaves_that_really_fails_half_way_is_gone(tmp_path):
    limit = 40_000  # of any file of this process: a write up to it is cut short there
    with opened(tmp_path) as store:
        store.put(record(b"first"))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(StoreError, match=r"cannot write .*File too large"):
                store.put(record(b"x" * 2 * limit))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        data = log_files(tmp_path)[0].read_bytes()
        assert not any(data[store.log.end :])
        store.put(record(b"second"))
        store.dispatch()
        assert bodies(store) == [b"first", b"second"]
    with opened(tmp_path) as again:
        assert again.found.damage is None
        assert bodies(again) == [b"first", b"second"]


def test_a_file_whose_maker_died_before_it_got_its_size_is_made_again(tmp_path):
    kill(tmp_path, *letters(b"ab"))
    for folder in ("commitlog", "consumequeue/orders/0"):
        file_bytes = next((tmp_path / folder).iterdir()).stat().st_size
        (tmp_path / folder / f"{file_bytes:020d}").touch()
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b"]
        big = record(b"x" * 400_000)
        for _ in range(3):  # the third is in the file after
            assert store.put(big).record
        assert store.log.end > 1 << 20


def test_a_file_that_was_cut_short_is_named_with_its_sizes(tmp_path):
    kill(tmp_path, *letters())
    with log_files(tmp_path)[0].open("r+b") as file:
        file.truncate(500)
    why = r"commitlog/0{20} has 500 bytes, the settings say 1048576"
    with pytest.raises(StoreError, match=why):
        make_store(tmp_path).open()
