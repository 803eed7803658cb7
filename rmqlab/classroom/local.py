"""Nodes as processes on this machine, one loopback address a host.

    192.168.157.128 of a topology   →  127.0.SUBNET.128, the ports as they are
    an absolute path in its files   →  the same path below CLUSTER/HOST
    a name of its hosts             →  looked up by the node's event loop

Where a loopback network has only 127.0.0.1 (not Linux), all hosts share that, and
ports are shifted by 100 a host.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.ports import holder_of
from rmqlab.classroom.process import Process
from rmqlab.classroom.runtime import Changed, ClusterError, NodeState, Plan
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK, moved
from rmqlab.classroom.topology import LOCAL_PART, ROOTS_HOME, Node, Topology
from rmqlab.classroom.tracing import spec_of
from rmqlab.settings import BrokerRole

SHIFT = 100
"""Between the ports of two hosts that share an address."""
START_S = 20.0
STOP_S = 8.0


class LocalRuntime:
    """See `runtime.Runtime`."""

    def __init__(self, topology: Topology, plan: Plan, changed: Changed) -> None:
        self._topology, self._plan, self._changed = topology, plan, changed
        self._folder = Path(plan.folder)
        self._processes: dict[str, Process] = {}
        self._faults = Faults()
        self._shift = {
            host.name: 0 if HAS_LOOPBACK_NETWORK else SHIFT * index
            for index, host in enumerate(topology.hosts)
        }
        self._moved = moved((host.address for host in topology.hosts), plan.subnet)

    def address(self, node: Node) -> str:
        """See `Runtime.address`."""
        port = node.listen_port + self._shift[node.host.name]
        return f"{self._moved[node.host.address]}:{port}"

    async def open(self) -> None:
        """Write every node's file."""
        for node in self._topology.nodes:
            self.configure(node)

    def configure(self, node: Node) -> None:
        """See `Runtime.configure`."""
        path = self._file(node)
        path.parent.mkdir(parents=True, exist_ok=True)
        is_silent = node.is_namesrv and node.text is None
        if not is_silent or self._shift[node.host.name]:
            path.write_text(self._localised(node), "latin-1")

    def _file(self, node: Node) -> Path:
        return self._folder / node.host.name / "conf" / f"{node.name}.properties"

    def home(self, node: Node) -> Path:
        """Return the folder that stands for the root of a node's host."""
        return self._folder / node.host.name

    def log_dir(self, node: Node) -> Path:
        """Return where a node's log files are."""
        return self.home(node) / "logs" / "rocketmqlogs" / node.name

    def _localised(self, node: Node) -> str:
        """Return the file's text with what must differ here at its end."""
        host, _, port = self.address(node).rpartition(":")
        own = {"listenPort": port} if self._shift[node.host.name] else {}
        home = self.home(node)
        if node.is_namesrv:
            path = node.namesrv.kv_config_path.replace("~", ROOTS_HOME, 1)
            own["kvConfigPath"] = f"{home}{path}"
        else:
            own |= {"brokerIP1": host, "brokerIP2": host}
            own["storePathRootDir"] = f"{home}{node.store_folder}"
            own["storePathCommitLog"] = f"{home}{node.log_folder}"
            if any(self._shift.values()):
                own["namesrvAddr"] = self.name_servers
        lines = [f"{key}={value}" for key, value in own.items()]
        return "\n".join([node.text or "", LOCAL_PART, *lines, ""])

    @property
    def name_servers(self) -> str:
        """The name servers as a client on this machine reaches them."""
        nodes = (node for node in self._topology.nodes if node.is_namesrv)
        return ";".join(self.address(node) for node in nodes)

    def prepare(self, nodes: list[Node]) -> None:
        """Spawn the nodes' processes: they import while others start."""
        for node in nodes:
            self._processes[node.name] = Process(node, self.log_dir(node))

    async def start(self, node: Node, state: NodeState) -> None:
        """See `Runtime.start`."""
        process = self._processes.get(node.name)
        if process is None or process.has_started:
            process = self._processes[node.name] = Process(node, self.log_dir(node))
        state.pid, state.folder = process.pid, str(self.home(node))
        state.state, state.why = "starting", ""
        self._changed(state, "started")
        spec = {
            "address": self.address(node).rpartition(":")[0],
            "names": {
                name: self._moved[at] for name, at in self._topology.names.items()
            },
            "file": str(self._file(node)) if self._file(node).exists() else None,
            "node": node.name,
            "host": node.host.name,
            "hosts": {self._moved[at.address]: at.name for at in self._topology.hosts},
            "faults": self._faults.to_json(),
            "is_namesrv": node.is_namesrv,
            "home": f"{self.home(node)}{ROOTS_HOME}",
            "has_slave": self._has_running_slave(node),
            "log_dir": str(self.log_dir(node)),
            "trace": spec_of(self._plan, node, self.address(node), self.home(node)),
        }
        try:
            async with asyncio.timeout(START_S):
                fact = await process.go(spec)
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

    def _has_running_slave(self, node: Node) -> bool:
        return any(
            process.exit_code is None and process.has_started
            for process in self._processes.values()
            if process.node.role == BrokerRole.SLAVE.name
            and node.role != BrokerRole.SLAVE.name
            and not node.is_namesrv
            and process.node.broker.broker_name == node.broker.broker_name
        )

    async def _reason(self, process: Process, fact: dict[str, Any]) -> str:
        """Return what a process that ended said last, and who is in its way."""
        await process.ended()
        lines = process.console.read_text("utf-8", "replace").splitlines()
        said = lines[-1] if lines else f"exit code {process.exit_code}"
        if port := fact.get("port"):
            host = self.address(process.node).rpartition(":")[0]
            ports = (int(str(port)) + more for more in (0, -2, 1))
            holders = filter(None, (holder_of(host, one) for one in ports))
            said += "; " + ("; ".join(holders) or "nobody holds it now")
        return said

    async def stop(self, node: Node) -> None:
        """SIGTERM; SIGKILL for one that does not end in time."""
        process = self._alive(node)
        process.is_expected = "stopped"
        process.signal(signal.SIGCONT)
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
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

    def _alive(self, node: Node) -> Process:
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
