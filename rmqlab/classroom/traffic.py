"""Steady traffic through a cluster, with a record of what became of each message.

    sent ──► acknowledged (SEND_OK, FLUSH_…_TIMEOUT, SLAVE_NOT_AVAILABLE)
        └──► refused: certainly stored nowhere       └──► unanswered: who knows
    consumed once, twice or never

Senders take turns at a steady pace, whatever happens to their last message; a consumer
group reads everything.  What was acknowledged and never consumed is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from rmqlab.client.admin import Admin
from rmqlab.client.blocking import run
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.producer import Producer
from rmqlab.client.push import PushConsumer
from rmqlab.errors import RmqError
from rmqlab.protocol.message import Message, StoredMessage
from rmqlab.settings import ClientConfig

ATTENTIVE = ClientConfig(
    poll_name_server_interval=500,
    heartbeat_broker_interval=5000,
    persist_consumer_offset_interval=1000,
    rebalance_interval=1000,
)
"""A client that looks for changes twice a second instead of twice a minute."""

DRAIN_STEP_S = 0.05


@dataclass(frozen=True)
class Sent:
    """One message: when it was sent, how long the answer took, what it was.

    `outcome` is a SendStatus's name, ``refused`` or ``unanswered``; times are seconds
    since the traffic began.
    """

    key: str
    at_s: float
    took_s: float
    outcome: str


@dataclass
class Report:
    """What became of the traffic so far."""

    sent: list[Sent] = field(default_factory=list)
    consumed: Counter[str] = field(default_factory=Counter)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many messages ended how."""
        return dict(Counter(one.outcome for one in self.sent))

    @property
    def acknowledged(self) -> set[str]:
        """The keys that a broker said it has."""
        failed = ("refused", "unanswered")
        return {one.key for one in self.sent if one.outcome not in failed}

    @property
    def missing(self) -> set[str]:
        """Acknowledged and not consumed."""
        return self.acknowledged - self.consumed.keys()

    @property
    def doubled(self) -> set[str]:
        """Consumed more than once."""
        consumed = list(self.consumed.items())  # it may grow meanwhile
        return {key for key, times in consumed if times > 1}

    @property
    def surprising(self) -> set[str]:
        """Consumed although no broker ever acknowledged them."""
        return self.consumed.keys() - self.acknowledged

    @property
    def longest_pause_s(self) -> float:
        """The longest time in which nothing was acknowledged, from first to last send.

        That the traffic ended before somebody answered again counts, too.
        """
        sent, acknowledged = list(self.sent), self.acknowledged
        tried = [one.at_s for one in sent]
        answered = [one.at_s + one.took_s for one in sent if one.key in acknowledged]
        times = [min(tried, default=0.0), *sorted(answered)]
        times.append(max([*times, *tried]))
        pauses = (after - before for before, after in itertools.pairwise(times))
        return max(pauses, default=0.0)

    def to_json(self) -> dict[str, object]:
        """Return the counts."""
        return {
            "sent": len(self.sent),
            "outcomes": self.outcomes,
            "acknowledged": len(self.acknowledged),
            "consumed": len(self.consumed),
            "missing": len(self.missing),
            "doubled": len(self.doubled),
            "surprising": len(self.surprising),
            "longest_pause_s": round(self.longest_pause_s, 2),
        }


class Traffic:
    """Traffic on one topic; it runs on the client's thread until `stop`.

    with Traffic(cluster.name_servers, "orders") as traffic:
        cluster.kill("broker-a")
    traffic.report
    """

    def __init__(
        self,
        name_servers: str,
        topic: str,
        *,
        per_second: float = 100.0,
        config: ClientConfig = ATTENTIVE,
        timeout_s: float = 5.0,
    ) -> None:
        self.topic = topic
        self.report = Report()
        self._name_servers, self._config = name_servers, config
        self._pause_s, self._timeout_s = 1 / per_second, timeout_s
        self._began = 0.0
        self._sending: set[asyncio.Task[None]] = set()
        self._pacer: asyncio.Task[None] | None = None

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
        async with Admin(self._name_servers) as admin:
            if await admin.route(self.topic) is None:
                await admin.create_topic(self.topic, queues=4)
        group = f"traffic-{self.topic}"
        self._producer = Producer(group, self._name_servers, self._config)
        await self._producer.__aenter__()
        self._consumer = PushConsumer(
            group,
            self._name_servers,
            self._consume,
            self._config,
            start=ConsumeFrom.FIRST_OFFSET,
        )
        await self._consumer.__aenter__()
        await self._consumer.subscribe(self.topic)
        self._pacer = asyncio.create_task(self._pace())

    def _consume(self, message: StoredMessage) -> None:
        self.report.consumed[message.keys or message.msg_id] += 1
        self._came.set()

    async def _pace(self) -> None:
        number = 0
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            task = asyncio.create_task(self._send(f"{self.topic}-{number}"))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            number += 1
            due += self._pause_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send(self, key: str) -> None:
        began_s = self.now_s
        message = Message(self.topic, key.encode(), keys=key)
        try:
            result = await self._producer.send(message, timeout_s=self._timeout_s)
            outcome = result.status.name
        except RmqError as error:
            is_definite = getattr(error, "is_definite", False)
            outcome = "refused" if is_definite else "unanswered"
        took_s = self.now_s - began_s
        self.report.sent.append(Sent(key, began_s, took_s, outcome))

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
        if self._pacer is not None:
            run(self._end(drain_s))
        return self.report

    async def _end(self, drain_s: float) -> None:
        assert self._pacer is not None
        self._pacer.cancel()
        self._pacer = None
        if self._sending:
            await asyncio.wait(self._sending)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                while self.report.missing:
                    self._came.clear()
                    await self._came.wait()
        await self._consumer.close()
        await self._producer.close()
