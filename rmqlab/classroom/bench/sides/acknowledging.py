"""`bench floor`: the same loads, and a server that only acknowledges (`floor`)."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rmqlab.classroom.bench import node
from rmqlab.classroom.bench.part import Part, Sizes
from rmqlab.classroom.bench.ports import HOST
from rmqlab.classroom.bench.sides import load, probes, six
from rmqlab.classroom.bench.sides.cells import cells

COMMAND = (sys.executable, "-m", "rmqlab.classroom.bench.sides.floor")


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Run the server until the block ends; give its address."""
    process = await asyncio.create_subprocess_exec(*COMMAND, stdout=PIPE)
    assert process.stdout is not None
    try:
        yield f"{HOST}:{int(await process.stdout.readline())}"
    finally:
        await node.end(process)


async def sending(kind: str, folder: Path, sizes: Sizes) -> dict[str, float]:
    """Take every cell of a load."""
    async with serving() as address, load.running(kind, address, folder) as client:
        return await probes.sent(client, cells(kind), sizes["cell_ms"])


PART = Part(
    name="floor",
    about="a server that only acknowledges, under the same loads",
    probes=tuple(
        six.probe(
            kind,
            partial(sending, kind),
            {name: unit for one in cells(kind) for name, unit in one.units.items()},
            {},
        )
        for kind in load.LOADS
    ),
    sizes={"cell_ms": six.WHOLE["cell_ms"]},
    quick={"cell_ms": six.QUICK["cell_ms"]},
    room=lambda sizes: sizes["cell_ms"],
)
