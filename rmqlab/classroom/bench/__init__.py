"""Benchmarks: numbers of this machine, with their spread, to be compared later.

    part ──► rounds ──► result ──► table, JSON, ratios to an earlier run
     └ probes: each measures one thing and gives one or more numbers

A round takes every probe of every part once, in turn: what else the machine does
meanwhile then hits all of them, and the median is of moments that lie apart.  Each
part gets an empty folder in each round, which is gone afterwards, also on Ctrl-C.  A
number that cannot be had here has a reason in its place, and is not zero.

Read in this order: `part`, `rounds`, `own_process`, `result`, then a part (`store`).
A new part is a module with a `PART`, and its line in `PARTS`.

Not here: limits that a build fails on.  Speed is measured, never asserted.
"""

from __future__ import annotations

import importlib

from rmqlab.classroom.bench.part import Part
from rmqlab.errors import ConfigError

PARTS = {
    "store": "rmqlab.classroom.bench.store",
    "broker": "rmqlab.classroom.bench.broker",
    "replication": "rmqlab.classroom.bench.replication",
    "testing": "rmqlab.classroom.bench.testing",
    "client": "rmqlab.classroom.bench.client",
    "stages": "rmqlab.classroom.bench.stages",
    "cluster": "rmqlab.classroom.bench.sides.ours",
}
"""Which module has which part: one is imported only when it is measured."""
GROWTH = "growth"
LONG = {GROWTH: "rmqlab.classroom.bench.growth"}
"""Those that take very long, and so only where they are named."""
OTHER_SIDES = {
    "rocketmq": "rmqlab.classroom.bench.sides.rocketmq",
    "floor": "rmqlab.classroom.bench.sides.acknowledging",
}
"""Parts that say nothing of ours: measured where they are named, or asked for."""


def load(name: str) -> Part:
    """Return the part of this name.

    Raises:
        ConfigError: there is none.
    """
    every = PARTS | LONG | OTHER_SIDES
    if name not in every:
        known = ", ".join(every)
        raise ConfigError(f"there is no benchmark {name!r}: choose from {known}")
    found: Part = importlib.import_module(every[name]).PART
    return found
