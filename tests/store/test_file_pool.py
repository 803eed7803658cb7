"""Never more files open than a bound, whatever is read, flushed or removed."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.store.file_pool import FilePool
from tests.simulated import disk, pass_time
from tests.store.shelf import DISK


def test_what_was_used_longest_ago_is_closed_and_opened_again(tmp_path):
    pool = FilePool(DISK, most=2)
    paths = [str(tmp_path / name) for name in "abc"]
    for number, path in enumerate(paths):
        pool.file(path, 10).write(number, b"x")
        assert len(pool) <= 2
    assert [pool.file(path, 10).read(0, 3) for path in paths] == [
        b"x\0\0",
        b"\0x\0",
        b"\0\0x",
    ]
    pool.close()
    assert len(pool) == 0


def test_a_removed_file_begins_anew(tmp_path):
    pool = FilePool(DISK)
    path = str(tmp_path / "one")
    pool.file(path, 4).write(0, b"old")
    pool.remove(path)
    pool.remove(path)
    assert pool.file(path, 4).read(0, 4) == bytes(4)
    pool.close()


@pytest.mark.simulated
async def test_a_file_is_not_closed_under_its_flush():
    disk().flush_s = 1.0
    pool = FilePool(disk().mount(), most=1)
    pool.file("/one", 4).write(0, b"safe")
    flushing = asyncio.ensure_future(pool.flush("/one", 4))
    await pass_time(0.5)
    pool.file("/two", 4).write(0, b"here")
    pool.file("/three", 4).write(0, b"here")
    pool.remove("/one")
    pool.close()
    await flushing
    assert len(pool) == 0
