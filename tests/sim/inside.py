"""A simulation run from plain code and inside a task; says that both were left alone.

In Pyodide, a script's plain code is inside a task already.
"""

from __future__ import annotations

import asyncio
import contextlib

from rmqlab.sim.machine import Simulation


def around() -> tuple[object, object]:
    """Return the running loop and its current task, if there are any."""
    try:
        return asyncio.get_running_loop(), asyncio.current_task()
    except RuntimeError:
        return None, None


async def work(outer: tuple[object, object]) -> str:
    """Be in another loop and task than who waits for us."""
    await asyncio.sleep(1.0)
    assert not set(around()) & {*outer, None}
    return "worked"


async def fail() -> None:
    """Fail in the middle of a turn."""
    await asyncio.sleep(1.0)
    raise LookupError


def simulate(where: str) -> None:
    """Do, fail, kill and step; find loop and task as they were after each."""
    outer = around()
    with Simulation(seed=1) as simulation:
        process = simulation.machine("host", "10.0.0.1").process("node")
        assert simulation.complete(process, work(outer)) == "worked"
        assert around() == outer
        with contextlib.suppress(LookupError):
            simulation.complete(process, fail())
        assert around() == outer
        process.start(work(outer))
        assert simulation.step()
        process.kill()
        assert around() == outer
    print(where, simulation.now_s)


async def task() -> None:
    """Simulate inside a task, and between two waits of it."""
    await asyncio.sleep(0)
    simulate("in a task")
    async with asyncio.timeout(60):
        await asyncio.sleep(0)


simulate("in plain code")
if around() == (None, None):
    asyncio.run(task())
else:
    simulate("in a task")
