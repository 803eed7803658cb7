"""One node of a topology on a simulated machine: the code that a real one runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from rmqlab import boot
from rmqlab.broker.broker import Broker
from rmqlab.broker.settle import Site, explain, settle
from rmqlab.classroom import readiness
from rmqlab.classroom.runtime import ClusterError, NodeState, State
from rmqlab.classroom.topology import ROOTS_HOME, Node
from rmqlab.config import Problem, read
from rmqlab.errors import RmqError
from rmqlab.known_keys import IGNORED_BY_BROKER, IGNORED_BY_NAMESRV
from rmqlab.namesrv.server import NameServer
from rmqlab.namesrv.settle import settle as settle_namesrv
from rmqlab.remoting import ANY_ADDRESS
from rmqlab.settings import BrokerConfig, BrokerRole, NamesrvConfig, StoreConfig
from rmqlab.sim.machine import Machine, Process

STOP_S = 8.0
"""Of virtual time, for a node to say goodbye."""

Changed = Callable[[str, State, str], None]
"""Told a node's name, its state, and why."""


class SimNode:
    """A node, whether it runs or not."""

    def __init__(self, node: Node, machine: Machine, changed: Changed) -> None:
        self.node, self.machine = node, machine
        self.process: Process | None = None
        self.state: State = "stopped"
        self.why = ""
        self._changed = changed
        self.server: NameServer | Broker | None = None
        """The node itself, once it was started."""
        self._problems: list[Problem] = []

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.node.host.address}:{self.node.listen_port}"

    @property
    def is_alive(self) -> bool:
        """Whether its process exists."""
        return self.process is not None and self.process.is_alive

    @property
    def has_settled(self) -> bool:
        """Whether its start came to an end, good or bad."""
        return self.state in ("usable", "failed")

    @property
    def broker(self) -> Broker | None:
        """The broker, if it is one and lives."""
        is_broker = self.is_alive and isinstance(self.server, Broker)
        return self.server if is_broker else None  # type: ignore[return-value]

    def start(self, *, has_slave: bool) -> None:
        """Begin to start; time must pass for it to become usable.

        Raises:
            ClusterError: it runs, or its machine is down.
        """
        if self.is_alive:
            raise ClusterError(f"{self.name} runs already: stop or kill it first")
        if not self.machine.host.is_up:
            raise ClusterError(
                f"{self.machine.name}, {self.name}'s host, is down: `boot` it first"
            )
        process = self.process = self.machine.process(self.name)
        self._become("starting")
        try:
            self.server = self._build(process)
        except RmqError as error:
            self._fail(str(error))
            return
        process.start(self._boot(self.server, has_slave=has_slave), "boot")

    def _build(self, process: Process) -> NameServer | Broker:
        if self.node.is_namesrv:
            config, found = NamesrvConfig(), self.node.properties
            self._problems = read(found, config)
            config.bind_address = config.bind_address or ANY_ADDRESS
            settle_namesrv(config, ROOTS_HOME)
            return NameServer(config, process.clock, process.disk, found)
        broker_config, store_config = BrokerConfig(), StoreConfig()
        self._problems = read(self.node.properties, broker_config, store_config)
        broker_config.bind_address = broker_config.bind_address or ANY_ADDRESS
        host = self.machine.host
        site = Site(self.machine.name, ROOTS_HOME, lambda: host.address, host.resolve)
        settle(broker_config, store_config, site)
        return Broker(
            broker_config, store_config, process.disk, process.clock, process.random
        )

    async def _boot(self, server: NameServer | Broker, *, has_slave: bool) -> None:
        is_namesrv = isinstance(server, NameServer)
        ignored = IGNORED_BY_NAMESRV if is_namesrv else IGNORED_BY_BROKER
        boot.report(self._problems, ignored)
        try:
            await server.start()
        except (OSError, RmqError) as error:
            why = str(error)
            if isinstance(server, Broker):
                why = explain(error, server.config, server.store.config)
            self.machine.simulation.timeline.call_in(0.0, self._fail, why)
            return
        if isinstance(server, NameServer):
            self._become("usable")
            return
        async for why in readiness.reasons(server, has_slave=has_slave):
            self._become("waiting" if why else "usable", why)

    def _become(self, state: State, why: str = "") -> None:
        self.state, self.why = state, why
        self._changed(self.name, state, why)

    def _fail(self, why: str) -> None:
        self._gone("failed", why)

    def _gone(self, state: State, why: str = "") -> None:
        if self.process is not None:
            self.process.end()
        self._become(state, why)

    def _alive(self) -> Process:
        if self.process is None or not self.process.is_alive:
            raise ClusterError(f"{self.name} is not running: `restart` it first")
        return self.process

    def begin_to_stop(self) -> None:
        """SIGTERM: it says goodbye, within a bound, and ends; time must pass.

        Raises:
            ClusterError: it does not run.
        """
        process, server = self._alive(), self.server
        if process.is_paused:
            process.resume()
        assert server is not None
        timeline = self.machine.simulation.timeline
        late = timeline.call_in(STOP_S, self._stopped, process)

        async def goodbye() -> None:
            await server.stop()
            late.cancel()
            timeline.call_in(0.0, self._stopped, process)

        process.start(goodbye(), "goodbye")

    def _stopped(self, process: Process) -> None:
        if process is self.process and process.is_alive:
            self._gone("stopped")

    def kill(self) -> None:
        """SIGKILL."""
        self._alive().kill()
        self._become("killed")

    def crashed(self) -> None:
        """Its machine lost power."""
        if self.state not in ("stopped", "killed", "failed"):
            self._become("killed", f"{self.machine.name} lost power")

    def pause(self) -> None:
        """SIGSTOP."""
        process = self._alive()
        if not process.is_paused:
            process.pause()
            self._become("paused")

    def resume(self) -> None:
        """SIGCONT."""
        process = self._alive()
        if process.is_paused:
            process.resume()
            self._become("usable")

    def known(self) -> NodeState:
        """Return what is known of it, as seen from outside of time."""
        node, broker = self.node, self.broker
        answers = broker is not None and self.state in ("usable", "waiting")
        return NodeState(
            name=node.name,
            host=node.host.name,
            role=node.role,
            address=self.address,
            broker_name="" if node.is_namesrv else node.broker.broker_name,
            state=self.state,
            why=self.why,
            log_end=broker.store.log.end if broker and answers else None,
            store=node.store_folder,
            commit_log=node.log_folder,
        )

    def replace(self, text: str) -> None:
        """Give it another file; it reads that when it is started next."""
        self.node = dataclasses.replace(self.node, text=text)

    @property
    def is_slave(self) -> bool:
        """Whether it follows a master."""
        return self.node.role == BrokerRole.SLAVE.name
