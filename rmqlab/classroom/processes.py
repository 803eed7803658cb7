"""What runtimes whose nodes are processes of this machine have in common."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.lodging import Lodging
from rmqlab.classroom.program import Program
from rmqlab.classroom.runtime import Changed, ClusterError
from rmqlab.classroom.topology import Node, Topology
from rmqlab.settings import BrokerRole

AnyProgram = TypeVar("AnyProgram", bound=Program)


class Processes(ABC, Generic[AnyProgram]):
    """To stand behind a `runtime.Runtime`: it ends its nodes, and pauses them."""

    stop_s: ClassVar[float] = 8.0
    """How long a node may take to end in good order."""

    def __init__(self, topology: Topology, lodging: Lodging, changed: Changed) -> None:
        self._topology, self._lodging, self._changed = topology, lodging, changed
        self._processes: dict[str, AnyProgram] = {}

    def address(self, node: Node) -> str:
        """See `Runtime.address`."""
        return self._lodging.address(node)

    def configure(self, node: Node) -> None:
        """See `Runtime.configure`."""
        self._lodging.configure(node)

    def _running_slaves(self, master: Node) -> Sequence[AnyProgram]:
        """Return the processes of the slaves that a master has."""
        if master.is_namesrv or master.role == BrokerRole.SLAVE.name:
            return []
        return [
            process
            for process in self._processes.values()
            if process.exit_code is None
            and process.has_started
            and process.node.role == BrokerRole.SLAVE.name
            and process.node.broker.broker_name == master.broker.broker_name
        ]

    @abstractmethod
    async def bring(self, faults: Faults) -> None:
        """See `Runtime.bring`."""

    async def stop(self, node: Node) -> None:
        """SIGTERM; SIGKILL for one that does not end in time."""
        process = self._alive(node)
        process.is_expected = "stopped"
        process.signal(signal.SIGCONT)
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.stop_s):
                await process.gone()
                return
        process.signal(signal.SIGKILL)
        await process.gone()

    async def kill(self, node: Node) -> None:
        """SIGKILL."""
        process = self._alive(node)
        process.is_expected = "killed"
        process.signal(signal.SIGKILL)
        await process.gone()

    async def pause(self, node: Node) -> None:
        """SIGSTOP."""
        process = self._alive(node)
        process.is_paused = True
        process.signal(signal.SIGSTOP)

    async def resume(self, node: Node) -> None:
        """SIGCONT."""
        process = self._alive(node)
        process.is_paused = False
        process.signal(signal.SIGCONT)

    def _alive(self, node: Node) -> AnyProgram:
        process = self._processes.get(node.name)
        if process is None or process.exit_code is not None:
            raise ClusterError(f"{node.name} is not running: `restart` it first")
        return process

    async def close(self) -> None:
        """Stop all nodes: brokers say goodbye to their name servers first."""
        for process in self._processes.values():
            process.is_paused = False
            process.signal(signal.SIGCONT)  # a paused one answers no goodbye
        await self.bring(Faults())
        for is_namesrv in (False, True):
            nodes = [
                process.node
                for process in self._processes.values()
                if process.exit_code is None and process.node.is_namesrv == is_namesrv
            ]
            await asyncio.gather(*(self.stop(node) for node in nodes))
        self._lodging.close()
