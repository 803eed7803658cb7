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
import subprocess
import sys
from pathlib import Path
from typing import Any

from rmqlab.classroom.faults import OBEYED, Faults
from rmqlab.classroom.program import Program
from rmqlab.classroom.runtime import Changed, NodeState
from rmqlab.classroom.topology import Node

OBEY_S = 5.0
"""A node that takes longer is busy or stuck: the faults reach it later."""


class Process(Program):
    """A process of our own: it waits until it is told who it is."""

    def __init__(self, node: Node, log_dir: Path) -> None:
        read_end, write_end = os.pipe()
        command = [sys.executable, "-m", "rmqlab.classroom.node", str(write_end)]
        ends = (write_end,)
        super().__init__(node, log_dir, command, pass_fds=ends, stdin=subprocess.PIPE)
        os.close(write_end)
        self.has_started = False
        self._facts = asyncio.ensure_future(_lines(read_end))
        self._obeyed = asyncio.Event()

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
            await self.tell_end(state, changed)

        self.follow(follow())


async def _lines(descriptor: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
