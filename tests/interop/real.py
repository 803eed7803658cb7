"""Real name servers, brokers and clients, and ours, as processes.

    async with name_server(OURS, tmp_path) as names:
        async with broker(release("4.9.7"), tmp_path, names) as theirs:
            async with LineClient(release("4.4.0"), tmp_path, names) as client:
                await client.ask("send", …)

Each has its folder below the one that is given: its home, its settings, its logs, its
store.  Each is in a process group of its own, and whatever becomes of the test, that is
ended in a bounded time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from rmqlab.classroom.release import MAINS, Release, write_logback
from tests.support import HOST, free_port

OURS = None
"""In place of a release: rmqlab's own name server or broker."""

BOOT_S, STOP_S = 90.0, 60.0
TAIL_LINES = 40
LINE_BYTES = 1 << 26
BROKER_NAME = "broker-a"

SMALL_STORE = {
    "mappedFileSizeCommitLog": 1 << 20,
    "mapedFileSizeCommitLog": 1 << 20,
    "mappedFileSizeConsumeQueue": 6000,
    "mapedFileSizeConsumeQueue": 6000,
    "maxHashSlotNum": 500,
    "maxIndexNum": 1000,
    "messageIndexSafe": "true",  # recovery then begins early enough for every key
    "cleanFileForciblyEnable": "false",  # however full this machine's disk is
    "diskMaxUsedSpaceRatio": 95,
    "brokerFastFailureEnable": "false",  # however busy its processors are
    "osPageCacheBusyTimeOutMills": 60_000,
    "transactionCheckInterval": 3_600_000,  # nobody asks about halves meanwhile
}
"""One file for all: 4.4 reads `maped…`, 4.9 `mapped…`, we read both."""

SMALL_INDEX = {
    "max_hash_slot_num": SMALL_STORE["maxHashSlotNum"],
    "max_index_num": SMALL_STORE["maxIndexNum"],
}
"""The same for a store of ours that no file describes."""


class Node:
    """A running process and what it printed last."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path) -> None:
        self.pid, self.port = process.pid, 0
        self._process, self._home = process, home
        self._said: deque[str] = deque(maxlen=TAIL_LINES)
        self._draining: asyncio.Task[None] | None = None

    async def booted(self, text: str) -> None:
        """Wait for the line with `text`; what comes after it is read and kept apart."""
        try:
            async with asyncio.timeout(BOOT_S):
                why = "" if await self._says(text) else "it ended"
        except TimeoutError:
            why = f"{BOOT_S} s have passed"
        if why:
            raise AssertionError(f"{why} without {text!r}:\n{self.report()}")
        self._draining = asyncio.create_task(self._drain())

    async def _says(self, text: str) -> bool:
        while line := (await self._process.stdout.readline()).decode():
            self._said.append(line)
            if text in line:
                return True
        return False

    async def _drain(self) -> None:
        async for line in self._process.stdout:
            self._said.append(line.decode())

    def report(self) -> str:
        """Return the last lines of output and logs, for who looks for the reason."""
        logs = map(_tail, sorted(self._home.rglob("*.log")))
        return "".join([*self._said, *logs])

    def signal(self, number: int) -> None:
        """Send a signal to the process and to what it started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(self.pid, number)

    async def stop(self) -> None:
        """Stop it in good order."""
        self.signal(signal.SIGTERM)
        await self._ended()

    async def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        await self._ended()

    async def _ended(self) -> None:
        async with asyncio.timeout(STOP_S):
            await self._process.wait()
            if self._draining:
                await self._draining


@asynccontextmanager
async def running(
    command: list[str], home: Path, boot_text: str = "boot success"
) -> AsyncIterator[Node]:
    """Run a node from its boot line on; it is killed if it still runs at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=home,
        env=environment(home),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    node = Node(process, home)
    try:
        await node.booted(boot_text)
        yield node
    finally:
        await node.kill()


def environment(home: Path) -> dict[str, str]:
    """Return this process' environment, with another home."""
    return os.environ | {
        "HOME": str(home),
        "ROCKETMQ_HOME": str(home),
        "RMQLAB_LOG_DIR": str(home / "logs"),
    }


def _command(release: Release | None, home: Path, node: str, path: Path) -> list[str]:
    """Return the command that runs a node of the release, or ours, by its file."""
    if release is None:
        return [sys.executable, "-m", f"rmqlab.{node}", "-c", str(path)]
    write_logback(home, node, home / "logs", "WARN")
    return release.command(home, MAINS[node], "-c", str(path))


def write_tools_conf(home: Path) -> None:
    """Write what mqadmin reads; 4.4 signs its requests by it, whoever looks at that."""
    write_logback(home, "tools", home / "logs", "WARN")
    (home / "conf" / "tools.yml").write_text(
        "accessKey: rocketmq2\nsecretKey: 12345678\n"
    )


def write_properties(path: Path, **settings: object) -> Path:
    """Write a node's file."""
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return path


def home_below(root: Path, name: str) -> Path:
    """Make a folder of its own for a process."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))


@asynccontextmanager
async def name_server(release: Release | None, root: Path) -> AsyncIterator[str]:
    """Run a name server of a release, or ours; yield its address."""
    home, port = home_below(root, "namesrv"), free_port()
    path = write_properties(home / "namesrv.properties", listenPort=port)
    command = _command(release, home, "namesrv", path)
    async with running(command, home):
        yield f"{HOST}:{port}"


@asynccontextmanager
async def broker(
    release: Release | None, root: Path, names: str, store: Path, **settings: Any
) -> AsyncIterator[Node]:
    """Run a broker of a release, or ours, on the store; its port is `port`."""
    home = home_below(root, "broker")
    port = int(settings.get("listenPort") or free_port())
    path = write_properties(
        home / "broker.properties",
        **broker_settings(names, port, store) | settings,
    )
    command = _command(release, home, "broker", path)
    async with running(command, home) as node:
        node.port = port
        yield node


def broker_settings(names: str, port: int, store: Path) -> dict[str, object]:
    """Return what the file of any broker holds, whoever runs it."""
    return {
        "brokerClusterName": "interop",
        "brokerName": BROKER_NAME,
        "brokerIP1": HOST,
        "brokerIP2": HOST,
        "listenPort": port,
        "namesrvAddr": names,
        "storePathRootDir": store,
        "storePathCommitLog": store / "commitlog",  # 4.4 would take ~/store's
        **SMALL_STORE,
    }


def _tail(log: Path) -> str:
    """Return a log's name and its last lines."""
    lines = log.read_text("utf-8", "replace").splitlines(keepends=True)
    return "".join([f"--- {log.name}\n", *lines[-TAIL_LINES:]])
