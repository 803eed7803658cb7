"""A node as a process of its own: its files and ports, its start, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from rmqlab.boot import LOG_DIR_VARIABLE
from rmqlab.classroom.bench.part import BenchError
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable
from rmqlab.store.layout import StorePaths

READY_S = 120.0
END_S = 60.0


def write_settings(file: Path, settings: Mapping[str, object]) -> None:
    """Write a node's `.properties`."""
    lines = "".join(f"{key}={value}\n" for key, value in settings.items())
    file.write_text(lines, "utf-8")


def write_topics(store: Path, topics: Iterable[str], queues: int = 8) -> None:
    """Write the topics that the broker of this store has from the start."""
    table = TopicTable(
        DataVersion(1, 1), {one: TopicConfig(one, queues, queues) for one in topics}
    )
    file = Path(StorePaths(str(store), "").config("topics.json"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(table.to_json()), "utf-8")


async def start(kind: str, settings: Path) -> Process:
    """Run a `namesrv` or `broker` with these settings until it says it is up.

    Raises:
        BenchError: it did not start; the text has what it said.
    """
    command = [sys.executable, "-m", f"rmqlab.{kind}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "-c",
        str(settings),
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {LOG_DIR_VARIABLE: str(settings.with_suffix(".logs"))},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            while b"boot success" not in (line := await process.stdout.readline()):
                if not line:
                    break
    except TimeoutError:
        line = b""
    if not line:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            process.kill()
        _, said = await process.communicate()
        raise BenchError(f"the {kind} did not start: {said.decode(errors='replace')}")
    return process


def memory(process: Process) -> float:
    """Return its resident memory in MB (a million bytes)."""
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


def processor_s(process: Process) -> float:
    """Return how long it has had a processor, in seconds."""
    used = psutil.Process(process.pid).cpu_times()
    return float(used.user + used.system)


async def end(process: Process) -> None:
    """Stop it, with force where it does not end by itself."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), END_S)
    except TimeoutError:
        process.kill()
        await process.communicate()
