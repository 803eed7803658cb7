"""Schedules by seed, and a few of them played; `make campaign` plays a thousand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rmqlab.classroom.history import Finding
from rmqlab.classroom.simulated import campaign
from rmqlab.classroom.simulated.campaign import CELLS, Result, schedule, table
from rmqlab.classroom.simulated.script import parse

EVERY_CELL = range(len(CELLS))
LOSES = 0
"""A seed of an asynchronous flush whose crash takes something."""


@pytest.mark.parametrize("seed", EVERY_CELL)
def test_no_mode_breaks_a_promise_under_random_faults(seed):
    assert campaign.play(seed).problems == []


def test_asynchronous_flush_is_seen_to_lose_what_it_may():
    result = campaign.play(LOSES)
    assert result.cell[1] == "ASYNC_FLUSH"
    assert result.lost_allowed > 0
    assert result.problems == []


def test_every_schedule_can_be_read_as_a_scenario():
    for seed in range(300):
        scenario = parse(schedule(seed))
        mode, flush = CELLS[seed % len(CELLS)]
        assert scenario.topology == mode
        assert scenario.settings["flushDiskType"] == flush
        assert scenario.timed
        has_slaves = mode in ("2m-2s-async", "2m-2s-sync")
        is_promoted = "promote" in {one.action.verb for one in scenario.timed}
        assert is_promoted == (has_slaves and seed % 32 >= 24)


def test_a_seed_makes_the_same_schedule_in_every_process():
    assert schedule(17) == schedule(17) != schedule(25)
    command = [sys.executable, "-m", "rmqlab.classroom.simulated.campaign"]
    shown = [
        subprocess.run(
            [*command, "--show", "17"],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in ("0", "1")
    ]
    assert shown == [schedule(17)] * 2


def test_a_campaign_without_any_loss_is_too_mild():
    silent = [Result(seed, acknowledged=10) for seed in EVERY_CELL]
    assert campaign.never_lost(silent) == [
        "1m ASYNC_FLUSH",
        "2m-noslave ASYNC_FLUSH",
        "2m-2s-async ASYNC_FLUSH",
    ]
    lossy = [Result(seed, lost_allowed=1) for seed in EVERY_CELL]
    assert campaign.never_lost(lossy) == []


def test_the_table_has_a_line_for_each_mode_and_flush():
    results = [Result(0, 100, lost_allowed=3, doubled=4, passed_over=2, silence_s=5)]
    results.append(Result(8, 100, lost_allowed=1, silence_s=7.5, problems=["bad"]))
    head, _, first, *others = table(results).splitlines()
    assert len(others) == len(CELLS) - 1
    counted = "seeds acknowledged lost twice passed over silence broken"
    assert head.split()[2:] == counted.split()
    assert first.split()[2:] == ["2", "200", "4", "4", "2", "7.5s", "1"]


def test_a_campaign_says_by_its_exit_code_what_it_found(monkeypatch, capsys):
    def played(seed: int) -> Result:
        problems = ["lost m0"] if seed == 3 else []
        return Result(seed, problems=problems, broken=list[Finding]())

    monkeypatch.setattr(campaign, "play", played)
    arguments = ["campaign", "--jobs", "1", "--seeds", "2", "--first"]
    monkeypatch.setattr(sys, "argv", [*arguments, "0"])
    assert campaign.main() == 0
    monkeypatch.setattr(sys, "argv", [*arguments, "2"])
    assert campaign.main() == 1
    said = capsys.readouterr().out
    assert "seed 3: lost m0" in said
    assert "rmqlab sim seed.txt --seed 3" in said
