"""Tests on virtual time: all nodes and clients of a test are in one simulated process.

Its machine is 127.0.0.1, its disk, clock and randomness are the simulation's.  For
machines that crash and networks that are cut, see `rmqlab.classroom.simulated`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC
from itertools import count
from typing import Any
from unittest.mock import patch

from rmqlab.client.place import Place
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.machine import Process, Simulation

HOST = "127.0.0.1"
LIMIT_S = 24 * 3600.0
FIRST_PORT = 10_000

_process: Process | None = None
_ports = iter(())


def here() -> Process | None:
    """Return the process that the running test is in; None on a real loop."""
    return _process


def next_port() -> int:
    """Return a port whose neighbours are free, too."""
    return next(_ports)


async def pass_time(seconds: float) -> None:
    """Let virtual time pass; on a real loop a test must not wait."""
    assert here(), "only a test marked `simulated` may let time pass"
    await asyncio.sleep(seconds)


def now_s() -> float:
    """Return virtual seconds since the test began."""
    return asyncio.get_running_loop().time()


def disk() -> MachineDisk:
    """Return the disk of the running test's machine."""
    process = here()
    assert process
    return process.machine.disk


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test on virtual time.

    What it started must have ended with it, and no exception may have been left
    uncaught.
    """
    global _process, _ports  # noqa: PLW0603
    simulation = Simulation()
    _process = simulation.machine("here", HOST).process("test")
    _ports = count(FIRST_PORT, 10)
    who = "test", 1, count()
    place = Place(_process.clock, _process.random, *who, UTC, _process.disk)
    try:
        with patch("rmqlab.client.instance.Place", lambda: place):
            simulation.complete(_process, test, LIMIT_S)
        left = _process.loop.explain()
        assert not left, left
        assert not _process.loop.failures
    finally:
        simulation.close()
        _process = None
