"""RocketMQ's Java client, told what to do line by line (java/LineClient.java).

Or another of our Java programs that answers lines.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from rmqlab.classroom.release import Release
from tests.interop.real import (
    LINE_BYTES,
    STOP_S,
    environment,
    home_below,
    write_tools_conf,
)

ANSWER_S = 60.0


class LineClient:
    """One process of the Java client: `async with` starts and ends it."""

    def __init__(
        self,
        release: Release,
        root: Path,
        names: str,
        group: str = "readers",
        program: str = "LineClient",
    ) -> None:
        self._home = home_below(root, "client")
        write_tools_conf(self._home)
        self._command = release.command(self._home, program, names, group)

    async def __aenter__(self) -> Self:
        self._errors = (self._home / "errors.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._home,
            env=environment(self._home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            limit=LINE_BYTES,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        self._process.stdin.close()  # it ends when it has answered
        try:
            async with asyncio.timeout(0 if any(error) else STOP_S):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        finally:
            self._errors.close()

    async def ask(self, do: str, **what: Any) -> Any:
        """Return the answer to one request."""
        (answer,) = await self.ask_all([{"do": do, **what}])
        return answer

    async def ask_all(self, asked: Iterable[dict[str, Any]]) -> list[Any]:
        """Return the answers in order; the client works on them one by one."""
        asked = list(asked)
        writing = asyncio.create_task(self._write(asked))
        try:
            return [await self._answer(one) for one in asked]
        finally:
            writing.cancel()  # done, unless an answer was an error

    async def _write(self, asked: list[dict[str, Any]]) -> None:
        for one in asked:
            self._process.stdin.write(json.dumps(one).encode() + b"\n")
            await self._process.stdin.drain()

    async def _answer(self, asked: dict[str, Any]) -> Any:
        async with asyncio.timeout(ANSWER_S):
            line = await self._process.stdout.readline()
        answer = json.loads(line or b'{"error": "the client ended"}')
        if isinstance(answer, dict) and "error" in answer:
            said = (self._home / "errors.log").read_text("utf-8", "replace")[-2000:]
            raise AssertionError(f"{answer['error']} ({str(asked)[:200]})\n{said}")
        return answer
