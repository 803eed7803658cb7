"""`bench growth`: what a broker's work costs, by how much there is of something.

    topics        that the broker has                         10 … 10,000
    queues        that are sent to in turn                    8 … 8,000
    connections   that send at the same time                  1 … 2,000
    backlog       messages that wait, and are pulled          1,000 … 10,000,000
    slaves        that follow the master                      0 … 3

Each point has three numbers: the broker's processor time for a message, its memory
after that, and what else grows (`ALSO`).  Broker, name server and slaves are processes
of their own.  The processor's time counts, not the clock's, so that who asks is in
nobody's way.

Not here: what the course promises of one size (`broker`, `cluster`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rmqlab.classroom.bench.part import Better, Measure, NotHere, Part, Probe, Sizes

POINTS: Mapping[str, tuple[int, ...]] = {
    "topics": (10, 100, 1000, 10_000),
    "queues": (8, 80, 800, 8000),
    "connections": (1, 10, 100, 1000, 2000),
    "backlog": (10**3, 10**4, 10**5, 10**6, 10**7),
    "slaves": (0, 1, 2, 3),
}
ALSO = {
    "topics": ("a new topic, created to routable", "ms"),
    "queues": ("started anew", "s"),
    "connections": ("a send, median", "ms"),
    "backlog": ("started anew", "s"),
    "slaves": ("the slaves' processor time a message", "µs"),
}
COST, MEMORY = ("processor time a message", "µs"), ("memory", "MB")

MESSAGE_BYTES = 300
"""Of a message in log, queue and index."""
FILE_BYTES = 16_384
"""Of a queue or topic on the disk, its folder included."""
EMPTY_BYTES = 100_000_000
"""Of a store without a message, mostly the index's slots."""

Numbers = tuple[float, float, float]
Point = Callable[[Path, int, Sizes], Coroutine[Any, Any, Numbers]]


def kinds(dimension: str) -> tuple[tuple[str, str], ...]:
    """Return what is measured at each point of it: names and units."""
    return COST, MEMORY, ALSO[dimension]


def named(dimension: str, count: int, what: str) -> str:
    """Return the name of a number."""
    return f"{dimension} {count:,}: {what}"


def _measured(
    dimension: str, count: int, folder: Path, sizes: Sizes
) -> dict[str, float]:
    if count > sizes[f"most {dimension}"]:
        raise NotHere(f"a quick look goes up to {sizes[f'most {dimension}']:,}")
    point: Point = getattr(import_module(f"{__name__}.points"), dimension)
    values = asyncio.run(point(folder / f"{dimension}-{count}", count, sizes))
    names = (named(dimension, count, what) for what, _ in kinds(dimension))
    return dict(zip(names, values, strict=True))


def _probes() -> Iterator[Probe]:
    for dimension, counts in POINTS.items():
        for count in counts:
            measures = tuple(
                Measure(named(dimension, count, what), unit, Better.LOWER)
                for what, unit in kinds(dimension)
            )
            run = partial(_measured, dimension, count)
            yield Probe(f"{dimension} {count:,}", run, measures)


def _room(sizes: Sizes) -> int:
    messages = sizes["most backlog"] + 10 * sizes["sends"]
    files = sizes["most topics"] + sizes["most queues"]
    return 9 * EMPTY_BYTES + messages * MESSAGE_BYTES + files * FILE_BYTES


PART = Part(
    name="growth",
    about="a broker's cost by how much there is: ASYNC_MASTER, ASYNC_FLUSH, 128 bytes",
    probes=tuple(_probes()),
    sizes={"sends": 8000, "pulls": 500}
    | {f"most {name}": counts[-1] for name, counts in POINTS.items()},
    quick={"sends": 320, "pulls": 20}
    | {f"most {name}": counts[1] for name, counts in POINTS.items()},
    room=_room,
)
