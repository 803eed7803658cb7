"""Queues that an orderly consumer has for itself: a broker's word that nobody else has.

    take ──▶ lock ──▶ … every 20 s again … ──▶ give back
              └─ not renewed for 30 s: not consumed until it is
                 └─ for 60 s, or the broker says no: another may have had it; begin anew

Only a master locks, so while a queue's master is away nobody consumes it in order.

Source: RebalanceImpl.lock and lockAll, RebalancePushImpl.java, ProcessQueue.java,
release 4.9.7.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from rmqlab.client.instance import ClientInstance
from rmqlab.errors import RmqError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.grouping import LockBatch, UnlockBatch
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.queue_bodies import LockRequest, locked_queues
from rmqlab.service import Service

log = logging.getLogger(__name__)

VALID_MS = 30_000
"""How long a lock is relied on that was not renewed."""
BROKERS_MS = 60_000
"""How long a broker keeps it."""


class Locks(Service):
    """The locks of one consumer, and since when it has each."""

    interval_s = 20.0
    first_s = 1.0

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        lost: Callable[[MessageQueue], None],
    ) -> None:
        super().__init__()
        self._instance, self._group, self._lost = instance, group, lost
        self.locked_ms: dict[MessageQueue, int] = {}
        """When each lock was asked for last: it lasts longer than it is relied on."""

    def is_valid(self, queue: MessageQueue) -> bool:
        """Whether a queue may be consumed now."""
        locked_ms = self.locked_ms.get(queue)
        now_ms = self._instance.clock.now_ms()
        return locked_ms is not None and now_ms - locked_ms <= VALID_MS

    async def take(self, queues: Iterable[MessageQueue]) -> list[MessageQueue]:
        """Ask for queues; return those that are locked for this member now, sorted."""
        taken: list[MessageQueue] = []
        for broker_name, wanted in _by_broker(queues).items():
            now_ms = self._instance.clock.now_ms()
            try:
                got = await self._ask(broker_name, wanted)
            except RmqError as error:
                log.info("not locked queues=%s: %s", _names(wanted), error)
                continue
            if missing := set(wanted) - set(got):
                log.info("locked by another queues=%s", _names(missing))
            self.locked_ms |= dict.fromkeys(got, now_ms)
            taken += got
        return sorted(one for one in taken if one in self.locked_ms)

    async def step(self) -> None:
        """Renew all locks; those that another may have had meanwhile are lost."""
        for broker_name in _by_broker(self.locked_ms):
            # Asking may take its time: what was given back meanwhile stays so.
            held = _by_broker(self.locked_ms)[broker_name]
            if not held:
                continue
            now_ms = self._instance.clock.now_ms()
            try:
                got = set(await self._ask(broker_name, held))
            except RmqError as error:
                log.info("not renewed queues=%s: %s", _names(held), error)
                continue
            for queue in held:
                locked_ms = self.locked_ms.get(queue)
                if locked_ms is None:
                    continue  # given back meanwhile
                if queue in got and now_ms - locked_ms <= BROKERS_MS:
                    self.locked_ms[queue] = now_ms
                else:
                    log.warning("lock lost queue=%s", queue)
                    del self.locked_ms[queue]
                    self._lost(queue)

    async def give_back(self, queues: Collection[MessageQueue]) -> None:
        """Let others have queues at once; where that fails, they wait for a minute."""
        for broker_name, held in _by_broker(queues).items():
            for queue in held:
                self.locked_ms.pop(queue, None)
            asked = LockRequest(self._group, self._instance.client_id, held)
            body = bodies.encode(asked.to_json())
            try:
                address = self._instance.master_of(broker_name)
                await self._instance.remoting.tell(address, UnlockBatch(), body)
            except RmqError as error:
                log.info("not unlocked queues=%s: %s", _names(held), error)

    async def _ask(
        self, broker_name: str, queues: list[MessageQueue]
    ) -> list[MessageQueue]:
        asked = LockRequest(self._group, self._instance.client_id, queues)
        body = bodies.encode(asked.to_json())
        address = self._instance.master_of(broker_name)
        answer = await self._instance.remoting.ask(address, LockBatch(), body)
        return locked_queues(fastjson.loads(answer.body))


def _by_broker(queues: Iterable[MessageQueue]) -> dict[str, list[MessageQueue]]:
    found: dict[str, list[MessageQueue]] = defaultdict(list)
    for queue in sorted(queues):
        found[queue.broker_name].append(queue)
    return found


def _names(queues: Iterable[MessageQueue]) -> str:
    return ",".join(str(one) for one in sorted(queues))
