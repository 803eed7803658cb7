"""Writes and flushes that fail: what was there stays, what was promised is kept.

The disk is the simulated one.  A write that fails there leaves any part of its bytes; a
flush that fails is not made good by the next one, as Linux has it since 4.13.
"""

from __future__ import annotations

import asyncio
from random import Random
from unittest.mock import patch

import pytest

from rmqlab.errors import DiskFull, StoreError
from rmqlab.protocol.record import decode, encode, size_of
from rmqlab.sim import disk as simulated_disk
from rmqlab.sim.machine import Simulation
from rmqlab.store import file_queue
from tests.store.shelf import NOW_MS, bodies, make_store, record

PAGE = 4096
ROOT = "/data/store"
LOG = f"{ROOT}/commitlog/{0:020d}"
SMALL = {"mapped_file_size_commit_log": 12_000, "mapped_file_size_consume_queue": 2000}
ALL_LOST = (0.0, 0.0)


class Host:
    """A machine with a store that is opened again after every end."""

    def __init__(self, seed: int = 0, **settings) -> None:
        self.sim = Simulation(seed)
        self.machine = self.sim.machine("a", "10.0.0.1")
        self.disk, self.settings = self.machine.disk, settings
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.sim.close()

    def start(self):
        self.process = self.machine.process("broker")
        self.store = make_store(ROOT, self.process.disk, **SMALL | self.settings)
        self.store.found = self.store.open()

    def do(self, work):
        return self.sim.complete(self.process, work)

    def flush(self):
        return self.do(self.store.flush_log())

    def kill(self):
        self.process.kill()
        self.start()

    def crash(self):
        self.machine.crash()
        self.machine.boot()
        self.start()


@pytest.fixture
def host(monkeypatch):
    """A host whose crashes take all that was not flushed."""
    monkeypatch.setattr(simulated_disk, "MOODS", [ALL_LOST])
    with Host() as made:
        yield made


def put(host, *texts, **fields):
    """Put messages and enter them into their queue."""
    for text in texts:
        assert host.store.put(record(text, **fields)).record
    host.store.dispatch()


# Writes that fail


@pytest.mark.parametrize("seed", range(30))
def test_of_a_write_that_failed_nothing_comes_to_life(seed):
    # In its body lie whole messages, just where one that is put later ends.
    with Host(seed) as host:
        put(host, b"first")
        following = host.store.log.end + size_of(record(b"later"))
        body_at = encode(record(b"later")).index(b"later")
        sleeper = encode(record(b"never sent", physical_offset=following))
        host.disk.fail("write", 2)  # and cutting it off fails, too
        with pytest.raises(StoreError, match=r"cannot write .*Input/output error"):
            host.store.put(
                record(b"-" * (size_of(record(b"later")) - body_at) + sleeper)
            )
        put(host, b"later")
        end = host.store.log.end
        assert end == following
        assert not any(host.disk.files[LOG].read(end, PAGE))
        host.kill()
        assert (host.store.found.end, host.store.found.damage) == (end, None)
        assert bodies(host.store) == [b"first", b"later"]


def test_a_write_that_fails_costs_no_offset(host):
    put(host, b"first")
    host.disk.fail("write", 1)
    with pytest.raises(StoreError):
        host.store.put(record(b"failed"))
    found = host.store.put(record(b"second")).record
    assert found.queue_offset == 1


def test_a_roll_that_fails_is_made_by_the_next_message(host):
    put(host, b"x" * 11_000)
    host.disk.capacity_bytes = host.disk.used_bytes
    with pytest.raises(DiskFull):
        host.store.put(record(b"y" * 9000))
    host.disk.capacity_bytes *= 10
    put(host, b"y" * 9000)
    assert bodies(host.store) == [b"x" * 11_000, b"y" * 9000]
    host.kill()
    assert bodies(host.store) == [b"x" * 11_000, b"y" * 9000]


def test_what_cannot_be_entered_into_a_queue_is_entered_later(host):
    host.store.put(record(b"first"))
    host.store.put(record(b"other", queue_id=1))
    host.disk.fail("write", 3)  # the entry, twice cutting it off
    for _ in range(2):
        with pytest.raises(StoreError):
            host.store.dispatch()
    arrivals = host.store.dispatch()
    assert {one.queue_id for one in arrivals} == {0, 1}
    assert bodies(host.store) == [b"first"]
    assert bodies(host.store, queue_id=1) == [b"other"]


def test_an_index_that_cannot_be_written_keeps_no_message_from_its_readers(host):
    put(host, b"first")
    host.store.put(record(b"second", properties=b"KEYS\x01k2"))
    with patch.object(host.store.index, "save", side_effect=DiskFull("no room")):
        for fails in (host.store.dispatch, host.store.catch_up_index):
            with pytest.raises(DiskFull):
                fails()
        put(host, b"third", properties=b"KEYS\x01k3")
    assert bodies(host.store) == [b"first", b"second", b"third"]
    assert host.store.catch_up_index()
    for key in ("k2", "k3"):
        assert host.store.reading.by_key("orders", key, 9, 0, 2 * NOW_MS)


def test_a_store_that_cannot_be_closed_lets_go_and_recovers(host):
    put(host, b"first")
    host.disk.fail("flush")
    with pytest.raises(StoreError, match="cannot flush"):
        host.do(host.store.close())
    host.disk.fail("flush", 0)
    host.start()
    assert host.store.found.was_crash
    assert bodies(host.store) == [b"first"]


# Flushes that fail


def test_a_flush_after_one_that_failed_promises_only_what_it_keeps(host):
    put(host, b"first")
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.flush()
    assert host.store.log.files.flushed == 0
    assert host.flush() == host.store.log.end
    host.crash()
    assert bodies(host.store) == [b"first"]


def test_what_came_before_between_and_after_failed_flushes_is_kept(host):
    sent = [b"%d" % n * 2000 for n in range(5)]
    put(host, sent[0])
    host.flush()
    for text in sent[1:4]:  # into the next file
        put(host, text)
        host.disk.fail("flush", 1)
        with pytest.raises(StoreError):
            host.flush()
    for text in sent[4:]:
        put(host, text)
        host.flush()
        assert not host.store.log.files._unflushed.spans
    put(host, b"last" * 2000)
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.flush()
    host.flush()
    host.crash()
    assert bodies(host.store) == [*sent, b"last" * 2000]


def test_a_flush_that_is_cancelled_may_have_failed(host, monkeypatch):
    put(host, b"first")
    with monkeypatch.context() as patched:
        never = asyncio.Event()
        patched.setattr(host.store._pool, "flush", lambda *_: never.wait())
        task = host.process.start(host.store.flush_log())
        host.sim.run(0)
        task.cancel()
        host.sim.run(0)
    host.disk.files[LOG].fail_flush(Random(1), 0.0)
    host.flush()
    host.crash()
    assert bodies(host.store) == [b"first"]


def test_what_the_kernel_dropped_is_never_called_flushed(host):
    put(host, b"safe")
    host.flush()
    put(host, b"lost" * 1000, b"after")
    host.disk.evicts = 1.0
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.flush()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"0{20} lost bytes from .* started again"):
            host.flush()
    with pytest.raises(StoreError, match="nothing can be added"):
        host.store.put(record(b"refused"))
    assert bodies(host.store)[0] == b"safe"
    host.kill()
    assert bodies(host.store) == [b"safe"]
    put(host, b"goes on")
    host.flush()
    host.crash()
    assert bodies(host.store) == [b"safe", b"goes on"]


def test_a_process_that_is_killed_after_a_failed_flush_leaves_no_trap(host):
    # The kernel holds the pages for clean: only if the next process writes them again
    # is what it then sends behind them safe.
    put(host, b"1" * 5000)
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.flush()
    host.kill()
    put(host, b"second")
    host.flush()
    host.crash()
    assert bodies(host.store) == [b"1" * 5000, b"second"]


def test_while_much_is_written_again_others_have_their_turn(host, monkeypatch):
    monkeypatch.setattr(file_queue, "CHUNK_BYTES", 1000)
    put(host, b"x" * 9000)
    host.kill()

    async def send():
        put(host, b"meanwhile")

    flushing = host.process.start(host.store.flush_log())
    host.process.start(send())
    host.sim.run(5)
    assert flushing.result() == host.store.log.end
    host.crash()
    assert bodies(host.store) == [b"x" * 9000, b"meanwhile"]


def test_a_file_that_is_removed_during_its_flush_needs_none(host):
    put(host, *(b"%d" % n * 5000 for n in range(6)))  # two in a file
    host.disk.flush_s = 1.0
    flushing = host.process.start(host.store.flush_log())
    host.sim.run(0.5)
    host.store.drop_oldest_log_file()
    host.store.drop_oldest_log_file()
    assert host.store.log.files.flushed == host.store.log.start
    host.sim.run(5)
    assert flushing.result() == host.store.log.end


def test_a_queue_whose_flush_failed_over_two_files_is_flushed_later(host):
    put(host, *(b"%d" % n for n in range(150)))  # 100 entries in a file
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.do(host.store.flush_queues())
    host.do(host.store.flush_queues())
    assert host.store.checkpoint.queued.messages == 150


def test_a_queue_whose_flush_failed_is_not_vouched_for(host):
    put(host, *(b"%d" % n for n in range(30)), store_timestamp=NOW_MS + 9000)
    host.flush()
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.do(host.store.flush_queues())
    assert host.store.checkpoint.queues_ms == 0
    host.do(host.store.flush_queues())
    assert host.store.checkpoint.queues_ms == NOW_MS + 9000
    host.do(host.store.checkpoint.save())
    host.crash()
    assert bodies(host.store) == [b"%d" % n for n in range(30)]


def test_what_recovery_enters_again_is_vouched_for_once_it_is_flushed_again(host):
    put(host, b"first", store_timestamp=NOW_MS + 9000)
    host.do(host.store.flush_queues())
    host.do(host.store.checkpoint.save())
    assert host.store.checkpoint.queues_ms == NOW_MS + 9000
    host.kill()  # the log was never flushed: all of it is entered again
    assert host.store.checkpoint.queues_ms == 0
    host.flush()
    assert host.store.checkpoint.safe_ms == 0
    host.do(host.store.flush_queues())
    assert host.store.checkpoint.safe_ms == NOW_MS + 6000


def test_a_crash_that_takes_what_the_checkpoint_counted_costs_no_whole_log(
    host, caplog
):
    put(host, b"first")
    host.flush()
    put(host, b"lost")
    host.do(host.store.flush_queues())
    host.do(host.store.checkpoint.save())
    host.crash()
    assert bodies(host.store) == [b"first"]
    assert "made anew" not in caplog.text


def test_a_clock_set_back_hides_no_message_that_is_in_no_queue_yet(host):
    put(host, b"x" * 5000, store_timestamp=NOW_MS + 9000)
    host.flush()
    host.do(host.store.flush_queues())
    host.do(host.store.checkpoint.save())
    put(host, b"y" * 5000, queue_id=1, store_timestamp=NOW_MS + 9500)
    put(host, b"z" * 5000, store_timestamp=NOW_MS)  # the first one of the next file
    host.flush()
    host.crash()
    assert bodies(host.store, queue_id=1) == [b"y" * 5000]


def test_while_flushes_fail_only_so_much_is_taken(host, monkeypatch):
    monkeypatch.setattr(file_queue, "MOST_UNFLUSHED_BYTES", 5000)
    put(host, b"x" * 6000)  # a bound for failures only
    put(host, b"first")
    host.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        host.flush()
    why = r"\d+ bytes of .*commitlog could not be flushed, at most 5000 may wait"
    with pytest.raises(StoreError, match=why):
        host.store.put(record(b"refused"))
    host.flush()
    put(host, b"taken")
    assert bodies(host.store)[1:] == [b"first", b"taken"]


def test_the_checksums_of_a_disk_that_fails_for_long_take_no_room(host):
    host.disk.fail("flush")
    for n in range(20):
        put(host, b"%d" % n)
        with pytest.raises(StoreError):
            host.flush()
    assert len(host.store.log.files._unflushed.spans) <= 2


# Any error, at any moment

DEEDS = {
    "put": 14,
    "flush": 6,
    "flush_queues": 2,
    "checkpoint": 1,
    "break_write": 3,
    "break_flush": 3,
    "fill": 1,
    "mend": 3,
    "kill": 1,
    "crash": 1,
}
"""How likely each is, beside the others."""
LIVES, DEEDS_A_LIFE, QUEUES = 60, 60, 2


class Life(Host):
    """A store whose disk fails now and then, and what its owner was promised."""

    def __init__(self, seed) -> None:
        super().__init__(seed)
        self.dice = Random(f"failing life {seed}")
        self.sent, self.pending, self.promised = {}, [], {}
        self.errors = 0

    def try_(self, act):
        """Do something that may fail; return whether it went well."""
        try:
            act()
        except StoreError:
            self.errors += 1
            return False
        return True

    def put(self):
        for _ in range(self.dice.randrange(1, 8)):
            body = b"%06d" % (len(self.sent) + self.errors) * self.dice.randrange(1, 99)
            now_ms = NOW_MS + int(self.sim.now_s * 1000)
            one = record(
                body, queue_id=self.dice.randrange(QUEUES), store_timestamp=now_ms
            )
            if self.try_(lambda one=one: self.store.put(one)):
                self.sent[body] = one.queue_id, one.queue_offset
                self.pending.append(body)
        self.try_(self.store.dispatch)
        self.sim.run(self.dice.choice((0.001, 2, 5)))

    def flush(self):
        if self.try_(super().flush):
            self.promised |= {body: self.sent[body] for body in self.pending}
            self.pending = []

    def flush_queues(self):
        self.try_(lambda: self.do(self.store.flush_queues()))

    def checkpoint(self):
        self.flush_queues()
        self.try_(lambda: self.do(self.store.checkpoint.save()))

    def break_write(self):
        self.disk.fail("write", self.dice.randrange(1, 5))

    def break_flush(self):
        self.disk.evicts = self.dice.choice((0.0, 0.0, 0.5))
        self.disk.fail("flush", self.dice.randrange(1, 4))

    def fill(self):
        self.disk.capacity_bytes = self.disk.used_bytes + PAGE

    def mend(self):
        self.disk.fail("write", 0)
        self.disk.fail("flush", 0)
        self.disk.capacity_bytes = float("inf")

    def kill(self):
        self.mend()
        self.pending = []
        super().kill()

    def crash(self):
        self.mend()
        self.pending = []
        super().crash()

    def found(self):
        """Return the place of each body that the store serves."""
        places = {}
        self.try_(self.store.dispatch)
        for queue_id in range(QUEUES):
            for offset in range(self.store.queues.max_offset("orders", queue_id)):
                where = "orders", queue_id, offset
                for data in self.store.reading.get(*where, 1, lambda _: True).records:
                    one = decode(data, check_crc=True)
                    assert one.queue_offset == offset
                    places[one.body] = queue_id, offset
        return places


def live(life):
    for _ in range(DEEDS_A_LIFE):
        (deed,) = life.dice.choices(list(DEEDS), list(DEEDS.values()))
        getattr(life, deed)()
        if deed in ("kill", "crash"):
            check(life, deed)
    for end in ("kill", "crash", "kill"):
        getattr(life, end)()
        check(life, end)


def check(life, deed):
    found = life.found()
    lost = {one for one, at in life.promised.items() if found.get(one) != at}
    assert not lost, (life.sim.timeline.seed, deed)
    strange = {one for one, at in found.items() if life.sent.get(one) != at}
    assert not strange, (life.sim.timeline.seed, deed)


def test_whatever_fails_what_was_promised_is_served_and_nothing_damaged_is():
    errors = promises = 0
    for seed in range(LIVES):
        with Life(seed) as life:
            live(life)
        errors, promises = errors + life.errors, promises + len(life.promised)
    assert min(errors, promises) > 10 * LIVES
