"""The store that `filling` left, opened after a clean stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rmqlab.classroom.bench.part import BenchError, Sizes
from rmqlab.classroom.bench.store import shelf
from rmqlab.classroom.bench.store.filling import FOLDER
from rmqlab.classroom.bench.watch import Memory, Watch


def open_clean(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Open the store and stop it again."""
    store = shelf.store_in(folder / FOLDER)
    memory, opening = Memory(), Watch()
    with opening.running():
        store.open()
    if not store.log.end:
        raise BenchError("there is no store to open: was it filled?")
    once_open, added = memory.look(), memory.added()
    asyncio.run(store.close())
    return {
        "open after a clean stop": opening.seconds,
        "memory once open": once_open,
        "memory that opening adds": added,
    }
