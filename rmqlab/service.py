"""Something a node does by itself: one step, again and again, until it is stopped.

A step does what is due now and returns.  It runs every `interval_s`, and earlier when
`wake` is called.  What it raises is logged and the next step comes as usual, so a
passing fault never ends a service; one that lasts is logged every ten minutes.  A test
calls `step` and never starts the loop.
"""

from __future__ import annotations

import asyncio
import logging

from rmqlab.errors import RmqError

log = logging.getLogger(__name__)

SAID_AGAIN_S = 600.0


class Service:
    """Base of a node's services."""

    interval_s: float | None = None
    """Longest pause between steps; None: only when woken."""
    first_s: float | None = None
    """Pause before the first step where it differs."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault, self._silent_until = "", 0.0

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
            if self._woken.is_set():
                await asyncio.sleep(0)  # by its own step: others have their turn first
            await self._woken_within(pause)
            self._woken.clear()
            await self._step()
            pause = self.interval_s

    async def _woken_within(self, pause_s: float | None) -> None:
        """Wait until woken, by a clock of its own in the end.

        Half the price of `asyncio.timeout`, and the dispatcher steps often.
        """
        loop = asyncio.get_running_loop()
        clock = None if pause_s is None else loop.call_later(pause_s, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            if clock:
                clock.cancel()

    async def _step(self) -> None:
        try:
            await self.step()
        except RmqError as error:
            self._complain(f"{type(error).__name__}: {error}")
        except Exception:
            log.exception("step failed service=%s", type(self).__name__)

    def _complain(self, fault: str) -> None:
        """Log what is said in words, so without a traceback, and not too often."""
        now = asyncio.get_running_loop().time()
        if fault != self._fault or now >= self._silent_until:
            log.error("step failed service=%s %s", type(self).__name__, fault)
            self._fault, self._silent_until = fault, now + SAID_AGAIN_S

    async def stop(self) -> None:
        """Stop stepping, in the middle of a step if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
