"""Nodes as containers, on hosts that have the topology's own addresses.

The nodes' files are used as they are.  The hosts: `docker_hosts`; a node's folders:
`mounts`; what a container may do: `confinement`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from rmqlab import health
from rmqlab.classroom import image
from rmqlab.classroom.container import BOOTED, Running, plug, unplug
from rmqlab.classroom.docker_hosts import make_hosts
from rmqlab.classroom.faults import Faults
from rmqlab.classroom.image import in_thread
from rmqlab.classroom.kinds import Kind, Peer
from rmqlab.classroom.mounts import mounts_of
from rmqlab.classroom.runtime import Changed, ClusterError, NodeState, Plan, State, Tell
from rmqlab.classroom.topology import Node, Topology
from rmqlab.settings import BrokerRole

STOP_S = 8


class DockerRuntime:
    """See `runtime.Runtime`."""

    def __init__(
        self, topology: Topology, plan: Plan, changed: Changed, kind: Kind
    ) -> None:
        self._topology, self._changed, self._kind = topology, changed, kind
        self._folder, self._prefix = Path(plan.folder), f"rmqlab-{plan.name}-"
        self._labels = image.labels(plan.name, plan.folder)
        self._client: docker.DockerClient | None = None
        self._image, self._hosts = "", dict[str, str]()
        self._faults = Faults()
        self._running: dict[str, Running] = {}
        self._events: Any = None
        self._following: asyncio.Future[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    def address(self, node: Node) -> str:
        """See `Runtime.address`."""
        return f"{node.host.address}:{node.listen_port}"

    def home(self, node: Node) -> Path:
        """Return the folder that stands for the root of a node's host."""
        return self._folder / node.host.name

    def log_dir(self, node: Node) -> Path:
        """Return where a node's log files are."""
        return self.home(node) / "logs" / "rocketmqlogs" / node.name

    async def open(self, tell: Tell) -> None:
        """Find or build the image; make the network and the hosts.

        Raises:
            ClusterError: Docker cannot be had, or the addresses are taken.
        """
        if sys.platform != "linux":
            raise ClusterError(
                f"runtime docker needs Linux, this is {sys.platform}: elsewhere a "
                "container's address cannot be reached. --runtime local can be had"
            )
        for node in self._topology.nodes:
            self.configure(node)
        client = self._client = await in_thread(image.connect)
        name = self._kind.image_name()
        tell(f"image {name}; where it has to be made or fetched, that takes a minute")
        self._image = (await in_thread(self._kind.find, client)).id or ""
        if found := await in_thread(image.remove, client, self._labels):
            tell(f"removed what an earlier one left: {', '.join(found)}")
        tell("network and hosts")
        await self._listen(client)
        self._hosts = await in_thread(
            make_hosts, client, self._topology, self._labels, self._image
        )

    def configure(self, node: Node) -> None:
        """See `Runtime.configure`."""
        path = self.home(node) / "conf" / f"{node.name}.properties"
        path.parent.mkdir(parents=True, exist_ok=True)
        if node.text is not None:
            path.write_text(node.text, "latin-1")

    def prepare(self, nodes: list[Node]) -> None:
        """Do nothing: a container is soon made."""

    async def start(self, node: Node, state: NodeState) -> None:
        """See `Runtime.start`."""
        state.container, state.folder = self._prefix + node.name, str(self.home(node))
        state.state, state.why = "starting", ""
        self._changed(state, "started")
        try:
            container = await in_thread(self._create, node)
            running = self._running[node.name] = Running(container, node, state)
            await in_thread(container.start)
            async with asyncio.timeout(self._kind.start_s):
                is_up = await running.booted()
        except ClusterError as error:
            if one := self._running.get(node.name):
                one.ended.set()
            self._tell(state, "failed", str(error))
            return
        except TimeoutError:
            self._tell(state, "waiting", f"not up after {self._kind.start_s:g} s")
            return
        why = await self._missing(running) if is_up else ""
        if not is_up or running.ended.is_set():
            await running.ended.wait()  # it was told then what it said last
            return
        self._tell(state, "waiting" if why else "usable", why)

    async def _missing(self, running: Running) -> str:
        """Return what a node that has booted still lacks, after waiting for it."""
        target = self._target(running.node)

        async def unregistered() -> str:
            return await asyncio.to_thread(health.unregistered, target)

        async def unpaired() -> str:
            return await self._unpaired(running, target)

        why = await running.lacks(unregistered, self._kind.answer_s)
        return why or await running.lacks(unpaired, self._kind.follow_s)

    async def _unpaired(self, running: Running, target: health.Target) -> str:
        if running.node.is_namesrv:
            return ""
        alive = (
            self._running.get(node.name) for node in self._topology.peers(running.node)
        )
        peers = [
            Peer(one.node, one.container)
            for one in alive
            if one is not None and one.state.is_alive
        ]
        return await in_thread(self._kind.unpaired, target, peers)

    def _target(self, node: Node) -> health.Target:
        """Return whom to ask about a node from this machine, by address."""
        if node.is_namesrv:
            return health.Target(self.address(node))
        servers = []
        for one in filter(None, map(str.strip, node.broker.namesrv_addr.split(";"))):
            host, _, port = one.rpartition(":")
            servers.append(f"{self._topology.names.get(host, host)}:{port}")
        is_slave = node.role == BrokerRole.SLAVE.name
        name = node.broker.broker_name or node.host.name
        slaves = 0 if is_slave else self._running_slaves(node)
        known = (name, node.broker.broker_id, tuple(servers), slaves)
        return health.Target(self.address(node), *known)

    def _running_slaves(self, master: Node) -> int:
        return sum(
            one.state.is_alive
            for one in self._running.values()
            if one.node.role == BrokerRole.SLAVE.name
            and one.node.broker.broker_name == master.broker.broker_name
        )

    def _create(self, node: Node) -> Container:
        """Make a node's container anew: its file may name other folders now."""
        assert self._client is not None
        if before := self._running.pop(node.name, None):
            before.container.remove(force=True)
        own = self._labels | {"rmqlab.node": node.name, "rmqlab.host": node.host.name}
        home = self.home(node)
        return self._client.containers.create(
            self._image,
            self._kind.command(node),
            name=self._prefix + node.name,
            labels=own,
            network_mode=f"container:{self._hosts[node.host.name]}",
            user="{}:{}".format(*self._kind.user),
            environment=[*self._kind.environment],
            mounts=list(mounts_of(self._kind, node, home, self.log_dir(node))),
            **self._kind.limits.for_sdk(),
        )

    async def stop(self, node: Node) -> None:
        """SIGTERM; SIGKILL for one that does not end in time."""
        running = self._alive(node)
        running.is_expected = "stopped"
        await in_thread(image.resume, running.container)
        await in_thread(running.container.stop, timeout=STOP_S)
        await running.ended.wait()

    async def kill(self, node: Node) -> None:
        """SIGKILL."""
        running = self._alive(node)
        running.is_expected = "killed"
        await in_thread(running.container.kill)
        await running.ended.wait()

    async def pause(self, node: Node) -> None:
        """Freeze the container."""
        await in_thread(self._alive(node).container.pause)

    async def resume(self, node: Node) -> None:
        """Thaw the container."""
        await in_thread(image.resume, self._alive(node).container)

    async def bring(self, faults: Faults) -> None:
        """See `Runtime.bring`: a host that is cut off loses its network."""
        if why := faults.beyond_cuts:
            raise ClusterError(
                f"on docker a host can be cut off, both ways: not {why}; "
                "--runtime local and sim can"
            )
        for host in self._topology.hosts:
            is_cut = faults.of(host.name).is_cut
            if is_cut != self._faults.of(host.name).is_cut:
                change = unplug if is_cut else plug
                there = self._hosts[host.name], host.address
                await in_thread(change, self._client, self._labels, *there)
        self._faults = faults

    def _alive(self, node: Node) -> Running:
        running = self._running.get(node.name)
        if running is None or running.ended.is_set():
            raise ClusterError(f"{node.name} is not running: `restart` it first")
        return running

    async def close(self) -> None:
        """Stop all nodes, brokers first; remove containers and network.

        What a daemon that is gone keeps is removed by the next of this cluster's name.
        """
        if self._client is None:
            return
        with contextlib.suppress(ClusterError):
            for is_namesrv in (False, True):
                nodes = [
                    one.node
                    for one in self._running.values()
                    if not one.ended.is_set() and one.node.is_namesrv == is_namesrv
                ]
                await asyncio.gather(*(self.stop(node) for node in nodes))
            await in_thread(image.remove, self._client, self._labels)
        if self._following is not None:
            self._events.close()
            await self._following
        self._client.close()

    async def _listen(self, client: docker.DockerClient) -> None:
        """Have a thread pass on which containers end."""
        loop = asyncio.get_running_loop()
        events = self._events = await in_thread(image.ends, client, self._labels)

        def follow() -> None:
            for event in image.whole(events):
                actor = event["Actor"]
                code = actor["Attributes"].get("exitCode", "unknown")
                loop.call_soon_threadsafe(self._ended, actor["ID"], code)
            loop.call_soon_threadsafe(self._lost)

        self._following = asyncio.ensure_future(asyncio.to_thread(follow))

    def _ended(self, container_id: str, code: str) -> None:
        for running in self._running.values():
            if running.container.id == container_id:
                task = asyncio.create_task(self._tell_end(running, code))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    def _lost(self) -> None:
        """The daemon went away, and the nodes with it; or all have ended before."""
        for running in self._running.values():
            if not running.ended.is_set():
                self._tell(running.state, "failed", "the Docker daemon went away")
                running.ended.set()

    async def _tell_end(self, running: Running, code: str) -> None:
        """Keep what a node said, tell how it ended."""
        said = b""
        with contextlib.suppress(ClusterError):
            said = bytes(await in_thread(running.container.logs))
        with (self.log_dir(running.node) / "console.txt").open("ab") as console:
            console.write(said)
        why = "" if running.is_expected != "failed" else f"exit code {code}"
        if why and said and BOOTED not in said:
            why = said.decode("utf-8", "replace").splitlines()[-1]
        self._tell(running.state, running.is_expected, why)
        running.ended.set()

    def _tell(self, state: NodeState, what: State, why: str) -> None:
        state.state, state.why = what, why
        self._changed(state, f"{what}: {why}" if why else what)
