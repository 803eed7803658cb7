"""A task of a simulated process: same order in every run, and an end at any line.

Not here: the loop that it runs on (`loop`); `asyncio.as_completed` of coroutines, which
makes tasks of them in the order of a set: give it tasks.
"""

from __future__ import annotations

import asyncio
import linecache
from collections.abc import Coroutine
from typing import Any

MOST_AWAITS_ON_THE_WAY_OUT = 100


class SimTask(asyncio.Task[Any]):
    """A task that hashes by a serial number.

    Task groups keep their tasks in a set and cancel them in its order: by address in
    memory that would differ from run to run.
    """

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], serial: int, **options: Any
    ) -> None:
        self.serial = serial
        super().__init__(coroutine, **options)
        # A simulation that nobody needs any more ends in the middle of everything.
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self.serial

    __eq__ = object.__eq__

    def unwind(self) -> None:
        """Close the coroutine, however often it awaits something on its way out."""
        coroutine: Any = self.get_coro()
        for _ in range(MOST_AWAITS_ON_THE_WAY_OUT):
            try:
                coroutine.close()
            except RuntimeError:  # it awaited once more instead of ending
                continue
            except Exception:  # noqa: BLE001, S110
                pass  # of a process that is dead: nobody is left to be told
            return

    def whereabouts(self) -> str:
        """Return its name and the line of ours, not asyncio's, that it waits at."""
        coroutine: Any = self.get_coro()
        found = None
        while frame := getattr(coroutine, "cr_frame", None):
            module = frame.f_globals.get("__name__", "?")
            if found is None or not module.startswith("asyncio."):
                found = module, frame.f_code, frame.f_lineno
            coroutine = coroutine.cr_await
        if found is None:
            return f"{self.get_name()} is at its end"
        module, code, line = found
        text = linecache.getline(code.co_filename, line).strip()
        return f"{self.get_name()} waits in {module}.{code.co_qualname}: {text}"
