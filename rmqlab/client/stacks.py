"""Where the tasks of a client's loop stand: what ``consumerStatus -s`` asks for.

    ConsumeMessageThread_7    TID: 12 STATE: WAITING
    ConsumeMessageThread_7    Event.wait(locks.py:213)
    ConsumeMessageThread_7    handle(kitchen.py:4)

Innermost first, as Java prints its threads; a task is what a thread is there.

Source: UtilAll.jstack, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from types import CoroutineType
from typing import Any

HEADING = "%-40sTID: %d STATE: %s"
FRAME = "%-40s%s"


def of_this_loop() -> str:
    """Return the stacks of all tasks of the running loop; the caller's runs."""
    return text(asyncio.all_tasks())


def text(tasks: Iterable[asyncio.Task[Any]]) -> str:
    """Return the stacks of tasks, by their names; each is followed by an empty line."""
    named = sorted(tasks, key=lambda task: task.get_name())
    return "".join(
        "".join(f"{line}\n" for line in _lines(number, task)) + "\n"
        for number, task in enumerate(named, 1)
    )


def _lines(number: int, task: asyncio.Task[Any]) -> Iterator[str]:
    name = task.get_name()
    is_running = task is asyncio.current_task(task.get_loop())
    yield HEADING % (name, number, "RUNNABLE" if is_running else "WAITING")
    for frame in reversed(list(_frames(task.get_coro()))):
        yield FRAME % (name, frame)


def _frames(awaited: Any) -> Iterator[str]:
    """Yield where a coroutine stands, then what it awaits, and so on inwards."""
    while isinstance(awaited, CoroutineType) and awaited.cr_frame:
        code, line = awaited.cr_code, awaited.cr_frame.f_lineno
        yield f"{code.co_qualname}({PurePath(code.co_filename).name}:{line})"
        awaited = awaited.cr_await
