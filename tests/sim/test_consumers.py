"""Consumers that come, go, crash and fail, by seed; `make consumers` plays many."""

from __future__ import annotations

import sys

import pytest

from rmqlab.classroom.simulated import consumers
from rmqlab.classroom.simulated.consumers import CELLS, Result, schedule, table
from rmqlab.classroom.simulated.script import parse
from rmqlab.client.locks import Locks
from rmqlab.client.process_queue import ProcessQueue

BUSY, ORDERLY = 0, 1
"""A seed of each."""


@pytest.mark.parametrize("seed", range(len(CELLS)))
def test_no_promise_to_a_group_is_broken_whoever_comes_and_goes(seed):
    result = consumers.play(seed)
    assert result.problems == []
    assert result.turns > result.acknowledged > 0
    assert result.later > 0


def test_every_schedule_can_be_read_as_a_scenario():
    for seed in range(300):
        scenario = parse(schedule(seed))
        assert (scenario.topology, scenario.flows[0].manner) == CELLS[seed % len(CELLS)]
        assert len(scenario.timed) >= 3
        assert "crash" not in {one.action.verb for one in scenario.timed}


def test_members_that_take_no_lock_are_seen_to_consume_at_once(monkeypatch):
    async def take(self, queues):
        self.locked_ms |= dict.fromkeys(queues, self._instance.clock.now_ms())
        return sorted(queues)

    monkeypatch.setattr(Locks, "take", take)
    monkeypatch.setattr(Locks, "is_valid", lambda self, queue: True)
    assert "overlapped" in " ".join(consumers.play(ORDERLY).problems)


def test_offsets_past_what_is_under_way_are_seen(monkeypatch):
    monkeypatch.setattr(
        ProcessQueue, "done", lambda self, message, now_ms=0: message.queue_offset + 1
    )
    assert "overcommitted" in " ".join(consumers.play(BUSY).problems)


def test_the_table_has_a_line_for_each_mode_and_manner():
    one, other = Result(0, 10, 14, 2, 3), Result(len(CELLS), 5, 6, 1, 0, ["bad"])
    head, _, first, *others = table([one, other]).splitlines()
    assert len(others) == len(CELLS) - 1
    counted = "consumers seeds acknowledged turns again later broken"
    assert head.split()[1:] == counted.split()
    assert first.split()[1:] == ["busy", "2", "15", "20", "3", "3", "1"]


def test_a_campaign_says_by_its_exit_code_what_it_found(monkeypatch, capsys):
    def played(seed: int) -> Result:
        return Result(seed, problems=["overlapped m0"] if seed == 3 else [])

    monkeypatch.setattr(consumers, "play", played)
    arguments = ["consumers", "--jobs", "1", "--seeds", "2", "--first"]
    monkeypatch.setattr(sys, "argv", [*arguments, "0"])
    assert consumers.main() == 0
    monkeypatch.setattr(sys, "argv", [*arguments, "2"])
    assert consumers.main() == 1
    assert "seed 3: overlapped m0" in capsys.readouterr().out
