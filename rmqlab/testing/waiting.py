"""Waiting until something is so, as tests must: what is sent has not come yet."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

WITHIN_S = 10.0
EVERY_S = 0.01


def wait_for(
    condition: Callable[[], T], within_s: float = WITHIN_S, what: str = ""
) -> T:
    """Return what a condition gives, once that is true: messages that came, say.

    What it raises ends the wait.

    Raises:
        TimeoutError: it was never true; the text says what it gave at last.
    """
    end_s = time.monotonic() + within_s
    while not (given := condition()):
        if time.monotonic() > end_s:
            raise _never(what or condition, given, within_s)
        time.sleep(EVERY_S)
    return given


async def until(
    condition: Callable[[], T | Awaitable[T]],
    within_s: float = WITHIN_S,
    what: str = "",
) -> T:
    """Do the same as `wait_for` while others on this loop go on.

    Raises:
        TimeoutError: see `wait_for`.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not (given := await _given(condition)):
        if loop.time() > end_s:
            raise _never(what or condition, given, within_s)
        await asyncio.sleep(EVERY_S)
    return given


async def _given(condition: Callable[[], T | Awaitable[T]]) -> T:
    given: Any = condition()
    found: T = await given if inspect.isawaitable(given) else given
    return found


def _never(what: object, given: object, within_s: float) -> TimeoutError:
    name = getattr(what, "__qualname__", what)
    return TimeoutError(f"{name} gave {given!r} even after {within_s:g} s")
