"""An empty slave of a master that has a log already.

    slave   connects and says that it has nothing  ──► master, which stands still
    master  goes on; from here the time counts     ──► … until the slave has said it all

The log is written by a store of this process, and is one file: a new slave gets nothing
of the files before the last.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from rmqlab.classroom.bench.cluster import Cluster, until
from rmqlab.classroom.bench.part import BenchError, Sizes
from rmqlab.classroom.bench.replication.sending import BODY
from rmqlab.classroom.bench.store import shelf

LOOK_S = 0.020
AT_ONCE = 1000


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Fill a store, give it to a master, and start a slave."""
    return asyncio.run(_measure(folder / "catching-up", sizes["log_bytes"]))


async def _measure(folder: Path, log_bytes: int) -> dict[str, float]:
    async with Cluster(folder) as cluster:
        await fill(cluster.store("master"), log_bytes)
        await cluster.start_master("master")
        has = (await cluster.progress("master"))["end"]
        if has < log_bytes:
            raise BenchError(f"the master has {has} bytes of {log_bytes}")
        cluster.suspend("master")
        await cluster.start_slave("slave", "master")
        cluster.resume("master")
        began = time.perf_counter()
        await _until(cluster, "master", "acked", has)
        copied_s = time.perf_counter() - began
        await _until(cluster, "slave", "dispatched", has)
        readable_s = time.perf_counter() - began
    return {
        "copied to an empty slave": has / 1e6 / copied_s,
        "until its log has all": copied_s,
        "until all of it is readable": readable_s,
    }


async def fill(folder: Path, log_bytes: int) -> None:
    """Write a log of that length and a little more, and its queues and index."""
    store = shelf.store_in(folder)
    store.open()
    number = 0
    while store.log.end < log_bytes:
        store.put(replace(shelf.message(number), body=BODY))
        number += 1
        if number % AT_ONCE == 0:
            shelf.dispatch_all(store)
    shelf.dispatch_all(store)
    await store.close()


async def _until(cluster: Cluster, name: str, what: str, end: int) -> None:
    async def is_there() -> bool:
        return (await cluster.progress(name))[what] >= end

    await until(is_there, f"{name} that has {what} {end} bytes", LOOK_S)
