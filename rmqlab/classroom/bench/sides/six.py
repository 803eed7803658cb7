"""The part of a side that is a cluster: its probes and their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes
from rmqlab.classroom.bench.sides import probes
from rmqlab.classroom.bench.sides.cells import MODES, RATE, SIZES, cells
from rmqlab.classroom.bench.sides.load import JAVA, LOADS

WHOLE = {
    "cell_ms": 2000,
    "warm_ms": 20_000,
    "backlog": 200_000,
    "arrivals": 1000,
    "outage_ms": 6000,
}
QUICK = {
    "cell_ms": 100,
    "warm_ms": 500,
    "backlog": 1000,
    "arrivals": 10,
    "outage_ms": 600,
}
EMPTY_BYTES = 100_000_000
"""Of a store without a message, mostly the index's slots."""
STORES, COPIES = 4, 2
MOST_A_MS, EXTRA_BYTES = 15, 500
"""More messages than anybody takes in a millisecond; what comes to a body on disk."""

Values = Awaitable[Mapping[str, float]]
Targets = Mapping[str, float]


def room(sizes: Sizes) -> int:
    """Return what the largest probe takes on the disk at most, in bytes."""
    of_a_ms = sum(one.body_bytes + EXTRA_BYTES for one in cells(JAVA)) * MOST_A_MS
    warming = sizes["warm_ms"] * MOST_A_MS * (SIZES[0] + EXTRA_BYTES)
    filled = sizes["backlog"] * (SIZES[0] + EXTRA_BYTES)
    return STORES * EMPTY_BYTES + COPIES * max(
        of_a_ms * sizes["cell_ms"], filled, warming
    )


def probe(
    name: str,
    work: Callable[[Path, Sizes], Values],
    units: Mapping[str, str],
    targets: Targets,
) -> Probe:
    """Return a probe that awaits `work`, with the unit of each of its numbers."""

    def run(folder: Path, sizes: Sizes) -> Mapping[str, float]:
        async def values() -> Mapping[str, float]:
            return await work(folder, sizes)

        return asyncio.run(values())

    measures = (
        Measure(
            one,
            unit,
            Better.HIGHER if unit == RATE else Better.LOWER,
            targets.get(one),
        )
        for one, unit in units.items()
    )
    return Probe(name, run, tuple(measures))


def part(
    name: str, about: str, runtime: str, starts: Mapping[str, str], targets: Targets
) -> Part:
    """Return the part of the clusters of a runtime; for `starts` see `starting`."""
    every = tuple(_probes(runtime, starts, targets))
    return Part(name, about, every, WHOLE, QUICK, room)


def _probes(
    runtime: str, starts: Mapping[str, str], targets: Targets
) -> Iterator[Probe]:
    start = partial(probes.starting, runtime, starts)
    yield probe("starting", start, dict.fromkeys(starts, "s"), targets)
    for kind in LOADS:
        for mode in MODES:
            send = partial(probes.sending, runtime, mode, kind)
            yield probe(f"{mode}, {kind}", send, probes.units(mode, kind), targets)
        if kind == JAVA:  # a program of ours is as quick in its first second
            busy = partial(probes.warmed, runtime)
            yield probe("warmed", busy, probes.WARMED, targets)
        for work, units in probes.OTHERS:
            named = {one.format(kind): unit for one, unit in units.items()}
            done = partial(work, runtime, kind)
            yield probe(f"{work.__name__}, {kind}", done, named, targets)
