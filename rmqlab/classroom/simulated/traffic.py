"""Steady traffic in a simulated cluster; every client is a process of its own.

    with SimTraffic(cluster, "orders", per_second=5, consumers=2) as traffic:
        traffic.run_for(60)
        traffic.kill("orders-consumer-1")     # no goodbye
        traffic.run_for(60)
        traffic.stop().missing

Clients are named TOPIC-producer and TOPIC-consumer-NUMBER, messages' keys TOPIC-NUMBER:
the same in every run.  The clients have RocketMQ's own intervals unless told otherwise.

Verbs named `begin_to_…`, and `kill`, let no time pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from rmqlab.classroom.flow import Reader, Record, Sender, prepare
from rmqlab.classroom.report import Report
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.busy import BusyReader
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.scenario import Manner
from rmqlab.client.place import Place
from rmqlab.client.producer import Producer
from rmqlab.errors import RmqError
from rmqlab.settings import ClientConfig
from rmqlab.sim.machine import Process
from rmqlab.sim.timeline import Stuck

START_AGAIN_S = 3.0
"""After a client found nobody there."""
CLOSE_S = 30.0
"""Of virtual time, for clients to say goodbye."""


@dataclass
class Client:
    """One client's process now, and what runs in it."""

    process: Process
    role: Sender | Reader


async def _start(role: Sender | Reader) -> None:
    """Start a client, again and again until somebody answers, as a supervisor does."""
    while True:
        try:
            await role.start()
        except RmqError:
            await asyncio.sleep(START_AGAIN_S)
        else:
            return


class SimTraffic:
    """Traffic on one topic of a simulated cluster, from `begin` to `stop`.

    What happens is told to `record`, else to the simulation's observers, as events of
    a trace.  `per_second` of 0 means no producer.
    """

    def __init__(
        self,
        cluster: SimCluster,
        topic: str,
        *,
        per_second: float = 5.0,
        consumers: int = 2,
        config: ClientConfig | None = None,
        timeout_s: float | None = None,
        record: Record | None = None,
        manner: Manner = "",
    ) -> None:
        self.cluster, self.topic = cluster, topic
        self.report = Report()
        self.group = f"traffic-{topic}"
        self.producer = f"{topic}-producer"
        self.consumers = [f"{topic}-consumer-{n}" for n in range(1, consumers + 1)]
        self._per_second, self._timeout_s = per_second, timeout_s
        self._config, self._manner = config, manner
        self._record = record or cluster.simulation.timeline.tell
        self._keys: Iterator[str] = (f"{topic}-{n}" for n in itertools.count())
        self._clients: dict[str, Client] = {}

    @property
    def names(self) -> list[str]:
        """The names of the clients, whether they run or not."""
        sends = [self.producer] if self._per_second else []
        return [*sends, *self.consumers]

    @property
    def running(self) -> list[str]:
        """The names of those that run."""
        return [name for name in self.names if self._is_alive(name)]

    def _is_alive(self, name: str) -> bool:
        return name in self._clients and self._clients[name].process.is_alive

    def process(self, name: str) -> Process:
        """Return a running client's process, which can also be paused.

        Raises:
            ClusterError: there is none of this name, or it does not run.
        """
        self._check(name)
        if not self._is_alive(name):
            raise ClusterError(f"{name} is not running: start it first")
        return self._clients[name].process

    def _check(self, name: str) -> None:
        if name not in self.names:
            known = ", ".join(self.names)
            raise ClusterError(f"no client {name!r} in this traffic: it has {known}")

    def _tell(self, kind: str, /, **facts: object) -> None:
        self.report.note(self.cluster.now_s, kind, facts)
        self._record(kind, **facts)

    # ── clients come and go ───────────────────────────────────────────────────

    def begin_to_start(self, name: str, group: str | None = None) -> None:
        """Start a client that does not run: a new process, so a new client id.

        A consumer joins the group that all have, or another one.

        Raises:
            ClusterError: there is none of this name, or it runs.
        """
        self._check(name)
        if self._is_alive(name):
            raise ClusterError(f"{name} runs already: close or kill it first")
        driver = self.cluster.new_client(name)
        servers = self.cluster.name_servers
        role: Sender | Reader
        if name == self.producer:
            producer = Producer(self.group, servers, self._config, driver.place)
            role = Sender(
                name,
                self.topic,
                producer,
                self._keys,
                self._tell,
                per_second=self._per_second,
                timeout_s=self._timeout_s,
            )
        else:
            role = self._reader(name, group or self.group, driver.place)
        self._clients[name] = Client(driver.process, role)
        driver.process.start(_start(role), f"start {name}")

    def _reader(self, name: str, group: str, place: Place | None) -> Reader:
        member = name, group, self.topic, self.cluster.name_servers, self._tell
        where = self._config, place
        if not self._manner:
            return Reader(*member, *where)
        dice = self.cluster.simulation.timeline.random(f"listener of {name}")
        is_orderly = self._manner == "orderly"
        return BusyReader(*member, *where, is_orderly=is_orderly, dice=dice)

    def begin_to_close(self, name: str) -> None:
        """Have a client stop, say goodbye and end.

        Raises:
            ClusterError: there is none of this name, or it does not run.
        """
        process = self.process(name)
        role = self._clients[name].role
        timeline = self.cluster.simulation.timeline

        async def goodbye() -> None:
            await role.close()
            timeline.call_in(0.0, process.end)

        process.start(goodbye(), f"close {name}")

    def kill(self, name: str) -> None:
        """End a client at once.

        Raises:
            ClusterError: there is none of this name, or it does not run.
        """
        self.process(name).kill()
        self._tell("client", client=name, what="killed")

    # ── from beginning to end ─────────────────────────────────────────────────

    def begin(self) -> Self:
        """Create the topic, start the consumers, then the producer."""
        servers, lab = self.cluster.name_servers, self.cluster.driver
        lab.run(prepare(self.topic, servers, lab.place))
        for name in [*self.consumers, *self.names[: bool(self._per_second)]]:
            self.begin_to_start(name)
        return self

    def run_for(self, seconds: float) -> Report:
        """Let so much time pass."""
        self.cluster.run(seconds)
        return self.report

    def wait_for(self, acknowledged: int, within_s: float = 3600.0) -> Report:
        """Return once so many messages in all are acknowledged, or the time is up."""
        with contextlib.suppress(Stuck):
            self.cluster.run_until(
                lambda: self.report.acknowledged_count >= acknowledged, within_s
            )
        return self.report

    def stop(self, drain_s: float = 120.0) -> Report:
        """Stop sending; return once all is consumed, within `drain_s`, and closed."""
        self.close([self.producer])
        with contextlib.suppress(Stuck):
            self.cluster.run_until(lambda: not self.report.awaited, drain_s)
        self.close(self.consumers)
        return self.report

    def close(self, names: list[str]) -> None:
        """Close those clients that run, let time pass until they have ended.

        One that has not said goodbye within 30 s is killed.
        """
        left = [name for name in names if self._is_alive(name)]
        for name in left:
            self.begin_to_close(name)
        with contextlib.suppress(Stuck):
            self.cluster.run_until(
                lambda: not any(self._is_alive(name) for name in left), CLOSE_S
            )
        for name in filter(self._is_alive, left):
            self.kill(name)

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(self, *error: object) -> None:
        for name in self.running:
            self.kill(name)
