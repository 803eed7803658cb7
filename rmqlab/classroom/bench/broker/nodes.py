"""A name server and a broker as processes of their own, from start to end."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from rmqlab.classroom.bench import node
from rmqlab.classroom.bench.ports import HOST, Ports


class Nodes(NamedTuple):
    """Where both are."""

    name_server: str
    broker: str
    processes: dict[str, Process]

    def memory(self, name: str) -> float:
        """Return a node's resident memory in MB (a million bytes)."""
        return node.memory(self.processes[name])

    def processor_s(self, name: str) -> float:
        """Return how long a node has had a processor, in seconds."""
        return node.processor_s(self.processes[name])


@asynccontextmanager
async def running(folder: Path, topics: Iterable[str] = ()) -> AsyncIterator[Nodes]:
    """Run both with a store below `folder`; the broker has `topics` from the start.

    Raises:
        BenchError: a node did not start; the text has what it said.
    """
    claimed = Ports(2)
    ports = claimed.numbers
    name_server, broker = f"{HOST}:{ports[0]}", f"{HOST}:{ports[1]}"
    processes: dict[str, Process] = {}
    try:
        _write(folder, ports, topics)
        for name in ("namesrv", "broker"):
            processes[name] = await node.start(name, folder / f"{name}.properties")
        yield Nodes(name_server, broker, processes)
    finally:
        for process in reversed(processes.values()):
            await node.end(process)
        claimed.close()


def _write(folder: Path, ports: list[int], topics: Iterable[str]) -> None:
    folder.mkdir()
    node.write_settings(folder / "namesrv.properties", {"listenPort": ports[0]})
    settings = {
        "brokerName": "broker-a",
        "brokerIP1": HOST,
        "listenPort": ports[1],
        "namesrvAddr": f"{HOST}:{ports[0]}",
        "storePathRootDir": folder / "store",
    }
    node.write_settings(folder / "broker.properties", settings)
    node.write_topics(folder / "store", topics)
