"""What users of our client do: the scenarios of java/Scenarios.java, told in Python.

Each is a coroutine that is given the stage and returns the facts, the same ones that
the Java client's scenario returns.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tests.interop.python import asking, consuming, sending
from tests.interop.python.stage import BOUND_S, Stage

Scenario = Callable[[Stage], Awaitable[Any]]
ALL: dict[str, Scenario] = sending.ALL | consuming.ALL | asking.ALL


async def play(stage: Stage, names: Iterable[str]) -> dict[str, Any]:
    """Play scenarios, all at once; return by name what came of each."""
    known = [name for name in names if name in ALL]
    told = await asyncio.gather(*(_told(ALL[name], stage) for name in known))
    return dict(zip(known, told, strict=True))


async def _told(scenario: Scenario, stage: Stage) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BOUND_S):
            return {"facts": await scenario(stage)}
    except Exception:  # noqa: BLE001
        return {"error": traceback.format_exc()}
