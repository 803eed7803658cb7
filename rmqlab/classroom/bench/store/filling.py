"""Messages put and dispatched in turn, as in a broker under load."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.store import shelf
from rmqlab.classroom.bench.watch import Memory, Watch

FOLDER = "filled"
"""Of the store that the probes after this one open."""


def fill(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Fill the store that is opened and read later; leave it cleanly stopped."""
    memory = Memory()
    putting, dispatching = _fill(folder / FOLDER, sizes["messages"], memory)
    return {
        "appended": putting.rate(sizes["messages"]),
        "dispatched to queues and index": dispatching.rate(sizes["messages"]),
        "memory at most, filling": memory.most,
        "memory that filling adds": memory.added(),
    }


def fill_unindexed(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Fill a store that keeps no index."""
    count = sizes["unindexed"]
    _, dispatching = _fill(folder / "unindexed", count, Memory(), has_index=False)
    return {"dispatched to queues alone": dispatching.rate(count)}


def _fill(
    folder: Path, count: int, memory: Memory, *, has_index: bool = True
) -> tuple[Watch, Watch]:
    store = shelf.store_in(folder, message_index_enable=has_index)
    putting, dispatching = Watch(), Watch()
    store.open()
    for batch in shelf.batches(count):
        with putting.running():
            for one in batch:
                store.put(one)
        with dispatching.running():
            shelf.dispatch_all(store)
        memory.look()
    asyncio.run(store.close())
    return putting, dispatching
