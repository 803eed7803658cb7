"""The failover drill on 2m-2s-sync: a master is killed under traffic and comes back.

    drill(release, folder)  →  {"lost": 0, "doubled": 0, "SEND_OK": …, "silence": …}

The nodes are a release's, or ours; producer and consumer are rmqlab's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from rmqlab.classroom.flow import QUEUES
from rmqlab.classroom.looking import HostShelf, StoreFiles
from rmqlab.classroom.release import Release
from rmqlab.classroom.traffic import Traffic
from rmqlab.store.layout import StorePaths
from tests.interop.mixed import BOUND_S, SOON
from tests.interop.real import Node, broker, name_server
from tests.support import free_port, until

TOPIC, PER_SECOND, AWAY = "orders", 40.0, 80
"""So many messages are sent while the master is away."""
PAIRS = ("broker-a", "broker-b")


async def drill(release: Release | None, folder: Path) -> dict[str, Any]:
    """Return what was lost, doubled, told; and the longest silence in seconds."""
    async with AsyncExitStack() as stack:
        names = await stack.enter_async_context(name_server(release, folder))
        ground = Ground(release, folder, names)
        nodes = await asyncio.gather(*map(stack.enter_async_context, ground.all()))
        with Traffic(
            names, TOPIC, per_second=PER_SECOND, record=ground.note
        ) as traffic:
            await ground.every_queue_is_ok()
            mark = len(traffic.report.sent)
            await nodes[0].kill()
            await until(
                lambda: len(traffic.report.sent) >= mark + AWAY, within_s=BOUND_S
            )
            await stack.enter_async_context(ground.master(PAIRS[0]))
            await ground.every_queue_is_ok()
            report = await asyncio.to_thread(traffic.stop, BOUND_S)
        stored = {key for name in PAIRS for key in ground.stored(name)}
        return {
            "lost": len(report.acknowledged - stored),
            "missing": len(report.missing),
            "doubled": len(report.doubled),
            "surprising": len(report.surprising),
            "silence": round(report.longest_pause_s, 1),
            **Counter(one.outcome for one in report.sent[mark:]),
        }


class Ground:
    """Two masters with a slave each, and which queues answered that all is well."""

    def __init__(self, release: Release | None, folder: Path, names: str) -> None:
        self._release, self._folder, self._names = release, folder, names
        self._ports = {name: free_port() for name in PAIRS}
        self._ok: set[tuple[object, object]] = set()

    def all(self) -> list[AbstractAsyncContextManager[Node]]:
        """Return all brokers, to be run; broker-a's master first."""
        slaves = [self._run(name, 1, brokerRole="SLAVE") for name in PAIRS]
        return [*map(self.master, PAIRS), *slaves]

    def master(self, name: str) -> AbstractAsyncContextManager[Node]:
        """Return a master, to be run where clients have known it."""
        role = {"brokerRole": "SYNC_MASTER", "listenPort": self._ports[name]}
        return self._run(name, 0, **role)

    def _run(
        self, name: str, number: int, **role: object
    ) -> AbstractAsyncContextManager[Node]:
        settings = {**SOON, "brokerName": name, "brokerId": number, **role}
        store = self._folder / f"{name}-{number}"
        return broker(self._release, self._folder, self._names, store, **settings)

    def note(self, kind: str, /, **facts: object) -> None:
        """Take one event of the traffic."""
        if kind == "told" and facts["outcome"] == "SEND_OK":
            self._ok.add((facts["broker"], facts["queue"]))

    async def every_queue_is_ok(self) -> None:
        """Wait until each queue has taken a message anew, and its slave, too."""
        self._ok.clear()
        count = len(PAIRS) * QUEUES
        await until(lambda: len(self._ok) == count, within_s=BOUND_S)

    def stored(self, name: str) -> set[str]:
        """Return the keys of what lies in the master's log."""
        shelf = HostShelf(self._folder / f"{name}-0")
        files = StoreFiles(shelf, StorePaths("/", "/commitlog"))
        return {one.keys for one in files.messages()}
