"""One broker in two halves: the master of one maker, its slave of the other.

    play(Makers(names, master, slave), folder, count)  →  {"alone": {…}, …}

    alone ─► slave comes ─► is paused ─► is killed under traffic ─► is back
      ─► master is killed under traffic ─► is back ─► a newcomer ─► master stops

The master waits for its slave (SYNC_MASTER) and both have small files, so that the log
goes over several.  A killed process leaves what it wrote: the kernel has it.
"""

from __future__ import annotations

import asyncio
import base64
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from rmqlab.classroom.release import Release
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import TopicRoute
from rmqlab.protocol.routing import GetRoute
from rmqlab.remoting import RemotingClient
from tests.interop.line_client import LineClient
from tests.interop.real import (
    BROKER_NAME,
    SMALL_STORE,
    Node,
    broker,
    name_server,
)
from tests.support import free_port, until

TOPIC, QUEUES, GROUP, COMMITTED = "Copied", 4, "readers", 3
BATCH, BODY_BYTES = 5, 200
BOUND_S, LOOK_AGAIN_S = 90.0, 0.2
FILE_BYTES = int(SMALL_STORE["mappedFileSizeCommitLog"])
SOON = {
    "haSendHeartbeatInterval": 500,  # a real slave's first report comes after that
    "syncFlushTimeout": 3000,  # how long a master waits for a slave: 4.4's key
    "slaveTimeout": 3000,  # and 4.9's
}


class Makers(NamedTuple):
    """Who runs what; None is rmqlab."""

    names: Release | None
    master: Release | None
    slave: Release | None
    client: Release


async def play(makers: Makers, folder: Path, count: int) -> dict[str, Any]:
    """Return what came to pass: statuses of sends, what was read, what differs."""
    async with (
        name_server(makers.names, folder) as names,
        LineClient(makers.client, folder, names, GROUP) as client,
    ):
        pair = Pair(makers, folder, names, client, count)
        await pair.play()
        return pair.told


class Pair:
    """A master and its slave, and a client that sends to them."""

    def __init__(
        self,
        makers: Makers,
        folder: Path,
        names: str,
        client: LineClient,
        count: int,
    ) -> None:
        self._makers, self._folder, self._names = makers, folder, names
        self._client, self._traffic = client, Traffic(client)
        self._part, self._port = count // 5, free_port()
        self._stores = [folder / name for name in ("master", "slave", "newcomer")]
        self.told: dict[str, Any] = {}

    async def play(self) -> None:
        """Let it all happen."""
        async with self._run_master() as master:
            await self._alone()
            async with self._run_slave() as slave:
                await self._together(slave)
                await self._under_traffic(slave, "slave killed")
            async with self._run_slave():
                await self._equal("the slave's return")
                self.told["slave is back"] = await self._traffic.send(self._part)
                await self._under_traffic(master, "master killed")
                async with self._run_master() as again:
                    await self._back()
                    await again.stop()
                await self._read_from_the_slave()

    def _run_master(self) -> AbstractAsyncContextManager[Node]:
        """Run it where the slave and the client have known it."""
        role = {"brokerRole": "SYNC_MASTER", "listenPort": self._port}
        return self._run(self._makers.master, 0, **role)

    def _run_slave(self) -> AbstractAsyncContextManager[Node]:
        return self._run(self._makers.slave, 1, brokerRole="SLAVE")

    def _run(
        self, maker: Release | None, number: int, **role: object
    ) -> AbstractAsyncContextManager[Node]:
        settings = {**SOON, "brokerId": number, **role}
        store = self._stores[number]
        return broker(maker, self._folder, self._names, store, **settings)

    async def _alone(self) -> None:
        await self._client.ask("create", like="TBW102", topic=TOPIC, queues=QUEUES)
        self.told["alone"] = await self._traffic.send(10 * BATCH)
        await self._client.ask("commit", **_queue(0), offset=COMMITTED)

    async def _together(self, slave: Node) -> None:
        await self._equal("the slave's coming")
        self.told["together"] = await self._traffic.send(self._part)
        slave.signal(signal.SIGSTOP)
        self.told["slave paused"] = await self._traffic.send(BATCH)
        slave.signal(signal.SIGCONT)
        await _until(self._has_tables)
        await self._equal("the pause")
        self.told["route"] = await _brokers(self._names)

    async def _under_traffic(self, node: Node, name: str) -> None:
        """Kill a node while a part of the messages is on its way."""
        sending = asyncio.create_task(self._traffic.send(self._part))
        await self._traffic.reached(self._part // 2)
        await node.kill()
        self.told[name] = await sending
        self.told[f"{name}, then"] = await self._traffic.send(BATCH)

    async def _back(self) -> None:
        """The master has come back: its slave finds it, the client sees everything."""
        await self._traffic.send_until_stored()
        await self._equal("the master's return")
        self.told["master is back"] = await self._traffic.send(self._part)
        await self._equal("the end")
        self.told["read"] = await self._traffic.compare(self._client)
        async with self._run(self._makers.master, 2, brokerRole="SLAVE"):
            await self._newcomer()

    async def _newcomer(self) -> None:
        """A slave of the other kind, with nothing: it is sent the last file."""
        master, newcomer = self._stores[0], self._stores[2]
        await _until(lambda: _log(newcomer) == _log(master, newest=1))
        self.told["newcomer begins"] = _log(newcomer)[0]

    async def _read_from_the_slave(self) -> None:
        """A client that has never seen the master reads what the slave has."""
        makers, folder = self._makers, self._folder
        async with LineClient(makers.client, folder, self._names, GROUP) as client:
            self.told["read from the slave"] = await self._traffic.compare(client)

    async def _equal(self, after: str) -> None:
        """Wait until both logs have the same bytes; or tell how far they are."""
        master, slave = self._stores[:2]
        try:
            await _until(lambda: _log(master) == _log(slave))
        except TimeoutError:
            found = [(start, len(data)) for start, data in map(_log, (master, slave))]
            raise AssertionError(f"after {after}: logs {found}") from None

    def _has_tables(self) -> bool:
        """Whether the slave has written down the topic and how far the group is."""
        config = self._stores[1] / "config"
        known = {"topics.json": TOPIC, "consumerOffset.json": f"{TOPIC}@{GROUP}"}
        files = [(config / name, word) for name, word in known.items()]
        return all(file.exists() and word in file.read_text() for file, word in files)


class Traffic:
    """Sends batches to the queues in turn, one at a time, and remembers their ids."""

    def __init__(self, client: LineClient) -> None:
        self._client, self._random = client, Random(7)
        self._sent = 0
        self._stored: list[list[str]] = [[] for _ in range(QUEUES)]
        self._ends = [0] * QUEUES
        self._moved = asyncio.Condition()

    async def send(self, count: int) -> dict[str, int]:
        """Send so many; return how many have which status; end at an error."""
        statuses: Counter[str] = Counter()
        for _ in range(0, count, BATCH):
            try:
                statuses[await self._batch()] += BATCH
            except AssertionError:
                statuses["error"] += BATCH
                break
        return dict(statuses)

    async def _batch(self) -> str:
        number = self._sent // BATCH % QUEUES
        self._sent += BATCH
        bodies = [self._random.randbytes(BODY_BYTES) for _ in range(BATCH)]
        messages = [{"body": _text(body), "properties": {}} for body in bodies]
        answer = await self._client.ask("send", **_queue(number), messages=messages)
        self._stored[number] += answer["id"].split(",")
        self._ends[number] = answer["offset"] + BATCH
        async with self._moved:
            self._moved.notify_all()
        return str(answer["status"])

    async def reached(self, more: int) -> None:
        """Wait until so many more have been sent."""
        goal = self._sent + more
        async with asyncio.timeout(BOUND_S), self._moved:
            await self._moved.wait_for(lambda: self._sent >= goal)

    async def send_until_stored(self) -> None:
        """Send until a master takes it."""
        async with asyncio.timeout(BOUND_S):
            while "error" in await self.send(BATCH):
                pass

    async def compare(self, client: LineClient) -> dict[str, int]:
        """Read all that was told to be stored; count what is not as it was told."""
        lost = doubled = 0
        for number, told in enumerate(self._stored):
            ids = await self._read(client, number)
            lost += len(set(told) - set(ids))
            doubled += len(ids) - len(set(ids))
        return {"sent": sum(map(len, self._stored)), "lost": lost, "doubled": doubled}

    async def _read(self, client: LineClient, number: int) -> list[str]:
        """Return the ids in a queue; among them may be some that nobody was told of."""
        bounds = {"from": 0, "to": self._ends[number]}
        read = await client.ask("read", **_queue(number), **bounds)
        return [one["properties"]["UNIQ_KEY"] for one in read]


def _queue(number: int) -> dict[str, Any]:
    return {"topic": TOPIC, "broker": BROKER_NAME, "queue": number}


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()


async def _until(is_so: Callable[[], bool]) -> None:
    """Wait for what processes write into files."""
    await until(is_so, within_s=BOUND_S, every_s=LOOK_AGAIN_S)


def _log(store: Path, newest: int = 0) -> tuple[int, bytes]:
    """Return a log as its files have it, or its newest files: its start, its bytes.

    Without the zeroes at its end: files are made ahead, each in its full size.
    """
    paths = sorted((store / "commitlog").glob("[0-9]*"))
    files = [(int(path.name), path.read_bytes()) for path in paths]
    used = [(start, data) for start, data in files if data.strip(b"\0")][-newest:]
    whole = b"".join(data for _, data in used).rstrip(b"\0")
    return (used[0][0] if used else 0), whole


async def _brokers(names: str) -> dict[str, list[int]]:
    """Return the brokers' numbers by name, as a client is told of the topic."""
    remoting = RemotingClient()
    try:
        answer = await remoting.ask(names, GetRoute(TOPIC))
    finally:
        await remoting.close()
    route = TopicRoute.from_json(fastjson.loads(answer.body))
    return {one.broker_name: sorted(one.broker_addrs) for one in route.brokers}
