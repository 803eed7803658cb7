"""Nodes as containers, on hosts that have the topology's own addresses.

    a network, 192.168.157.0/24      of the topology's hosts
    a container a host               holds its address, looks up the hosts' names
    a container a node               in its host's network; `docker logs` it

    in a node's container            on this machine
    /usr/local/rocketmq/conf     →   CLUSTER/HOST/conf
    its store's absolute path    →   CLUSTER/HOST and that path
    ~/logs/rocketmqlogs          →   CLUSTER/HOST/logs/rocketmqlogs/NODE

The nodes' files are used as they are, by this user.  What a cluster has, or left when
its owner was killed, is found by the labels rmqlab.cluster and rmqlab.folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from docker.types import Mount

from rmqlab import health
from rmqlab.classroom import image
from rmqlab.classroom.compose import CONF, LOGS, command_of, make_hosts, stores_of
from rmqlab.classroom.image import in_thread
from rmqlab.classroom.runtime import Changed, ClusterError, NodeState, Plan, State
from rmqlab.classroom.topology import Node, Topology
from rmqlab.settings import BrokerRole

START_S = 20.0
FOLLOW_S = 10.0
"""How long a pair's connection may take before we say so."""
STOP_S = 8
POLL_S = 0.05
BOOTED = b"boot success"


class DockerRuntime:
    """See `runtime.Runtime`."""

    def __init__(self, topology: Topology, plan: Plan, changed: Changed) -> None:
        self._topology, self._plan, self._changed = topology, plan, changed
        self._folder = Path(plan.folder)
        self._labels = image.labels(plan.name, plan.folder)
        self._client: docker.DockerClient | None = None
        self._image, self._hosts = "", dict[str, str]()
        self._running: dict[str, _Running] = {}
        self._events: Any = None
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

    async def open(self) -> None:
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
        self._client = await in_thread(image.connect)
        built = await in_thread(image.find_or_build, self._client)
        self._image = str(built.id)
        await in_thread(image.remove, self._client, self._labels)
        await self._listen()
        self._hosts = await in_thread(
            make_hosts, self._client, self._topology, self._labels, self._image
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
        state.container, state.folder = self._name(node), str(self.home(node))
        state.state, state.why = "starting", ""
        self._changed(state, "started")
        try:
            container = await in_thread(self._create, node)
            running = self._running[node.name] = _Running(container, node, state)
            await in_thread(container.start)
            async with asyncio.timeout(START_S):
                is_up = await running.booted()
        except ClusterError as error:
            self._tell(state, "failed", str(error))
            return
        except TimeoutError:
            self._tell(state, "waiting", f"not up after {START_S:g} s")
            return
        why = await self._missing(running) if is_up else ""
        if not is_up or running.ended.is_set():
            await running.ended.wait()  # it was told then what it said last
            return
        self._tell(state, "waiting" if why else "usable", why)

    async def _missing(self, running: _Running) -> str:
        """Return what a node that has booted still lacks, after waiting for it."""
        target = self._target(running.node)
        if why := await asyncio.to_thread(health.unregistered, target):
            return why
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FOLLOW_S
        while why := await asyncio.to_thread(health.unpaired, target):
            if running.ended.is_set() or loop.time() > deadline:
                break
            await asyncio.sleep(POLL_S)  # no broker tells who connects: one has to ask
        return why

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
        number = node.broker.broker_id
        return health.Target(self.address(node), name, number, tuple(servers), slaves)

    def _running_slaves(self, master: Node) -> int:
        return sum(
            one.state.is_alive
            for one in self._running.values()
            if one.node.role == BrokerRole.SLAVE.name
            and one.node.broker.broker_name == master.broker.broker_name
        )

    def _name(self, node: Node) -> str:
        return f"rmqlab-{self._plan.name}-{node.name}"

    def _create(self, node: Node) -> Container:
        """Make a node's container anew: its file may name other folders now."""
        assert self._client is not None
        if before := self._running.pop(node.name, None):
            before.container.remove(force=True)
        return self._client.containers.create(
            self._image,
            command_of(node),
            name=self._name(node),
            labels=self._labels
            | {"rmqlab.node": node.name, "rmqlab.host": node.host.name},
            network_mode=f"container:{self._hosts[node.host.name]}",
            user=f"{os.getuid()}:{os.getgid()}",
            mounts=list(self._mounts(node)),
        )

    def _mounts(self, node: Node) -> Iterator[Mount]:
        home = self.home(node)
        yield Mount(CONF, str(home / "conf"), type="bind", read_only=True)
        own = {LOGS: self.log_dir(node)}
        own |= {path: Path(f"{home}{path}") for path in stores_of(node)}
        for inside, outside in own.items():
            # Made here, it belongs to this user; made by the daemon, to root.
            outside.mkdir(parents=True, exist_ok=True)
            yield Mount(inside, str(outside), type="bind")

    async def stop(self, node: Node) -> None:
        """SIGTERM; SIGKILL for one that does not end in time."""
        running = self._alive(node)
        running.is_expected = "stopped"
        await in_thread(_resume, running.container)
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
        await in_thread(_resume, self._alive(node).container)

    def _alive(self, node: Node) -> _Running:
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
        if self._events is not None:
            self._events.close()
        self._client.close()

    async def _listen(self) -> None:
        """Have a thread pass on which containers end."""
        assert self._client is not None
        loop = asyncio.get_running_loop()
        labels = [f"{key}={value}" for key, value in self._labels.items()]
        filters = {"type": "container", "event": "die", "label": labels}
        events: Any = await in_thread(self._client.events, decode=True, filters=filters)
        self._events = events

        def follow() -> None:
            for event in events:
                actor = event["Actor"]
                code = actor["Attributes"].get("exitCode", "unknown")
                loop.call_soon_threadsafe(self._ended, actor["ID"], code)

        threading.Thread(target=follow, name="docker-events", daemon=True).start()

    def _ended(self, container_id: str, code: str) -> None:
        for running in self._running.values():
            if running.container.id == container_id:
                task = asyncio.create_task(self._tell_end(running, code))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def _tell_end(self, running: _Running, code: str) -> None:
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


class _Running:
    """A node's container, from its start to its end."""

    def __init__(self, container: Container, node: Node, state: NodeState) -> None:
        self.container, self.node, self.state = container, node, state
        self.is_expected: State = "failed"
        self.ended = asyncio.Event()

    async def booted(self) -> bool:
        """Return once the node has said that it runs; False if it ended."""
        said = await in_thread(self.container.logs, stream=True, follow=True)
        try:
            return await in_thread(any, (BOOTED in line for line in said))
        finally:
            said.close()


def _resume(container: Container) -> None:
    container.reload()
    if container.status == "paused":
        container.unpause()
