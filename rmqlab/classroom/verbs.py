"""What a lab does with a cluster, whether its nodes are processes or simulated.

Those that wait let time pass: real time, or a simulation's.
"""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from rmqlab.classroom.looking import Shelf, StoreFiles
from rmqlab.classroom.producers import LabProducer
from rmqlab.classroom.runtime import ClusterError, NodeState, Status
from rmqlab.client.blocking import (
    BlockingAdmin,
    BlockingConsumer,
    BlockingLitePullConsumer,
    BlockingPullConsumer,
    BlockingTransactionProducer,
    Driver,
)
from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.transaction import Check
from rmqlab.protocol.message import StoredMessage
from rmqlab.settings import ClientConfig

LOOK_AGAIN_S = 0.02


class LabVerbs(ABC):
    """To stand behind a cluster among the bases of a lab's cluster.

    Its clients are closed with it, those that a notebook forgot, too.
    """

    name_servers: str
    topology: str
    wait_s = 30.0
    """How long to wait for what is expected."""
    client_config: ClientConfig | None = None
    """Of the clients that are made here; None: RocketMQ's own intervals."""

    def __init__(self) -> None:
        self._clients: list[BlockingClient[Any]] = []

    @abstractmethod
    def status(self) -> Status:
        """Return every node's state."""

    @abstractmethod
    def node(self, name: str) -> NodeState:
        """Return one node's state."""

    @abstractmethod
    def run(self, seconds: float) -> None:
        """Let so much time pass."""

    @property
    @abstractmethod
    def now_s(self) -> float:
        """Seconds since some beginning."""

    @abstractmethod
    def client_driver(self) -> Driver:
        """Return who runs a new client."""

    def shelf(self, node: NodeState) -> Shelf | None:
        """Return where a node's files are, if not on this machine."""
        return None

    def producer(self, group: str = "lab-producer") -> LabProducer:
        """Return a producer for this cluster."""
        to = group, self.name_servers, self.client_config, self.client_driver()
        producer = LabProducer(*to)
        self._clients.append(producer)
        return producer

    def transaction_producer(
        self, group: str, check: Check
    ) -> BlockingTransactionProducer:
        """Return a producer of half messages; `check` tells how their work ended."""
        to = group, self.name_servers, check, self.client_config, self.client_driver()
        producer = BlockingTransactionProducer(*to)
        self._clients.append(producer)
        return producer

    def consumer(
        self,
        topic: str,
        listener: Callable[[StoredMessage], Any],
        group: str = "lab-consumer",
        tags: str = "*",
        *,
        name: str | None = None,
        settings: dict[str, Any] | None = None,
        start: ConsumeFrom = ConsumeFrom.FIRST_OFFSET,
        **options: Any,
    ) -> BlockingConsumer:
        """Return a consumer of `topic`; a new group starts at the first message.

        `name` is its instance_name, `settings` are more of `ClientConfig`'s, `options`
        are `PushConsumer`'s: orderly, broadcasting, since_ms, allocate.  Who broadcasts
        finds its offsets again by its name.
        """
        named = {"instance_name": name or f"lab-{len(self._clients)}"}
        more = (named if name or options.get("broadcasting") else {}) | (settings or {})
        config = replace(self.client_config or ClientConfig(), **more)
        to = group, self.name_servers, listener, config
        consumer = BlockingConsumer(*to, start, self.client_driver(), **options)
        self._clients.append(consumer)
        consumer.subscribe(topic, tags)
        return consumer

    def pull_consumer(self, group: str = "lab-puller") -> BlockingPullConsumer:
        """Return a consumer that pulls where it is told to."""
        to = group, self.name_servers, self.client_config, self.client_driver()
        consumer = BlockingPullConsumer(*to)
        self._clients.append(consumer)
        return consumer

    def lite_pull_consumer(
        self, topic: str | None = None, group: str = "lab-poller", **options: Any
    ) -> BlockingLitePullConsumer:
        """Return a consumer that is polled; without a topic it may be assigned queues.

        A new group starts at the first message; `options` are `LitePullConsumer`'s.
        """
        to = group, self.name_servers, self.client_config, self.client_driver()
        options.setdefault("start", ConsumeFrom.FIRST_OFFSET)
        consumer = BlockingLitePullConsumer(*to, **options)
        self._clients.append(consumer)
        if topic:
            consumer.subscribe(topic)
        return consumer

    def admin(self, name_server: str | None = None) -> BlockingAdmin:
        """Return an admin client for this cluster, or one that asks one name server."""
        asked = self.node(name_server).address if name_server else self.name_servers
        admin = BlockingAdmin(asked, self.client_config, self.client_driver())
        self._clients.append(admin)
        return admin

    def close_clients(self) -> None:
        """Close every client that was made for this cluster."""
        while self._clients:
            self._clients.pop().close()

    def store(self, node: str) -> StoreFiles:
        """Return the files of a broker's store."""
        state = self.node(node)
        return StoreFiles.of(state, self.shelf(state))

    def messages_on_disk(self, node: str) -> list[StoredMessage]:
        """Return what a broker's commit log holds, read from its files."""
        return list(self.store(node).messages())

    def wait_until(
        self, is_so: Callable[[], object], within_s: float | None = None
    ) -> None:
        """Let time pass, a little at a time, until it is so; clients may be asked.

        Raises:
            ClusterError: it is not, in all that time.
        """
        limit_s = self.wait_s if within_s is None else within_s
        pass_until(is_so, limit_s, lambda: self.now_s, self.run)

    def wait_for_topic(self, topic: str, slave: str) -> None:
        """Wait until a slave has a topic: it asks its master every ten seconds."""
        address = self.node(slave).address
        with self.admin() as admin:
            self.wait_until(lambda: topic in admin.topic_configs(address))

    def wait_in_step(self, master: str, slave: str) -> int:
        """Wait until a slave's log is as long as its master's; return the length."""

        def in_step() -> bool:
            ends = [self.node(name).log_end for name in (master, slave)]
            return ends[0] is not None and ends[0] == ends[1]

        self.wait_until(in_step)
        return self.node(slave).log_end or 0

    def _repr_html_(self) -> str:
        rows = [
            (node.host, node.name, node.role, node.address, node.state)
            for node in sorted(self.status().nodes, key=lambda node: node.host)
        ]
        return Table(("host", "node", "role", "address", "state"), rows)._repr_html_()

    def __repr__(self) -> str:
        """A fixed text: outputs of different runs can be compared."""
        nodes = self.status().nodes
        return f"a cluster {PurePath(self.topology).name!r} of {len(nodes)} nodes"


def pass_until(
    is_so: Callable[[], object],
    within_s: float,
    now: Callable[[], float],
    run: Callable[[float], None],
) -> None:
    """Let time pass by little steps until it is so.

    Raises:
        ClusterError: it is not, in all that time.
    """
    deadline_s = now() + within_s
    while not is_so():
        if now() > deadline_s:
            raise ClusterError(f"waited {within_s:g} s in vain; look at the panel")
        run(LOOK_AGAIN_S)


class Table:
    """Rows under headings, as a notebook shows them and as text."""

    def __init__(self, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.headings = list(headings)
        self.rows = [[str(cell) for cell in row] for row in rows]

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th style='text-align:left'>{_safe(h)}</th>" for h in self.headings
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{_safe(cell)}</td>" for cell in row)
            + "</tr>"
            for row in self.rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"

    def __repr__(self) -> str:
        """The same as aligned text."""
        lines = [self.headings, *self.rows]
        widths = [
            max(len(line[at]) for line in lines) for at in range(len(self.headings))
        ]
        return "\n".join(
            "  ".join(
                cell.ljust(width) for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
