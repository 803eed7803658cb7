"""Stores of two lengths, opened after a crash: both should take the same time.

Their log files are small, so that there are some, and the last one is half full in
both: recovery reads from the last file on that the checkpoint vouches for.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.store import shelf
from rmqlab.classroom.bench.watch import Watch
from rmqlab.store.store import MessageStore


def open_few(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Open a store of few log files after a crash."""
    took_s = _open(folder / "few", sizes["few_files"], sizes["file_bytes"])
    return {"open after a crash, few log files": took_s}


def open_many(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Open a store of many log files after a crash."""
    took_s = _open(folder / "many", sizes["many_files"], sizes["file_bytes"])
    return {"open after a crash, many log files": took_s}


def _open(folder: Path, files: int, file_bytes: int) -> float:
    size = {"mapped_file_size_commit_log": file_bytes}
    store = shelf.store_in(folder, **size)
    store.open()
    _fill(store, files * file_bytes + file_bytes // 2)
    asyncio.run(store.close())
    died = shelf.store_in(folder, **size)
    died.open()
    died.abandon()  # all is on the disk, and nobody said so
    opening, found = Watch(), shelf.store_in(folder, **size)
    with opening.running():
        found.open()
    found.abandon()
    return opening.seconds


def _fill(store: MessageStore, end: int) -> None:
    """Put messages until the log is that long."""
    number = 0
    while store.log.end < end:
        store.put(shelf.message(number))
        number += 1
        if number % shelf.AT_ONCE == 0:
            shelf.dispatch_all(store)
