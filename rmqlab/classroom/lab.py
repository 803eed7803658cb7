"""What a notebook needs, in one import: start a cluster, use it, look at it, break it.

from rmqlab.classroom.lab import *

cluster = start("1m", lab="00")
producer = cluster.producer()
producer.send("orders", "one coffee")
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rmqlab.classroom import registry
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.load import Cost, cost_of_sending
from rmqlab.classroom.looking import StoreFiles, hex_dump
from rmqlab.classroom.panel import ClusterPanel
from rmqlab.classroom.plots import bars, timeline
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.traffic import ATTENTIVE, Report, Traffic
from rmqlab.client.blocking import BlockingAdmin, BlockingConsumer, BlockingProducer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.producer import SendError, SendResult, SendStatus
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage

__all__ = [
    "Cluster",
    "LabCluster",
    "Message",
    "MessageQueue",
    "Report",
    "SendError",
    "SendStatus",
    "StoredMessage",
    "Table",
    "Traffic",
    "bars",
    "hex_dump",
    "panel",
    "start",
    "timeline",
    "wait_until",
]

Client = BlockingProducer | BlockingConsumer | BlockingAdmin

_started: dict[str, LabCluster] = {}
"""The labs' clusters of this process, by name: a cell may be run again and again."""

WAIT_S = 30.0
LOOK_AGAIN_S = 0.02


class LabProducer(BlockingProducer):
    """A producer whose `send` takes a topic and a text."""

    def send(  # type: ignore[override]
        self,
        topic: str,
        body: str,
        *,
        tags: str | None = None,
        keys: str | None = None,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
    ) -> SendResult:
        """Send one message; see `Producer.send`."""
        message = Message(topic, body.encode(), tags=tags, keys=keys)
        return super().send(message, queue, timeout_s)


class LabCluster(Cluster):
    """A cluster with clients that look for changes twice a second.

    Its clients are closed with it, those that a notebook forgot, too.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: list[Client] = []

    def producer(self, group: str = "lab-producer") -> LabProducer:
        """Return a producer for this cluster."""
        producer = LabProducer(group, self.name_servers, ATTENTIVE)
        self._clients.append(producer)
        return producer

    def consumer(
        self,
        topic: str,
        listener: Callable[[StoredMessage], Any],
        group: str = "lab-consumer",
        tags: str = "*",
    ) -> BlockingConsumer:
        """Return a consumer of `topic`; a new group starts at the first message."""
        first = ConsumeFrom.FIRST_OFFSET
        consumer = BlockingConsumer(
            group, self.name_servers, listener, ATTENTIVE, first
        )
        self._clients.append(consumer)
        consumer.subscribe(topic, tags)
        return consumer

    def admin(self) -> BlockingAdmin:
        """Return an admin client for this cluster."""
        admin = BlockingAdmin(self.name_servers, ATTENTIVE)
        self._clients.append(admin)
        return admin

    def traffic(self, topic: str, per_second: float = 100.0) -> Traffic:
        """Return traffic on `topic`; use it in a `with` block."""
        return Traffic(self.name_servers, topic, per_second=per_second)

    def close_clients(self) -> None:
        """Close every client that was made for this cluster."""
        while self._clients:
            self._clients.pop().close()

    def down(self) -> None:
        """End the cluster, its clients first; see `Cluster.down`."""
        self.close_clients()
        super().down()

    def cost(self, topic: str, senders: int, seconds: float = 3.0) -> Cost:
        """Return what sending costs with so many senders at a time."""
        return cost_of_sending(self.name_servers, topic, senders, seconds)

    def store(self, node: str) -> StoreFiles:
        """Return the files of a broker's store."""
        return StoreFiles.of(self.node(node))

    def messages_on_disk(self, node: str) -> list[StoredMessage]:
        """Return what a broker's commit log holds, read from its files."""
        return list(self.store(node).messages())

    def wait_for_topic(self, topic: str, slave: str) -> None:
        """Wait until a slave has a topic: it asks its master every ten seconds."""
        address = self.node(slave).address
        with self.admin() as admin:
            wait_until(lambda: topic in admin.topic_configs(address))

    def wait_in_step(self, master: str, slave: str) -> int:
        """Wait until a slave's log is as long as its master's; return the length."""

        def in_step() -> bool:
            ends = [self.node(name).log_end for name in (master, slave)]
            return ends[0] is not None and ends[0] == ends[1]

        wait_until(in_step)
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
        return f"a cluster {Path(self.topology).name!r} of {len(nodes)} nodes"


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


def start(topology: str, lab: str, **settings: str) -> LabCluster:
    """Start a lab's cluster afresh, ending the one that an earlier run left.

    `settings` are changed on every broker, by RocketMQ's own keys.

    Raises:
        ClusterError: a node of it does not work; the text says why.
    """
    name = f"lab-{lab}"
    if name in _started:
        _started.pop(name).close_clients()
    if registry.is_running(registry.read_state(name)):
        Cluster.attach(name).down()
    cluster = LabCluster.up(topology, name=name, settings=settings)
    broken = [one for one in cluster.status().nodes if one.state != "usable"]
    if broken:
        cluster.down()
        raise ClusterError(
            "; ".join(f"{one.name} is {one.state}: {one.why}" for one in broken)
        )
    _started[name] = cluster
    return cluster


def wait_until(is_so: Callable[[], Any], within_s: float = WAIT_S) -> None:
    """Return as soon as it is so.

    Raises:
        ClusterError: it is not, in all that time.
    """
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {within_s:g} s in vain; look at the panel")
        time.sleep(LOOK_AGAIN_S)


def panel(cluster: Cluster) -> ClusterPanel:
    """Return a live panel with buttons for a cluster."""
    return ClusterPanel(cluster)


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
