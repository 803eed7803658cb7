"""Nodes as processes of our own on this machine, one loopback address a host.

A name of a topology's hosts is looked up by the node's event loop (`host_loop`);
where all else is to be found, `lodging` knows.  Where a loopback network has only
127.0.0.1 (not Linux), all hosts share that, and a cluster has a block of ports.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.lodging import Lodging
from rmqlab.classroom.port_block import PortBlock
from rmqlab.classroom.ports import holder_of
from rmqlab.classroom.process import Process
from rmqlab.classroom.processes import Processes
from rmqlab.classroom.runtime import Changed, ClusterError, NodeState, Plan, Tell
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK
from rmqlab.classroom.topology import Node, Topology
from rmqlab.classroom.tracing import spec_of

START_S = 20.0


class LocalRuntime(Processes[Process]):
    """See `runtime.Runtime`."""

    def __init__(self, topology: Topology, plan: Plan, changed: Changed) -> None:
        block = None if HAS_LOOPBACK_NETWORK else PortBlock.claim()
        super().__init__(topology, Lodging(topology, plan, block), changed)
        self._plan, self._faults = plan, Faults()

    async def open(self, tell: Tell) -> None:
        """Write every node's file."""
        for node in self._topology.nodes:
            self.configure(node)

    def prepare(self, nodes: list[Node]) -> None:
        """Spawn the nodes' processes: they import while others start."""
        for node in nodes:
            self._processes[node.name] = Process(node, self._lodging.log_dir(node))

    async def start(self, node: Node, state: NodeState) -> None:
        """See `Runtime.start`."""
        process = self._processes.get(node.name)
        if process is None or process.has_started:
            self.prepare([node])
            process = self._processes[node.name]
        state.pid, state.folder = process.pid, str(self._lodging.home(node))
        state.state, state.why = "starting", ""
        self._changed(state, "started")
        try:
            async with asyncio.timeout(START_S):
                fact = await process.go(self._spec(node))
        except TimeoutError:
            fact = {"event": "waiting", "why": f"not usable after {START_S:g} s"}
        if fact["event"] == "failed":
            state.state, state.why = "failed", await self._reason(process, fact)
            state.pid = None
            self._changed(state, f"failed: {state.why}")
            return
        state.state, state.why = fact["event"], fact.get("why", "")
        self._changed(state, f"{fact['event']} {state.why}".strip())
        process.watch(state, self._changed)

    def _spec(self, node: Node) -> dict[str, Any]:
        """Return what a node's process is told: see `node`."""
        home = self._lodging.home(node)
        file = self._lodging.file(node)
        return {
            "address": self.address(node).rpartition(":")[0],
            "names": self._lodging.names,
            "file": str(file) if file.exists() else None,
            "node": node.name,
            "host": node.host.name,
            "hosts": self._lodging.hosts,
            "faults": self._faults.to_json(),
            "is_namesrv": node.is_namesrv,
            "home": str(self._lodging.users_home(node)),
            "has_slave": bool(self._running_slaves(node)),
            "log_dir": str(self._lodging.log_dir(node)),
            "trace": spec_of(self._plan, node, self.address(node), home),
        }

    async def _reason(self, process: Process, fact: dict[str, Any]) -> str:
        """Return what a process that ended said last, and who is in its way."""
        await process.ended()
        said = process.said_last
        if port := fact.get("port"):
            host = self.address(process.node).rpartition(":")[0]
            ports = (int(str(port)) + more for more in (0, -2, 1))
            holders = filter(None, (holder_of(host, one) for one in ports))
            said += "; " + ("; ".join(holders) or "nobody holds it now")
        return said

    async def bring(self, faults: Faults) -> None:
        """See `Runtime.bring`."""
        if faults.cross_hosts and not HAS_LOOPBACK_NETWORK:
            raise ClusterError(
                "here all hosts share one address, so none can be cut off or have slow "
                "links: Linux, or --runtime sim or docker, can"
            )
        self._faults = faults
        everyone = self._processes.values()
        await asyncio.gather(*(process.bring(faults) for process in everyone))
