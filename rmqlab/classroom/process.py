"""One process of a local node, as the owner of its cluster has it.

    owner ── stdin ──► {"address": …}  who it is: it starts
                       {"faults": …}   what is wrong with its network and disk from now
    owner ◄── pipe ─── {"event": "usable"}, … {"event": "obeyed"}

Not here: what the process does with that (`node`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from rmqlab.classroom.faults import OBEYED, Faults
from rmqlab.classroom.runtime import Changed, NodeState, State
from rmqlab.classroom.topology import Node

OBEY_S = 5.0
"""A node that takes longer is busy or stuck: the faults reach it later."""


class Process:
    """One process of a node, from its spawning to its end."""

    def __init__(self, node: Node, log_dir: Path) -> None:
        self.node, self.has_started = node, False
        self.is_expected: State = "failed"
        self.is_paused = False
        self.console = log_dir / "console.txt"
        log_dir.mkdir(parents=True, exist_ok=True)
        read_end, write_end = os.pipe()
        with self.console.open("ab") as console:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "rmqlab.classroom.node", str(write_end)],
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=subprocess.STDOUT,
                pass_fds=[write_end],
                start_new_session=True,
                cwd=str(log_dir),
            )
        os.close(write_end)
        self.pid = self._popen.pid
        self._facts = asyncio.ensure_future(_lines(read_end))
        self._end: asyncio.Task[int] | None = None
        self._following: asyncio.Task[None] | None = None
        self._obeyed = asyncio.Event()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._popen.poll()

    async def go(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Let it start; return the first thing that it tells."""
        self.has_started = True
        self._say(spec)
        reader = await self._facts
        while line := await reader.readline():
            fact: dict[str, Any] = json.loads(line)
            if not self._is_answer(fact):
                return fact
        return {"event": "failed"}

    def _say(self, what: dict[str, Any]) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.write(json.dumps(what).encode() + b"\n")
            self._popen.stdin.flush()

    async def bring(self, faults: Faults) -> None:
        """Tell it the faults; return once it has obeyed, at once if it is paused."""
        if not self.has_started or self.exit_code is not None:
            return
        self._obeyed.clear()
        self._say({"faults": faults.to_json()})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self.is_paused else OBEY_S):
                await self._obeyed.wait()

    def _is_answer(self, fact: dict[str, Any]) -> bool:
        """Whether it says that it has obeyed, and nothing of its state."""
        if fact["event"] == OBEYED:
            self._obeyed.set()
        return bool(fact["event"] == OBEYED)

    def watch(self, state: NodeState, changed: Changed) -> None:
        """Tell what it tells from now on, and how it ends."""

        async def follow() -> None:
            reader = await self._facts
            async for line in reader:
                fact = json.loads(line)
                if self._is_answer(fact):
                    continue
                state.state, state.why = fact["event"], fact.get("why", "")
                changed(state, state.state)
            code = await self.ended()
            state.state, state.pid = self.is_expected, None
            state.why = "" if self.is_expected != "failed" else f"exit code {code}"
            changed(state, f"{state.state} {state.why}".strip())

        self._following = asyncio.create_task(follow())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a process that may be gone."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    async def gone(self) -> None:
        """Return once it has ended and that was told."""
        await self.ended()
        if self._following is not None:
            await asyncio.shield(self._following)

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        if self._end is None:
            self._end = asyncio.create_task(asyncio.to_thread(self._popen.wait))
        return await asyncio.shield(self._end)


async def _lines(descriptor: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
