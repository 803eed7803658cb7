"""Machines that crash at any moment under SYNC_FLUSH: what was acknowledged stays.

A store with its flushes and its dispatcher, on virtual time; senders put messages and
wait at the gate.  Power fails, or the process is killed, at a random moment of work or
of the next start; and the same disk is started again, several times over.
"""

from __future__ import annotations

import asyncio
import os
from random import Random
from typing import NamedTuple

import pytest

from rmqlab.broker.gate import OffsetGate
from rmqlab.broker.services.durability import LogFlush, QueueFlush
from rmqlab.protocol.record import decode
from rmqlab.service import Service
from rmqlab.settings import FlushDiskType
from rmqlab.sim.machine import Simulation
from tests.store.shelf import make_store, record

FILES = {
    "mapped_file_size_commit_log": 12_000,
    "mapped_file_size_consume_queue": 400,
    "max_hash_slot_num": 20,
    "max_index_num": 60,
}
SYNC = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
QUEUES, SENDERS, STARTS = 3, 3, 5
SEEDS = 250 if os.environ.get("RMQLAB_CAMPAIGN") else 16
"""With as many starts and more crashes than that each: `make damage` has 1,000."""
EVER = (0, 1 << 62)


class PowerFailure(BaseException):
    """Raised in the middle of whatever touched the disk."""


class Place(NamedTuple):
    """Where a message is found."""

    queue_id: int
    queue_offset: int


class Dispatching(Service):
    """The broker's dispatcher, without pulls to wake; it may lag behind."""

    def __init__(self, store, interval_s) -> None:
        super().__init__()
        self._store, self.interval_s = store, interval_s

    async def step(self):
        self._store.dispatch()
        self._store.catch_up_index()


class Host:
    """One machine with a store, and what its senders were told."""

    def __init__(self, seed) -> None:
        self.sim, self.dice = Simulation(seed), Random(f"crashes {seed}")
        self.machine = self.sim.machine("a", "10.0.0.1")
        self.machine.disk.flush_s = self.dice.choice((0.0002, 0.001, 0.02))
        self.sent, self.acknowledged = 0, {}
        self.crashes = 0

    def start(self):
        """Open the store, however often power fails meanwhile."""
        while not self._opened():
            self.fail()

    def _opened(self) -> bool:
        self.process = self.machine.process("broker")
        self.store = make_store("/data", self.process.disk, **FILES, **SYNC)
        left = self.dice.choice((0, 0, 1, 2, 5, 15))

        def touched(now_s, kind, facts):
            nonlocal left
            left -= kind in ("write", "cut")
            if left == 0 and kind in ("write", "cut"):
                raise PowerFailure

        self.sim.timeline.observers = [touched]
        try:
            self.store.open()
        except PowerFailure:
            return False
        finally:
            self.sim.timeline.observers = []
        return True

    def work(self):
        """Let senders send for a while."""
        self.gate = OffsetGate(5.0)
        self.flush = LogFlush(self.store, self.gate)
        follow = Dispatching(self.store, self.dice.choice((0.001, 0.05, 1.0)))
        for service in (self.flush, QueueFlush(self.store), follow):
            self.process.loop.call_soon(service.start)
        pause_s = self.dice.choice((0.0005, 0.01, 0.5))
        for _ in range(SENDERS):
            self.process.start(self._send(pause_s))
        self.sim.run(self.dice.random() * 30 * pause_s + self.dice.random() * 0.01)

    async def _send(self, pause_s):
        while True:
            await asyncio.sleep(self.dice.random() * pause_s)
            self.sent += 1
            body = b"%08d" % self.sent * self.dice.randrange(1, 60)
            long = self.dice.choice((0, 0, 3000))
            put = self.store.put(
                record(
                    body,
                    queue_id=self.dice.randrange(QUEUES),
                    store_timestamp=self.process.clock.now_ms(),
                    properties=b"UNIQ_KEY\1%d\2K\1" % self.sent + b"v" * long,
                )
            )
            self.flush.wake()
            self.gate.wait(put.end, lambda is_safe, one=put.record: self._told(one))

    def _told(self, one):
        self.acknowledged[one.body] = Place(one.queue_id, one.queue_offset)

    def fail(self):
        """Lose power, or only the process."""
        if self.dice.random() < 0.8:
            self.crashes += 1
            self.machine.crash()
            self.machine.boot()
        else:
            self.process.kill()

    def check(self):
        """Compare what is served with what was acknowledged."""
        served = self._served()
        lost = {one for one, at in self.acknowledged.items() if served.get(one) != at}
        assert not lost
        for queue_id in range(QUEUES):
            ours = [one for one, at in served.items() if at.queue_id == queue_id]
            assert ours == sorted(ours)  # as they were sent
        known = sorted(self.acknowledged)
        for body in self.dice.sample(known, min(20, len(known))):
            (found,) = self.store.reading.by_key("orders", f"{int(body[:8])}", 9, *EVER)
            assert found.body == body

    def _served(self):
        found = {}
        for queue_id in range(QUEUES):
            low = self.store.queues.min_offset("orders", queue_id)
            for offset in range(low, self.store.queues.max_offset("orders", queue_id)):
                where = "orders", queue_id, offset
                got = self.store.reading.get(*where, 1, lambda _: True)
                one = decode(got.records[0])
                assert one.body not in found
                assert b"\0" not in one.properties
                found[one.body] = Place(queue_id, offset)
        return found


@pytest.mark.parametrize("part", range(4))
def test_no_acknowledged_message_is_lost_whenever_the_machine_crashes(part):
    crashes = acknowledged = 0
    for seed in range(part, SEEDS, 4):
        host = Host(seed)
        try:
            live(host)
        finally:
            host.sim.close()
        crashes += host.crashes
        acknowledged += len(host.acknowledged)
    assert crashes >= 4 * SEEDS / 4
    assert acknowledged > 10 * SEEDS / 4


def live(host):
    for _ in range(STARTS):
        host.start()
        host.check()
        host.work()
        host.fail()
    host.start()
    host.check()
