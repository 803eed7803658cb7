"""A service goes on whatever its step raises, and does not fill the log with it."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.errors import StoreError
from rmqlab.service import Service
from tests.simulated import pass_time

pytestmark = pytest.mark.simulated


class Failing(Service):
    """Steps every second, and raises what it is told to."""

    interval_s = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.error = 0, None

    async def step(self):
        self.steps += 1
        if self.error:
            raise self.error


async def failing(seconds, *errors):
    """Run a service through errors, each for so long; return its steps."""
    service = Failing()
    service.start()
    for error in errors:
        service.error = error
        await pass_time(seconds)
    await service.stop()
    return service.steps


async def test_a_fault_that_lasts_is_said_in_words_every_ten_minutes(caplog):
    assert await failing(1500.5, StoreError("disk broken")) == 1500
    said = ["step failed service=Failing StoreError: disk broken"] * 3
    assert [one.message for one in caplog.records] == said
    assert not any(one.exc_info for one in caplog.records)


async def test_a_fault_that_comes_and_goes_is_no_new_one(caplog):
    errors = [StoreError("a"), None, StoreError("a"), StoreError("b"), None]
    await failing(10.5, *errors)
    said = [one.message.rpartition(" ")[2] for one in caplog.records]
    assert said == ["a", "b"]


async def test_a_mistake_of_ours_is_told_with_its_traceback_each_time(caplog):
    assert await failing(3.5, ValueError("bug")) == 3
    assert [one.exc_info[0] for one in caplog.records] == [ValueError] * 3


async def test_a_step_that_wakes_its_own_service_lets_others_run():
    class Busy(Service):
        steps = 0

        async def step(self):
            self.steps += 1
            if self.steps < 1000:
                self.wake()

    busy = Busy()
    busy.wake()
    busy.start()
    turns = 0
    while busy.steps < 1000:
        await asyncio.sleep(0)
        turns += 1
    await busy.stop()
    assert turns > 500
