"""A node's process, whatever runs in it, from its spawning to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rmqlab.classroom.runtime import Changed, NodeState, State
from rmqlab.classroom.topology import Node


class Program:
    """A process that its owner has started, in a session of its own."""

    has_started = True
    """Whether it is the node already, and does not wait to be told to be it."""

    def __init__(
        self,
        node: Node,
        log_dir: Path,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Collection[int] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.node = node
        self.is_expected: State = "failed"
        """What it will have become when it ends."""
        self.is_paused = False
        self.console = log_dir / "console.txt"
        log_dir.mkdir(parents=True, exist_ok=True)
        with self.console.open("ab") as console:
            self._popen = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                pass_fds=pass_fds,
                start_new_session=True,
                cwd=str(log_dir),
            )
        self.pid = self._popen.pid
        self._end: asyncio.Future[int] | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._popen.poll()

    @property
    def said_last(self) -> str:
        """The last line that it said, but of a stack trace, or with what it ended."""
        lines = self.console.read_text("utf-8", "replace").splitlines()
        told = [line for line in lines if line.strip() and not line[0].isspace()]
        return told[-1] if told else f"exit code {self.exit_code}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a process that may be gone."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def follow(self, telling: Coroutine[Any, Any, None]) -> None:
        """Have it told what becomes of it, from now to its end."""
        self._following = asyncio.create_task(telling)

    async def tell_end(self, state: NodeState, changed: Changed, why: str = "") -> None:
        """Wait for its end and tell it, and why if nobody has asked for it."""
        code = await self.ended()
        state.state, state.pid = self.is_expected, None
        failed = self.is_expected == "failed"
        state.why = (why or f"exit code {code}") if failed else ""
        changed(state, f"{state.state} {state.why}".strip())

    async def gone(self) -> None:
        """Return once it has ended and that was told."""
        await self.ended()
        if self._following is not None:
            await asyncio.shield(self._following)

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        if self._end is None:
            # A thread of its own: the loop has only a few, and a cluster many nodes.
            waiter = ThreadPoolExecutor(max_workers=1)
            loop = asyncio.get_running_loop()
            self._end = loop.run_in_executor(waiter, self._popen.wait)
            waiter.shutdown(wait=False)
        return await asyncio.shield(self._end)
