"""Nodes that are the real Apache RocketMQ, as processes on this machine.

    CLUSTER/HOST/rocketmq/NODE      a node's ROCKETMQ_HOME: what it logs, and where to

They listen on every address of this machine, so a cluster has a block of ports, and
nobody can come between two of its hosts.  All else is as on `local` (`lodging`).

A broker is usable when every name server of its file has it and, in a pair, when the
slave gets what its master stores (`pairing`).
"""

from __future__ import annotations

import asyncio
import socket

from rmqlab import health
from rmqlab.classroom.faults import Faults
from rmqlab.classroom.leash import Leash
from rmqlab.classroom.lodging import DISK_LIMITS, Lodging
from rmqlab.classroom.pairing import unpaired
from rmqlab.classroom.port_block import PortBlock
from rmqlab.classroom.processes import Processes
from rmqlab.classroom.program import Program
from rmqlab.classroom.release import (
    HOME_VARIABLE,
    MAINS,
    check_memory,
    find,
    write_logback,
)
from rmqlab.classroom.runtime import Changed, ClusterError, NodeState, Plan, State, Tell
from rmqlab.classroom.topology import Node, Topology
from rmqlab.settings import BrokerRole

START_S = 90.0
"""Six JVMs on a busy machine; alone, a broker takes 2 s and a pair 12."""
LOOK_AGAIN_S = 0.25


class RocketmqRuntime(Processes[Program]):
    """See `runtime.Runtime`."""

    stop_s = 20.0

    def __init__(self, topology: Topology, plan: Plan, changed: Changed) -> None:
        self._release = find()
        super().__init__(topology, Lodging(topology, plan, PortBlock.claim()), changed)
        self._leash: Leash | None = None

    async def open(self, tell: Tell) -> None:
        """See to it that there is room; write every node's file.

        Raises:
            ClusterError: there is too little memory.
        """
        check_memory(len(self._topology.nodes))
        for node in self._topology.nodes:
            self.configure(node)
        self._leash = Leash()

    def prepare(self, nodes: list[Node]) -> None:
        """Do nothing: a JVM cannot be begun beforehand."""

    async def start(self, node: Node, state: NodeState) -> None:
        """See `Runtime.start`."""
        process = self._processes[node.name] = self._spawn(node)
        state.pid, state.folder = process.pid, str(self._lodging.home(node))
        state.state, state.why = "starting", ""
        self._changed(state, f"started, RocketMQ {self._release.version}")
        settled = asyncio.Event()
        process.follow(self._follow(process, state, settled))
        await settled.wait()

    def _spawn(self, node: Node) -> Program:
        """Start a node's JVM, on the leash."""
        name = "namesrv" if node.is_namesrv else "broker"
        home = self._lodging.home(node) / "rocketmq" / node.name
        log_dir = self._lodging.log_dir(node)
        write_logback(home, name, log_dir)
        to = ("-c", str(self._lodging.file(node)))
        command = self._release.command(
            self._lodging.users_home(node), MAINS[name], *to, options=DISK_LIMITS
        )
        process = Program(node, log_dir, command, {HOME_VARIABLE: str(home)})
        assert self._leash is not None
        self._leash.hold(process.pid)
        return process

    async def _follow(
        self, process: Program, state: NodeState, settled: asyncio.Event
    ) -> None:
        """Tell what a node lacks until it is usable, and how it ends."""
        ended = asyncio.ensure_future(process.ended())
        now = asyncio.get_running_loop().time
        patience_s = now() + START_S
        while not ended.done() and state.state != "usable":
            why = await asyncio.to_thread(self._missing, process)
            if process.is_paused:
                pass  # what it lacks is seen when it goes on
            elif not why:
                self._tell(state, "usable")
            elif now() > patience_s and why != state.why:
                self._tell(state, "waiting", why)
            if state.state != "starting":
                settled.set()
            await asyncio.wait([ended], timeout=LOOK_AGAIN_S)
        await ended
        said = "" if settled.is_set() else process.said_last
        await process.tell_end(state, self._changed, said)
        settled.set()

    def _tell(self, state: NodeState, what: State, why: str = "") -> None:
        state.state, state.why = what, why
        self._changed(state, f"{what} {why}".strip())

    def _missing(self, process: Program) -> str:
        """Return what a node lacks to be usable; empty if nothing."""
        target = self._target(process.node)
        if why := health.unregistered(target):
            return why
        if process.node.role == BrokerRole.SLAVE.name:
            return self._unpaired(process)
        slaves = (one for one in self._running_slaves(process.node))
        return next(filter(None, map(self._unpaired, slaves)), "")

    def _target(self, node: Node) -> health.Target:
        """Return whom to ask about a node."""
        if node.is_namesrv:
            return health.Target(self.address(node))
        name = node.broker.broker_name or socket.gethostname()
        servers = self._lodging.name_servers_of(node)
        return health.Target(self.address(node), name, node.broker.broker_id, servers)

    def _unpaired(self, slave: Program) -> str:
        """Return what a slave and its master still lack; empty if nothing."""
        master = self._masters_process(slave.node)
        if master is None:
            return "no connection to its master yet: it is not running"
        ha_port = int(self._lodging.address(master.node, beside=1).rpartition(":")[2])
        log = self._lodging.log_dir(master.node) / "broker.log"
        return unpaired(slave.pid, ha_port, log)

    def _masters_process(self, slave: Node) -> Program | None:
        """Return the process of a slave's master, if it runs."""
        running = (one for one in self._processes.values() if one.exit_code is None)
        masters = (
            one
            for one in running
            if one.node.role not in ("NAMESRV", "SLAVE")
            and one.node.broker.broker_name == slave.broker.broker_name
        )
        return next(masters, None)

    async def bring(self, faults: Faults) -> None:
        """See `Runtime.bring`: there are none to be had."""
        if faults.to_json():
            raise ClusterError(
                "the real RocketMQ listens on every address here, and nobody stands "
                "between its nodes, or between them and the disk: kill, stop and pause "
                "them; to cut hosts off and to slow links and disks, take --runtime "
                "local"
            )

    async def close(self) -> None:
        """See `Runtime.close`."""
        await super().close()
        if self._leash is not None:
            await asyncio.to_thread(self._leash.close)
