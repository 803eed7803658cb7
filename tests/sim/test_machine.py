"""Machines, processes, and a whole simulation that one seed decides."""

from __future__ import annotations

import asyncio
from itertools import combinations
from pathlib import Path

import pytest

from rmqlab.sim.machine import Simulation
from rmqlab.sim.timeline import EPOCH_MS, Stuck
from tests.sim import traced
from tests.sim.two import LINK_S, forever
from tests.support_pythons import VERSIONS, WASM_VERSIONS, cpython, pyodide

FOLDER = Path(__file__).parent

# Clocks


def test_a_wall_clock_follows_virtual_time(two):
    for seconds in (1.001, 0.1, 0.2, 0.7):
        two.sim.run(seconds)
        assert two.client.clock.now_ms() == EPOCH_MS + round(two.sim.now_s * 1000)


def test_a_machine_with_a_wrong_clock_keeps_the_right_pace(two):
    two.far.skew_ms = -90_000
    two.sim.run(60.0)
    assert two.client.clock.now_ms() == EPOCH_MS + 60_000
    assert two.server.clock.now_ms() == EPOCH_MS - 30_000
    assert two.server.loop.time() == two.client.loop.time() == 60.0


# Processes


def test_a_process_returns_what_it_was_asked_to_do(two):
    assert two.sim.complete(two.client, asyncio.sleep(1.0, "done")) == "done"


def test_a_process_raises_what_it_failed_of(two):
    async def fail():
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        two.sim.complete(two.client, fail())


def test_a_process_that_takes_too_long_is_cancelled(two):
    ended = []

    async def wait():
        try:
            await asyncio.sleep(100.0)
        finally:
            ended.append(two.sim.now_s)

    with pytest.raises(Stuck, match="waited 10 s of virtual time in vain before clien"):
        two.sim.complete(two.client, wait(), within_s=10.0)
    two.sim.run(0.0)
    assert len(ended) == 1


def test_a_process_that_ends_before_it_did_something_did_not_do_it(two):
    two.sim.timeline.call_in(1.0, two.client.kill)
    with pytest.raises(Stuck, match="client ended before it did forever"):
        two.sim.complete(two.client, forever())
    assert two.sim.now_s == 1.0


def test_a_process_that_has_ended_does_nothing_more(two):
    two.client.kill()
    with pytest.raises(RuntimeError, match="client has ended"):
        two.client.start(forever())


def test_a_process_ends_once_and_is_then_neither_paused_nor_resumed(two):
    assert list(two.near.processes) == [two.client]
    for _ in range(2):
        two.client.kill()
        two.client.pause()
        two.client.resume()
    assert not two.client.is_alive
    assert not two.client.is_paused
    assert not two.near.processes
    assert two.kinds("fault") == [{"node": "client", "what": "kill"}]


def test_what_is_done_to_processes_and_machines_is_told(two):
    two.client.pause()
    two.client.resume()
    two.near.cut(inward=False)
    two.near.heal()
    two.near.crash()
    two.near.boot()
    assert two.kinds("fault") == [
        {"node": "client", "what": "pause"},
        {"node": "client", "what": "resume"},
        {"host": "near", "what": "cut", "inward": False, "outward": True},
        {"host": "near", "what": "heal"},
        {"host": "near", "what": "crash"},
        {"host": "near", "what": "boot"},
    ]


def test_processes_of_one_name_have_randomness_of_their_own(two):
    again = two.near.process("client")
    other = Simulation().machine("near", "10.0.0.1").process("client")
    drawn = two.client.random.random()
    assert drawn != again.random.random()
    assert drawn == other.random.random()
    other.end()


# Machines


def test_a_crash_ends_every_process_without_a_word(two):
    second = two.near.process("second")
    second.start(forever())
    two.near.crash()
    two.near.crash()
    assert not two.near.processes
    assert not second.is_alive
    assert two.kinds("fault") == [{"host": "near", "what": "crash"}]


def test_no_process_starts_on_a_machine_that_is_down(two):
    two.near.crash()
    with pytest.raises(RuntimeError, match="near is down: boot it first"):
        two.near.process("client")
    two.near.boot()
    two.near.boot()
    assert two.near.process("client").is_alive
    assert len(two.kinds("fault")) == 2


def test_what_a_process_left_on_the_disk_is_there_for_the_next(two):
    async def write(disk):
        file = disk.open("log", 10)
        file.write(0, b"kept")
        await file.flush()

    two.sim.complete(two.client, write(two.client.disk))
    two.near.crash()
    two.near.boot()
    assert two.near.process("next").disk.open("log", 10).read(0, 4) == b"kept"


def test_a_fault_may_come_from_whoever_observes_in_the_middle_of_what_happens(two):
    near, far = two.pair()

    def kill(now_s, kind, facts):
        if kind == "sent":
            two.client.kill()

    two.sim.timeline.observers.append(kill)
    two.client.loop.call_soon(near.transport.write, b"last")
    two.client.loop.call_soon(near.transport.write, b"never")
    two.sim.run(LINK_S)
    assert (far.data, far.seen) == (b"last", ["made", "data", "eof", "lost"])


def test_a_simulation_that_is_closed_leaves_no_process(two):
    two.client.start(forever())
    two.sim.close()
    two.sim.close()
    assert not two.client.is_alive
    assert not two.server.is_alive


# One seed decides everything


def test_one_seed_gives_one_history_and_another_another():
    lines = {seed: traced.history(seed) for seed in range(4)}
    assert lines == {seed: traced.history(seed) for seed in reversed(range(4))}
    assert all(lines[one] != lines[other] for one, other in combinations(lines, 2))
    kinds = {line.split()[1] for line in lines[0]}
    assert {"sent", "connected", "closed", "fault"} <= kinds


PYTHONS = [
    *(pytest.param(cpython, version, id=version) for version in VERSIONS),
    *(pytest.param(pyodide, one, id=f"pyodide-{one}") for one in WASM_VERSIONS),
]


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_a_history_is_the_same_on_every_python_however_it_hashes(python, version):
    wanted = "".join(line + "\n" for line in traced.history(seed=5))
    for hash_seed in (1, 2):
        found = python(version).output(FOLDER / "traced.py", 5, hash_seed=hash_seed)
        assert found == wanted


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_a_simulation_leaves_the_loop_and_the_task_around_it_alone(python, version):
    found = python(version).output(FOLDER / "inside.py")
    assert found == "in plain code 2.0\nin a task 2.0\n"
