"""Something a node does by itself: one step, again and again, until it is stopped.

A step does what is due now and returns.  It runs every `interval_s`, and earlier when
`wake` is called.  What it raises is logged and the next step comes as usual, so a
passing fault never ends a service; a fault that lasts is logged once, and its end.  A
test calls `step` and never starts the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from rmqlab.errors import RmqError

log = logging.getLogger(__name__)


class Service:
    """Base of a node's services."""

    interval_s: float | None = None
    """Longest pause between steps; None: only when woken."""
    first_s: float | None = None
    """Pause before the first step where it differs."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault = ""
        """What the last step said that failed."""

    async def step(self) -> None:
        """Do what is due."""
        raise NotImplementedError

    def wake(self) -> None:
        """Have the next step come at once."""
        self._woken.set()

    def start(self) -> None:
        """Start to step."""
        name = type(self).__name__
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name)

    async def _run(self) -> None:
        pause = self.interval_s if self.first_s is None else self.first_s
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            self._woken.clear()
            await self._step()
            pause = self.interval_s

    async def _step(self) -> None:
        name, fault = type(self).__name__, ""
        try:
            await self.step()
        except RmqError as error:  # said in words: no traceback
            fault = f"{type(error).__name__}: {error}"
            if fault != self._fault:
                log.error("step failed service=%s %s", name, fault)  # noqa: TRY400
        except Exception as error:
            fault = repr(error)
            log.exception("step failed service=%s", name)
        if self._fault and not fault:
            log.info("step works again service=%s", name)
        self._fault = fault

    async def stop(self) -> None:
        """Stop stepping, in the middle of a step if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
