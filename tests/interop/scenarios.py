"""What users of a client do, played once for each pair of server and client.

    play(server, client, folder, ["sync", "sql"])
      →  {"sync": {"facts": …}, "sql": {"error": …}, "connected": [0]}

All scenarios (java/Scenarios.java, and for our own client the package `python`) run at
once against one broker, for most of what they do is waiting.  The tests compare the
facts.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from rmqlab.classroom.release import Release
from tests.interop import python
from tests.interop.python.stage import on_stage
from tests.interop.real import (
    LINE_BYTES,
    broker,
    environment,
    home_below,
    name_server,
)

PLAY_S = 150.0
CONNECTED = "connected"
SETTINGS = {
    "messageDelayLevel": " ".join(["3s", "6s", *["1s"] * 16]),
    "transactionCheckInterval": 1000,
    "transactionTimeOut": 1000,
    "transactionCheckMax": 10_000,  # however late the first heartbeat is
    "enablePropertyFilter": "true",
}
QUICK = "-Drocketmq.client.rebalance.waitInterval=300"
"""Milliseconds: a share of queues may be waited for, twenty seconds may not."""

Told = dict[str, Any]


async def play(
    server: Release | None, client: Release | None, folder: Path, names: Iterable[str]
) -> Told:
    """Return by scenario its facts, or what was thrown; and which ports were used."""
    store = folder / "store"
    async with (
        name_server(server, folder) as servers,
        broker(server, folder, servers, store, **SETTINGS) as node,
    ):
        if client is None:
            return await _told_by_ours(servers, names, folder, node.port)
        start, *command = client.command(folder, "Scenarios", servers, *names)
        return await _told([start, QUICK, *command], folder, node.port)


async def _told_by_ours(
    servers: str, names: Iterable[str], folder: Path, port: int
) -> Told:
    async with on_stage(servers, folder) as stage:
        told = await python.play(stage, names)
        return told | {CONNECTED: _ports(os.getpid(), port)}


async def _told(command: list[str], folder: Path, port: int) -> Told:
    home = home_below(folder, "scenarios")
    with (home / "errors.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=home,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            limit=LINE_BYTES,
        )
    try:
        async with asyncio.timeout(PLAY_S):
            told = await _lines(process)
            told[CONNECTED] = _ports(process.pid, port)
            process.stdin.close()
            await process.wait()
    except (EOFError, TimeoutError) as error:
        said = (home / "errors.log").read_text("utf-8", "replace")[-2000:]
        raise AssertionError(f"{error!r}:\n{said}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return told


async def _lines(process: asyncio.subprocess.Process) -> Told:
    told: Told = {}
    while line := await process.stdout.readline():
        one = json.loads(line)
        if not one["scenario"]:
            return told
        told[one["scenario"]] = one
    raise EOFError(f"it ended after {sorted(told)}")


def _ports(pid: int, listening: int) -> list[int]:
    """Return to which of a broker's ports the process is connected, as differences."""
    found = psutil.Process(pid).net_connections("tcp")
    to = {one.raddr.port - listening for one in found if one.raddr}
    return sorted(to & {-2, 0})
