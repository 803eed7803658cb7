"""What can be done to a cluster's nodes, whatever they run on.

state       how it came about
─────────   ─────────────────────────────────────────────────
starting    being started
usable      running, and everything that it needs is there
waiting     running, but something is missing: `why` says what
paused      stopped in its tracks; its connections stay open
stopped     ended on request
killed      ended without a chance to say goodbye
failed      ended by itself: `why` says what it said last
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.topology import Node
from rmqlab.errors import RmqError

State = Literal[
    "starting", "usable", "waiting", "paused", "stopped", "killed", "failed"
]
ALIVE: tuple[State, ...] = ("starting", "usable", "waiting", "paused")


class ClusterError(RmqError):
    """A cluster cannot do what was asked; the text says why and what would help."""


@dataclass(repr=False)
class NodeState:
    """What is known of one node; `behind` counts bytes that a slave has not got."""

    name: str
    host: str
    role: str
    address: str = ""
    broker_name: str = ""
    state: State = "stopped"
    why: str = ""
    pid: int | None = None
    container: str | None = None
    log_end: int | None = None
    behind: int | None = None
    folder: str = ""
    """What stands for the root of its host on this machine."""
    store: str = ""
    """Its store's path on its host; empty for a name server."""
    commit_log: str = ""
    """Its commit log's path on its host."""

    @property
    def is_alive(self) -> bool:
        """Whether its process exists."""
        return self.state in ALIVE

    def __repr__(self) -> str:
        """``broker-a (SYNC_MASTER) is usable``: notebooks show what a verb returns."""
        why = f": {self.why}" if self.why else ""
        return f"{self.name} ({self.role}) is {self.state}{why}"

    def to_json(self) -> dict[str, Any]:
        """Return the state without what does not apply."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def compare(brokers: Iterable[NodeState]) -> None:
    """Say of each slave how far it is behind, where both ends of a pair are known."""
    states = list(brokers)
    masters = (one for one in states if one.role != "SLAVE")
    ends = {one.broker_name: one.log_end for one in masters if one.log_end is not None}
    for slave in (one for one in states if one.role == "SLAVE"):
        end = ends.get(slave.broker_name)
        both = end is not None and slave.log_end is not None
        slave.behind = (end or 0) - (slave.log_end or 0) if both else None


@dataclass(frozen=True)
class Event:
    """Something that happened to a node or a host, and when, in ms since 1970."""

    at_ms: int
    node: str
    what: str


@dataclass(frozen=True)
class Status:
    """A cluster at one moment."""

    name: str
    runtime: str
    topology: str
    name_servers: str
    nodes: list[NodeState]
    events: list[Event]
    faults: dict[str, str] = field(default_factory=dict)
    """By name of a host or a node, what is wrong with its links or its disk."""

    def node(self, name: str) -> NodeState:
        """Return one node's state.

        Raises:
            ClusterError: the cluster has no node of this name.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise ClusterError(f"no node {name!r} in this cluster: it has {known}")

    @property
    def is_usable(self) -> bool:
        """Whether every node is."""
        return all(node.state == "usable" for node in self.nodes)


Changed = Callable[[NodeState, str], None]
"""Told that a node's state changed, and in words what happened."""
Tell = Callable[[str], None]
"""Told what happens to a cluster as a whole while it comes up."""


@dataclass
class Plan:
    """What a supervisor is given: a cluster's name, its folder, what it is made of."""

    name: str
    folder: str
    runtime: str
    topology: str
    settings: dict[str, str] = field(default_factory=dict)
    subnet: int = 1
    """Of a local cluster: its hosts' addresses are 127.0.SUBNET.x."""
    trace: str = ""
    """The file that its trace is to be put together in; empty: there is none."""
    began_s: float = 0.0
    """When it began, on the clock that all processes of this machine have."""


class Runtime(Protocol):
    """Makes nodes live.  No verb returns before it is done, within a bound."""

    async def open(self, tell: Tell) -> None:
        """Prepare what all nodes need; tell what may take a while."""

    def address(self, node: Node) -> str:
        """Return where a client on this machine reaches a node, as host:port."""

    def configure(self, node: Node) -> None:
        """Write a node's file as it will read it when it is started."""

    def prepare(self, nodes: list[Node]) -> None:
        """Know that these nodes will be started next."""

    async def start(self, node: Node, state: NodeState) -> None:
        """Start a node; return when it is usable, or known not to become so soon."""

    async def stop(self, node: Node) -> None:
        """Ask a node to end and see to it that it does."""

    async def kill(self, node: Node) -> None:
        """End a node at once."""

    async def pause(self, node: Node) -> None:
        """Stop a node in its tracks."""

    async def resume(self, node: Node) -> None:
        """Let a paused node go on."""

    async def bring(self, faults: Faults) -> None:
        """Let these be the faults from now on.

        Raises:
            ClusterError: they cannot be had here; nothing has changed.
        """

    async def close(self) -> None:
        """End everything that is left."""
