"""A name server and a broker as processes of their own, from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from rmqlab.boot import LOG_DIR_VARIABLE
from rmqlab.classroom.bench.part import BenchError
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable
from rmqlab.store.layout import StorePaths

HOST = "127.0.0.1"
READY_S = 120.0
END_S = 60.0
LOWEST_PORT, HIGHEST_PORT = 20_000, 31_000


class Nodes(NamedTuple):
    """Where both are."""

    name_server: str
    broker: str
    processes: dict[str, Process]

    def memory(self, name: str) -> float:
        """Return a node's resident memory in MB (a million bytes)."""
        process = psutil.Process(self.processes[name].pid)
        return float(process.memory_info().rss) / 1e6

    def processor_s(self, name: str) -> float:
        """Return how long a node has had a processor, in seconds."""
        used = psutil.Process(self.processes[name].pid).cpu_times()
        return float(used.user + used.system)


@asynccontextmanager
async def running(folder: Path, topics: Iterable[str] = ()) -> AsyncIterator[Nodes]:
    """Run both with a store below `folder`; the broker has `topics` from the start.

    Raises:
        BenchError: a node did not start; the text has what it said.
    """
    ports = free_ports()
    name_server, broker = f"{HOST}:{ports[0]}", f"{HOST}:{ports[1]}"
    _write(folder, ports, topics)
    processes: dict[str, Process] = {}
    try:
        for name in ("namesrv", "broker"):
            processes[name] = await _start(folder, name)
        yield Nodes(name_server, broker, processes)
    finally:
        for process in reversed(processes.values()):
            await _end(process)


def free_ports() -> tuple[int, int]:
    """Return two ports; those beside the second are free, too, as a broker needs."""
    found = []
    for port in range(LOWEST_PORT + os.getpid() % 1000 * 10, HIGHEST_PORT, 10):
        if all(map(_is_free, (port - 2, port, port + 1))):
            found.append(port)
        if len(found) == 2:
            return found[0], found[1]
    raise BenchError(f"no free ports on {HOST} from {LOWEST_PORT} to {HIGHEST_PORT}")


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _write(folder: Path, ports: tuple[int, int], topics: Iterable[str]) -> None:
    folder.mkdir()
    (folder / "namesrv.properties").write_text(f"listenPort={ports[0]}\n", "utf-8")
    settings = {
        "brokerName": "broker-a",
        "brokerIP1": HOST,
        "listenPort": ports[1],
        "namesrvAddr": f"{HOST}:{ports[0]}",
        "storePathRootDir": folder / "store",
    }
    lines = "".join(f"{key}={value}\n" for key, value in settings.items())
    (folder / "broker.properties").write_text(lines, "utf-8")
    table = TopicTable(
        DataVersion(1, 1), {one: TopicConfig(one, 8, 8) for one in topics}
    )
    file = Path(StorePaths(str(folder / "store"), "").config("topics.json"))
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(table.to_json()), "utf-8")


async def _start(folder: Path, name: str) -> Process:
    command = [sys.executable, "-m", f"rmqlab.{name}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "-c",
        str(folder / f"{name}.properties"),
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {LOG_DIR_VARIABLE: str(folder / "logs")},
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
        raise BenchError(f"the {name} did not start: {said.decode(errors='replace')}")
    return process


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), END_S)
    except TimeoutError:
        process.kill()
        await process.communicate()
