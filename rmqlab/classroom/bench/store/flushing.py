"""A synchronous flush for each group: what producers that send at once share."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.store import shelf
from rmqlab.classroom.bench.watch import Watch


def flush(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Put group after group, each followed by a flush of the log."""
    return asyncio.run(_flush(folder / "flushed", sizes["groups"], sizes["group"]))


async def _flush(folder: Path, groups: int, group: int) -> dict[str, float]:
    store = shelf.store_in(folder)
    store.open()
    whole, flushes = Watch(), []
    for batch in shelf.batches(groups * group, at_once=group):
        flushing = Watch()
        with whole.running():
            for one in batch:
                store.put(one)
            with flushing.running():
                await store.flush_log()
        flushes.append(flushing.seconds * 1000)
    await store.close()
    return {
        "appended, flushed in groups": whole.rate(groups * group),
        "flush of a group, median": statistics.median(flushes),
        "flush of a group, 99 of 100": statistics.quantiles(flushes, n=100)[98],
    }
