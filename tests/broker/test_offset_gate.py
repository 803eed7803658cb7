"""The gate at which answers wait for an offset: one timer for all of them."""

from __future__ import annotations

import asyncio

from rmqlab.broker.gate import OffsetGate

NEVER_S = 3600.0


class Waiter:
    """Waits at a gate for some offsets and notes what it is told."""

    def __init__(self, gate, *offsets) -> None:
        self.told = []
        for offset in offsets:
            gate.wait(offset, lambda passed, at=offset: self.told.append((at, passed)))


async def test_who_waits_for_what_is_already_passed_goes_through_at_once():
    gate = OffsetGate(NEVER_S)
    gate.advance(10)
    assert Waiter(gate, 9, 10).told == [(9, True), (10, True)]


async def test_an_advance_lets_through_all_up_to_it():
    gate = OffsetGate(NEVER_S)
    waiter = Waiter(gate, 10, 20, 30)
    gate.advance(20)
    assert waiter.told == [(10, True), (20, True)]
    assert len(gate) == 1
    gate.close()


async def test_a_gate_never_goes_back():
    gate = OffsetGate(NEVER_S)
    gate.advance(20)
    gate.advance(10)
    assert gate.passed == 20


async def test_who_waits_too_long_is_turned_away():
    gate = OffsetGate(0.0)
    turned_away = asyncio.Event()
    gate.wait(10, lambda passed: None if passed else turned_away.set())
    async with asyncio.timeout(30):
        await turned_away.wait()
    assert len(gate) == 0


async def test_a_gate_that_turned_somebody_away_lets_the_next_one_through():
    gate = OffsetGate(0.0)
    turned_away = asyncio.Event()
    gate.wait(10, lambda passed: turned_away.set())
    async with asyncio.timeout(30):
        await turned_away.wait()
    waiter = Waiter(gate, 11)
    gate.advance(11)
    assert waiter.told == [(11, True)]
    gate.close()


async def test_a_closed_gate_turns_everybody_away():
    gate = OffsetGate(NEVER_S)
    waiter = Waiter(gate, 10, 20)
    gate.close()
    assert waiter.told == [(10, False), (20, False)]
