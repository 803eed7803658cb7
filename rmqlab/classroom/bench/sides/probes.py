"""The probes of a cluster of six processes, whichever side it is.

starting   up, once                                                    s
sending    one mode, one load: each of its cells in turn               messages/s, ms
warmed     one cell, when the nodes have been busy for long            messages/s, ms
backlog    a load fills the topic, and a new group consumes all of it  messages/s, MB
passing    one message after the other, from the send to a listener    ms
outage     one sender, and a master is killed                          ms
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.bench.part import Sizes
from rmqlab.classroom.bench.replication.lag import late_one
from rmqlab.classroom.bench.sides import load
from rmqlab.classroom.bench.sides.cells import PLAIN, RATE, Cell, Mode, cells
from rmqlab.classroom.bench.sides.cluster import TOPIC, make_topic, started
from rmqlab.classroom.bench.sides.load import JAVA, Load
from rmqlab.classroom.runtime import Status

VICTIM = "broker-a"
STRUCK_AFTER = 3
"""A part in so many of an outage's time is over when the master is killed."""
READY, READY_WITHOUT_TLS = "started to usable", "started to usable, without TLS"
WARM, MOST = Cell(JAVA, 16, 128), 64
WARMED = {f"after a long load: {name}": unit for name, unit in WARM.units.items()}
CONSUMED = "{}: consumed from a backlog"
RESIDENT, OWN_PAGES = "{}: memory after it, RSS", "{}: memory after it, USS"
PASSED, PASSED_LATE = "{}: send to listener, median", "{}: send to listener, 99 of 100"
OUTAGE = "{}: a master killed, nothing acknowledged for"


def in_mode(mode: Mode, name: str) -> str:
    """Return the name of a cell's number in a mode."""
    return f"{mode}: {name}"


def units(mode: Mode, kind: str) -> dict[str, str]:
    """Return the numbers of all cells of a load in a mode, and what each counts."""
    return {
        in_mode(mode, name): unit
        for cell in cells(kind)
        for name, unit in cell.units.items()
    }


async def starting(
    runtime: str, starts: Mapping[str, str], folder: Path, sizes: Sizes
) -> dict[str, float]:
    """Start the six processes, once with the options for Java of each number."""
    found = {}
    for name, java in starts.items():
        async with started(runtime, PLAIN, folder, java) as cluster:
            assert cluster.cluster.startup_s is not None
            found[name] = cluster.cluster.startup_s
    return found


async def sending(
    runtime: str, mode: Mode, kind: str, folder: Path, sizes: Sizes
) -> dict[str, float]:
    """Take every cell of a load."""
    async with _loaded(runtime, mode, kind, folder) as (_, client):
        found = await sent(client, cells(kind), sizes["cell_ms"])
    return {in_mode(mode, name): value for name, value in found.items()}


async def sent(client: Load, every: list[Cell], millis: int) -> dict[str, float]:
    """Warm up by the last cell; then take each for so long."""
    found: dict[str, float] = {}
    for cell in (every[-1], *every):
        one = await client.send(TOPIC, cell.senders, cell.body_bytes, millis)
        values = one.per_second, one.median_ms, one.late_ms
        found |= zip(cell.units, values, strict=True)
    return found


async def warmed(runtime: str, folder: Path, sizes: Sizes) -> dict[str, float]:
    """Take one cell after a long load: what a JVM has compiled by then is much quicker.

    The other cells are of a cluster as a learner meets it, seconds after its start.
    """
    async with _loaded(runtime, PLAIN, JAVA, folder) as (_, client):
        await client.send(TOPIC, MOST, WARM.body_bytes, sizes["warm_ms"])
        one = await client.send(TOPIC, WARM.senders, WARM.body_bytes, sizes["cell_ms"])
    return dict(zip(WARMED, (one.per_second, one.median_ms, one.late_ms), strict=True))


async def backlog(
    runtime: str, kind: str, folder: Path, sizes: Sizes
) -> dict[str, float]:
    """Fill the topic, let a new group have it all, and look at the six processes."""
    count = sizes["backlog"]
    async with _loaded(runtime, PLAIN, kind, folder) as (cluster, client):
        await client.order("fill", TOPIC, count)
        took = await client.order("consume", TOPIC, count)
        resident, own_pages = memory_mb(await cluster.status())
    return {
        CONSUMED.format(kind): count / took["seconds"],
        RESIDENT.format(kind): resident,
        OWN_PAGES.format(kind): own_pages,
    }


def memory_mb(status: Status) -> tuple[float, float]:
    """Return what all nodes have resident, and how much of it they share with nobody.

    A million bytes is one.  What is mapped of files counts.
    """
    found = [psutil.Process(node.pid).memory_full_info() for node in status.nodes]
    return sum(one.rss for one in found) / 1e6, sum(one.uss for one in found) / 1e6


async def passing(
    runtime: str, kind: str, folder: Path, sizes: Sizes
) -> dict[str, float]:
    """Send one message after the other, each as soon as the one before has come."""
    async with _loaded(runtime, PLAIN, kind, folder) as (_, client):
        took = (await client.order("arrive", TOPIC, sizes["arrivals"]))["took_ms"]
    return {
        PASSED.format(kind): statistics.median(took),
        PASSED_LATE.format(kind): late_one(took),
    }


async def outage(
    runtime: str, kind: str, folder: Path, sizes: Sizes
) -> dict[str, float]:
    """Kill a master while one sender sends; return the longest time without a send."""
    millis = sizes["outage_ms"]
    async with _loaded(runtime, PLAIN, kind, folder) as (cluster, client):
        await client.send(TOPIC, 1, 128, millis // STRUCK_AFTER)
        seeing = asyncio.create_task(client.send(TOPIC, 1, 128, millis))
        await asyncio.sleep(millis / STRUCK_AFTER / 1000)
        await cluster.kill(VICTIM)
        return {OUTAGE.format(kind): (await seeing).longest_gap_ms}


@asynccontextmanager
async def _loaded(
    runtime: str, mode: Mode, kind: str, folder: Path
) -> AsyncIterator[tuple[AsyncCluster, Load]]:
    async with started(runtime, mode, folder) as cluster:
        await make_topic(cluster.name_servers)
        async with load.running(kind, cluster.name_servers, folder) as client:
            yield cluster, client


OTHERS = (
    (backlog, {CONSUMED: RATE, RESIDENT: "MB", OWN_PAGES: "MB"}),
    (passing, {PASSED: "ms", PASSED_LATE: "ms"}),
    (outage, {OUTAGE: "ms"}),
)
"""The probes that each load takes once, with their numbers and what these count."""
