"""Where tasks stand, as text."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.client import stacks

pytestmark = pytest.mark.simulated


async def inner(event):
    await event.wait()


async def outer(event):
    await inner(event)


@asynccontextmanager
async def waiting():
    """Yield a task that waits two calls deep."""
    event = asyncio.Event()
    task = asyncio.create_task(outer(event), name="waits")
    await asyncio.sleep(0)
    yield task
    event.set()
    await task


async def test_a_stack_leads_from_what_is_awaited_to_where_it_began():
    async with waiting() as task:
        heading, *frames = stacks.text([task]).split("\n")
    assert heading.split() == ["waits", "TID:", "1", "STATE:", "WAITING"]
    assert [one.split(":")[0].split()[1:] for one in frames[:3]] == [
        ["Event.wait(locks.py"],
        ["inner(test_stacks.py"],
        ["outer(test_stacks.py"],
    ]
    assert frames[3:] == ["", ""]


async def test_all_tasks_of_the_loop_are_there_by_name_and_the_asking_one_runs():
    asyncio.current_task().set_name("asks")
    async with waiting():
        found = stacks.of_this_loop()
    states = [one.split() for one in found.splitlines() if "STATE" in one]
    assert [(one[0], one[-1]) for one in states] == [
        ("asks", "RUNNABLE"),
        ("waits", "WAITING"),
    ]
