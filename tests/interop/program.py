"""A program that runs to its end, within a bound, and must succeed."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

BOUND_S = 100.0


async def output_of(
    *command: str, env: Mapping[str, str], cwd: Path | None = None
) -> tuple[str, str]:
    """Return what it printed, and what it printed as errors."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(BOUND_S):
            said, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (command, errors.decode())
    return said.decode(), errors.decode()
