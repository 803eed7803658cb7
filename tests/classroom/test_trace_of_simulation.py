"""A simulation's trace: what is in it, that it is repeated, stepping, the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.play import run as play
from rmqlab.classroom.simulated.traffic import SimTraffic
from rmqlab.classroom.trace.reader import Trace, events
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.client.blocking import BlockingProducer
from rmqlab.protocol.message import Message
from tests.classroom.conftest import run, run_json

SCENARIO = """\
topology 1m
traffic orders 5/s with 1 consumers
at 3s kill broker-a for 2s
until 10s
then heal and wait 40s
"""
ELSEWHERE = """
import sys
from rmqlab.classroom.simulated.play import run
run(sys.argv[1], 7, sys.argv[2])
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Return the file of a scenario's trace."""
    path = tmp_path_factory.mktemp("trace") / "run.jsonl"
    play(SCENARIO, 7, path)
    return path


def only(path, **facts):
    return [one for one in events(path) if facts.items() <= one.items()]


def test_a_simulated_trace_tells_the_life_of_a_message(recorded):
    (told,) = only(recorded, kind="told", key="orders-3")
    place = {key: told[key] for key in ("topic", "queue", "offset") if key in told}
    (answer,) = only(
        recorded, kind="frame", code="SEND_MESSAGE_V2", response="SUCCESS", **place
    )
    assert answer["peer"] == told["client"] == "orders-producer"
    (given,) = only(recorded, kind="consumed", key="orders-3")
    (sent,) = only(recorded, kind="send", key="orders-3")
    assert sent["at"] < answer["at"] < told["at"]
    assert sent["at"] < given["at"]


def test_a_simulated_trace_tells_states_faults_appends_and_flushes(recorded):
    states = [one["state"] for one in only(recorded, kind="node", node="broker-a")]
    assert states == ["starting", "usable", "killed", "starting", "usable"]
    assert only(recorded, kind="fault", node="broker-a", what="kill")
    appends = only(recorded, kind="append", node="broker-a")
    ends = [one["offset"] + one["size"] for one in appends]
    assert [one["offset"] for one in appends[1:]] == ends[:-1]
    flushed = [one["end"] for one in only(recorded, kind="flush", what="log")]
    assert flushed == sorted(flushed)
    assert set(flushed) <= set(ends)
    assert only(recorded, kind="log", node="broker-a")


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_seed_gives_the_same_bytes_in_any_process(
    recorded, tmp_path, hash_seed
):
    path = tmp_path / "again.jsonl"
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, SCENARIO, str(path)],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    assert path.read_bytes() == recorded.read_bytes()


def test_replay_says_that_a_run_is_the_same(recorded):
    result = run("replay", str(recorded))
    assert result.exit_code == 0, result.output
    assert "run again: the same" in result.stdout
    assert "✖" in result.stdout
    assert "acknowledged" in result.stdout


def test_replay_says_which_event_differs_first(recorded, tmp_path):
    lines = recorded.read_text().splitlines(keepends=True)
    other = tmp_path / "other.jsonl"
    lines[20] = lines[20].replace('"at":0.', '"at":1.')
    other.write_text("".join(lines))
    result = run("replay", str(other), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["same"], found["differs"]["line"]) == (False, 21)
    assert found["differs"]["then"] == lines[20].rstrip("\n")


@pytest.mark.parametrize("more", [-1, 1])
def test_replay_sees_a_trace_that_ends_early_or_late(recorded, tmp_path, more):
    lines = recorded.read_text().splitlines(keepends=True)
    other = tmp_path / "other.jsonl"
    other.write_text("".join(lines[:-1] if more < 0 else [*lines, lines[-1]]))
    result = run("replay", str(other))
    assert result.exit_code == 1
    number = len(lines) + max(0, more)
    assert f"line {number} differs" in result.stdout
    assert "nothing more happened" in result.stdout


def test_replay_shows_a_window_and_draws_svg_without_running_again(recorded, tmp_path):
    window = ("--from", "2.9", "--to", "3.1", "--node", "broker-a", "--no-rerun")
    result = run("replay", str(recorded), *window, "--svg", str(tmp_path / "x"))
    assert result.exit_code == 0, result.output
    assert "run again" not in result.stdout
    assert "is killed" in result.stdout
    assert "is starting" not in result.stdout
    for what in ("sequence", "time"):
        assert (tmp_path / f"x-{what}.svg").read_text().startswith("<svg ")


def test_replay_for_programs_counts_what_is_in_it(recorded):
    found = run_json("replay", str(recorded))
    assert found["same"] is True
    assert (found["runtime"], found["seed"]) == ("sim", 7)
    assert found["kinds"]["told"] == len(only(recorded, kind="told"))


@pytest.mark.parametrize("text", ["", "no trace\n"])
def test_replay_of_what_is_no_trace_is_a_usage_error(tmp_path, text):
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    result = run("replay", str(path))
    assert result.exit_code == 64
    assert str(path) in result.stderr


def test_a_scenario_that_cannot_be_read_is_a_usage_error(recorded, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(recorded.read_text().replace("topology 1m", "topology nowhere"))
    assert run("replay", str(path)).exit_code == 64


def test_steps_go_from_event_to_event_and_leave_the_murmur_out():
    with SimCluster.up("1m", seed=1) as cluster:
        with SimTraffic(cluster, "orders", per_second=1, consumers=0):
            found = [cluster.step() for _ in range(30)]
            told = cluster.step("told")
            assert cluster.now_s == pytest.approx(told["at"], abs=1e-6)
        cluster.kill("broker-a")
        assert cluster.step()["kind"] == "closed"
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    kinds = {one["kind"] for one in found}
    assert {"send", "frame", "append", "told"} <= kinds
    assert "HEART_BEAT" not in {one.get("code") for one in found}


def test_a_recorder_that_is_closed_records_no_more():
    with SimCluster.up("1m") as cluster:
        with cluster.record() as recorder:
            producer = BlockingProducer(
                "g", cluster.name_servers, driver=cluster.driver
            )
            producer.send(Message("broker-a", b"x"))
        count = recorder.count
        producer.send(Message("broker-a", b"y"))
    assert count == recorder.count > 0
    assert [one["kind"] for one in recorder].count("append") == 1


def test_a_cluster_is_recorded_from_its_very_beginning(tmp_path):
    path = tmp_path / "up.jsonl"
    recorder = Recorder(path)
    with SimCluster.up("1m", seed=3, record=recorder):
        pass
    trace = Trace(path)
    assert (trace.first["topology"], trace.first["seed"]) == ("1m", 3)
    assert list(trace) == list(recorder)
    assert next(iter(trace))["state"] == "starting"
