"""`rmqlab sim`: what it prints, how it ends."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rmqlab.classroom.commands import EX_USAGE, rmqlab
from rmqlab.classroom.simulated import library
from rmqlab.classroom.trace.reader import Trace

TEXT = """# Nothing happens.
topology 1m
traffic orders 1/s
until 10s
then heal and wait 20s
hold nothing is lost
"""


def call(*arguments):
    return CliRunner().invoke(rmqlab, ["sim", *map(str, arguments)])


@pytest.fixture
def quiet(tmp_path):
    path = tmp_path / "quiet.txt"
    path.write_text(TEXT, "utf-8")
    return path


def test_a_run_is_told_with_its_counts_and_what_held(quiet):
    done = call(quiet, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "quiet on 1m, seed 3: 30 s in" in done.output
    assert "✓ nothing is lost (0)" in done.output
    assert "Nothing happens." in done.output


def test_what_does_not_hold_is_exit_code_1(quiet):
    quiet.write_text(f"{TEXT}hold sent > 1000\n", "utf-8")
    done = call(quiet)
    assert done.exit_code == 1
    assert "✗ sent > 1000 (11)" in done.output


def test_a_run_in_json_is_for_programs(quiet):
    found = json.loads(call(quiet, "--json").stdout)
    assert found["held"] is True
    assert found["counts"]["SEND_OK"] == 11
    assert found["real_s"] > 0


def test_a_trace_is_written_that_says_how_to_repeat_it(quiet, tmp_path):
    path = tmp_path / "quiet.jsonl"
    assert call(quiet, "--seed", 4, "--trace", path).exit_code == 0
    first = Trace(path).first
    assert (first["seed"], first["scenario"]) == (4, TEXT)


def test_those_that_are_built_in_are_listed():
    assert all(name in call("--list").output for name in library.names())
    found = json.loads(call("--list", "--json").stdout)
    assert [one["name"] for one in found] == library.names()
    assert all(one["about"] for one in found)


@pytest.mark.parametrize("arguments", [(), ("nowhere",), ("--seed", "x", "hour")])
def test_wrong_usage_is_exit_code_64(arguments):
    assert call(*arguments).exit_code == EX_USAGE


def test_a_text_that_cannot_be_read_is_wrong_usage_and_names_the_line(quiet):
    quiet.write_text(f"{TEXT}holt nothing\n", "utf-8")
    done = call(quiet)
    assert done.exit_code == EX_USAGE
    assert "quiet:7: 'holt': expected" in done.output


def test_up_says_where_a_simulated_cluster_lives():
    done = CliRunner().invoke(rmqlab, ["up", "1m", "--runtime", "sim"])
    assert done.exit_code == 1
    assert "`rmqlab sim SCENARIO` plays one" in done.output
