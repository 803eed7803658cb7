"""A store's random lives: put, flush, killed, crashed, again and again.

What a flush has reached is there, in its place, whatever happens next.
"""

from __future__ import annotations

from random import Random

import pytest

from rmqlab.protocol.record import decode
from rmqlab.sim.machine import Simulation
from tests.store.shelf import NOW_MS, make_store, record

SMALL = {"mapped_file_size_commit_log": 12_000, "mapped_file_size_consume_queue": 2000}
DEEDS = {
    "put": 12,
    "flush": 5,
    "flush queues": 2,
    "checkpoint": 1,
    "kill": 2,
    "crash": 1,
}
"""How likely each is, beside the others."""
LIVES, DEEDS_A_LIFE, QUEUES = 40, 40, 2


class Life:
    """One store on one machine, and what its owner was promised."""

    def __init__(self, seed, properties) -> None:
        self.sim = Simulation(seed)
        self.machine = self.sim.machine("a", "10.0.0.1")
        self.dice = Random(f"life {seed}")
        self.properties = properties
        self.pending, self.promised, self.count = [], {}, 0
        self.start()

    def start(self):
        self.process = self.machine.process("broker")
        self.store = make_store("/data", self.process.disk, **SMALL)
        self.store.open()

    def do(self, deed):
        getattr(self, deed.replace(" ", "_"))()

    def put(self):
        for _ in range(self.dice.randrange(1, 12)):
            self.count += 1
            put = self.store.put(
                record(
                    b"%08d" % self.count * self.dice.randrange(1, 90),
                    queue_id=self.dice.randrange(QUEUES),
                    store_timestamp=NOW_MS + int(self.sim.now_s * 1000),
                    properties=self.properties,
                )
            )
            self.pending.append(put.record)
        self.store.dispatch()
        self.sim.run(self.dice.choice((0.001, 2, 5)))

    def flush(self):
        if self.pending:
            self.sim.complete(self.process, self.store.flush_log())
            for one in self.pending:
                self.promised[one.body] = (one.queue_id, one.queue_offset)
            self.pending = []

    def flush_queues(self):
        self.sim.complete(self.process, self.store.flush_queues())

    def checkpoint(self):
        self.flush_queues()
        self.sim.complete(self.process, self.store.checkpoint.save())

    def in_the_middle(self):
        """Begin to flush, perhaps, so that what comes next comes in its middle."""
        if self.pending and self.dice.random() < 0.5:
            self.process.start(self.store.flush_log())
            self.sim.run(self.dice.choice((0.0005, 0.0015)))
        self.pending = []

    def kill(self):
        self.in_the_middle()
        self.process.kill()
        self.start()

    def crash(self):
        self.in_the_middle()
        self.machine.crash()
        self.machine.boot()
        self.start()

    def found(self):
        """Return the place of each body that the store serves."""
        places = {}
        for queue_id in range(QUEUES):
            low = self.store.queues.min_offset("orders", queue_id)
            high = self.store.queues.max_offset("orders", queue_id)
            for offset in range(low, high):
                where = "orders", queue_id, offset
                got = self.store.reading.get(*where, 1, lambda _: True)
                one = decode(got.records[0])
                assert one.queue_offset == offset
                assert one.properties == self.properties
                places[one.body] = (queue_id, offset)
        return places


@pytest.mark.parametrize("properties", [b"", b"K\x01" + b"v" * 3000])
def test_what_was_flushed_is_served_after_any_life_of_kills_and_crashes(properties):
    for seed in range(LIVES):
        life = Life(seed, properties)
        try:
            live(life)
        finally:
            life.sim.close()


def live(life):
    for _ in range(DEEDS_A_LIFE):
        (deed,) = life.dice.choices(list(DEEDS), list(DEEDS.values()))
        life.do(deed)
        found = life.found()
        lost = {one for one, at in life.promised.items() if found.get(one) != at}
        assert not lost, (life.sim.timeline.seed, deed)
