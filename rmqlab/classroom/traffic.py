"""Steady traffic through a cluster in real time, with a record of what became of it.

A sender sends at a steady pace; a consumer group of one reads everything.  What is
counted is a `Report`.  In a simulation: `rmqlab.classroom.simulated.traffic`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import Self

from rmqlab.classroom.flow import ATTENTIVE, Reader, Record, Sender, prepare
from rmqlab.classroom.report import Report, Sent
from rmqlab.client.blocking import run
from rmqlab.client.producer import Producer
from rmqlab.settings import ClientConfig

__all__ = ["ATTENTIVE", "Report", "Sent", "Traffic"]

DRAIN_STEP_S = 0.05


def _nobody(kind: str, /, **facts: object) -> None:
    """Record nothing."""


class Traffic:
    """Traffic on one topic; it runs on the client's thread until `stop`.

    with Traffic(cluster.name_servers, "orders") as traffic:
        cluster.kill("broker-a")
    traffic.report

    `record` is told, on that thread, every event of it; see `rmqlab.classroom.trace`.
    """

    def __init__(
        self,
        name_servers: str,
        topic: str,
        *,
        per_second: float = 100.0,
        config: ClientConfig = ATTENTIVE,
        timeout_s: float = 5.0,
        record: Record = _nobody,
    ) -> None:
        self.topic = topic
        self.report = Report()
        self._name_servers, self._config = name_servers, config
        self._per_second, self._timeout_s = per_second, timeout_s
        self._record = record
        self._began = 0.0
        self._sender: Sender | None = None

    @property
    def now_s(self) -> float:
        """Seconds since the traffic began."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        run(self._start())
        return self

    def __exit__(self, *error: object) -> None:
        self.stop(drain_s=0.0)

    async def _start(self) -> None:
        """Create the topic on every master, join the group, begin to send."""
        self._began = time.monotonic()
        self._came = asyncio.Event()
        await prepare(self.topic, self._name_servers)
        group = f"traffic-{self.topic}"
        producer = Producer(group, self._name_servers, self._config)
        sender = Sender(
            f"{self.topic}-producer",
            self.topic,
            producer,
            (f"{self.topic}-{number}" for number in itertools.count()),
            self._tell,
            per_second=self._per_second,
            timeout_s=self._timeout_s,
        )
        self._reader = Reader(
            f"{self.topic}-consumer-1",
            group,
            self.topic,
            self._name_servers,
            self._tell,
            self._config,
        )
        await self._reader.start()
        await sender.start()
        self._sender = sender

    def _tell(self, kind: str, /, **facts: object) -> None:
        self.report.note(self.now_s, kind, facts)
        self._record(kind, **facts)
        self._came.set()

    def wait_for(self, acknowledged: int, within_s: float = 30.0) -> Report:
        """Return once so many messages in all are acknowledged, or the time is up."""
        deadline = time.monotonic() + within_s
        while len(self.report.acknowledged) < acknowledged:
            if time.monotonic() > deadline:
                break
            time.sleep(DRAIN_STEP_S)
        return self.report

    def run_for(self, seconds: float) -> Report:
        """Let it go on for so long."""
        time.sleep(seconds)
        return self.report

    def stop(self, drain_s: float = 10.0) -> Report:
        """Stop sending; return all of it once it is consumed, within `drain_s`."""
        if self._sender is not None:
            run(self._end(self._sender, drain_s))
        return self.report

    async def _end(self, sender: Sender, drain_s: float) -> None:
        self._sender = None
        await sender.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                while self.report.awaited:
                    self._came.clear()
                    await self._came.wait()
        await self._reader.close()
        await sender.close()
