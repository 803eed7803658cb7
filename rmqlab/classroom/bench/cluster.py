"""A name server and as many brokers as a probe starts, one after another."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import psutil

from rmqlab.classroom.bench import node
from rmqlab.classroom.bench.part import BenchError
from rmqlab.classroom.bench.ports import HOST, Ports
from rmqlab.client.admin import Admin

TOPIC = "bench"
MOST_BROKERS = 4
APART_S, LATE_S = 0.002, 600.0
PATIENT_MS = 60_000
"""A node that shares its cores may be slow; that is measured, and no failure."""


class Cluster:
    """Use it as an async context manager: it ends what it started."""

    def __init__(self, folder: Path, queues: int = 8) -> None:
        self.folder, self._queues = folder, queues
        self._claimed = Ports(1 + MOST_BROKERS)
        first, *self._free = self._claimed.numbers
        self.name_server = f"{HOST}:{first}"
        self.admin = Admin(self.name_server)
        self._ports: dict[str, int] = {}
        self._processes: dict[str, Process] = {}

    async def __aenter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)  # an earlier probe may have left its stores
        port = int(self.name_server.rpartition(":")[2])
        await self._start("namesrv", "namesrv", {"listenPort": port})
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.admin.instance.stop()
        for name, process in reversed(self._processes.items()):
            if process.returncode is None:
                self.resume(name)  # one that stands still does not end
            await node.end(process)
        self._claimed.close()

    def address(self, name: str) -> str:
        """Return where a broker answers."""
        return f"{HOST}:{self._ports[name]}"

    def store(self, name: str) -> Path:
        """Return the folder of a broker's store."""
        return self.folder / name

    async def start_master(self, name: str, role: str = "ASYNC_MASTER") -> None:
        """Start a master that has the topic."""
        node.write_topics(self.store(name), [TOPIC], self._queues)
        await self._start_broker(name, {"brokerName": name, "brokerRole": role})

    async def start_slave(self, name: str, master: str, broker_id: int = 1) -> None:
        """Start a slave of this master with an empty store.

        Where the master is, it learns from the name server, as it registers.
        """
        settings = {"brokerName": master, "brokerId": broker_id, "brokerRole": "SLAVE"}
        await self._start_broker(name, settings)

    async def start_pair(self, name: str, role: str = "ASYNC_MASTER") -> None:
        """Start a master and a slave of it, and wait until that is connected."""
        await self.start_master(name, role)
        await self.start_slave(f"slave-of-{name}", name)
        await self.until_followed(name)

    async def _start_broker(self, name: str, settings: dict[str, object]) -> None:
        self._ports[name] = self._free.pop()
        settings |= {
            "brokerIP1": HOST,
            "listenPort": self._ports[name],
            "namesrvAddr": self.name_server,
            "storePathRootDir": self.store(name),
            "slaveTimeout": PATIENT_MS,
        }
        await self._start(name, "broker", settings)

    async def _start(self, name: str, kind: str, settings: dict[str, object]) -> None:
        file = self.folder / f"{name}.properties"
        node.write_settings(file, settings)
        self._processes[name] = await node.start(kind, file)

    async def kill(self, name: str) -> None:
        """End a node at once, as the system does when memory is short."""
        self._processes[name].kill()
        await self._processes[name].wait()

    def suspend(self, name: str) -> None:
        """Let a node stand still: its connections stay, and nobody answers."""
        psutil.Process(self._processes[name].pid).suspend()

    def resume(self, name: str) -> None:
        """Let it go on."""
        psutil.Process(self._processes[name].pid).resume()

    async def progress(self, name: str) -> dict[str, int]:
        """Return how far a broker's log, queues and fastest slave are, in bytes."""
        told = await self.admin.runtime_info(self.address(name))
        end = int(told["commitLogMaxOffset"])
        return {
            "end": end,
            "dispatched": end - int(told["dispatchBehindBytes"]),
            "acked": int(told["haSlaveAckOffset"]),
            "slaves": int(told["haSlaveCount"]),
        }

    def memory(self, name: str) -> float:
        """Return a node's resident memory in MB (a million bytes)."""
        return node.memory(self._processes[name])

    def processor_s(self, name: str) -> float:
        """Return how long a node has had a processor, in seconds."""
        return node.processor_s(self._processes[name])

    async def until_followed(self, name: str, slaves: int = 1) -> None:
        """Wait until so many slaves of this master are connected."""

        async def is_followed() -> bool:
            return (await self.progress(name))["slaves"] >= slaves

        await until(is_followed, f"slave of {name}")

    async def until_routed(self, masters: int) -> None:
        """Wait until clients are told of so many masters."""

        async def is_routed() -> bool:
            route = await self.admin.route(TOPIC)
            return route is not None and len(route.queues) == masters

        await until(is_routed, f"route to {masters} masters")


async def until(
    holds: Callable[[], Awaitable[bool]], what: str, apart_s: float = APART_S
) -> float:
    """Ask again and again; return how many seconds that took.

    Raises:
        BenchError: it does not come to hold.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LATE_S):
            while not await holds():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(apart_s)
    except TimeoutError:
        raise BenchError(f"no {what} within {LATE_S:g} s") from None
    return time.perf_counter() - began
