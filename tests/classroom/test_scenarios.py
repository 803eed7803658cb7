"""Scenarios played: what each one that is built in claims, faults, ends, seeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rmqlab.classroom.simulated import library
from rmqlab.classroom.simulated.outcome import Outcome
from rmqlab.classroom.simulated.play import run
from rmqlab.classroom.simulated.words import ScenarioError
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.errors import ConfigError

SHORT = """
topology 2m-2s-sync
traffic orders 2/s with 1 consumer
until 60s
then heal and wait 60s
"""
IN_ANOTHER_PROCESS = """
import json, sys
from rmqlab.classroom.simulated.play import run
print(json.dumps(run(sys.argv[1], 5).to_json()))
"""
STRESS = """
topology 2m-2s-sync
traffic orders 5/s with 3 consumers
random faults kill, stop, pause, crash, cut every 10s
every 25s kill a consumer for 5s
until 120s
then heal and wait 200s
hold every promise is kept
hold every node is usable
"""


def short(*lines, seed=1, **options):
    text = SHORT.replace("until", "\n".join([*lines, "until"]), 1)
    return run(text, seed, **options)


def whats(outcome, who):
    """Return what happened to somebody while there was traffic."""
    return [
        one.what for one in outcome.happenings if one.who == who and 0.5 < one.at_s < 61
    ]


# Promotion


def test_a_slave_is_promoted_and_its_master_comes_back_as_its_slave():
    promises = "hold every promise is kept", "hold every node is usable"
    outcome = short("at 30s promote broker-a-s", *promises)
    assert outcome.held, [str(one) for one in outcome.findings if not one.held]
    assert whats(outcome, "broker-a")[:2] == ["kill", "is killed"]
    what, *states = whats(outcome, "broker-a-s")
    assert what == "promote from broker-a"
    assert states == ["is stopped", "is starting", "is usable"]
    assert outcome.report.longest_pause_s < 1


def test_who_is_no_slave_is_not_promoted():
    assert whats(short("at 30s promote broker-a"), "broker-a") == [
        "no promote: broker-a is no slave"
    ]


# Those that are built in


@pytest.mark.parametrize("name", [one for one in library.names() if one != "hour"])
def test_what_a_built_in_scenario_claims_is_so(name):
    outcome = run(name)
    assert outcome.held, [str(one) for one in outcome.findings if not one.held]
    assert len(outcome.findings) >= 2
    assert outcome.about


def test_what_the_hour_claims_is_so_of_its_first_minutes():
    hour = library.load("hour")
    assert hour.until_s == 3600.0
    hour.until_s = 300.0
    outcome = run(hour)
    kills = [one for one in outcome.happenings if one.what == "kill"]
    assert len(kills) == 4
    assert outcome.held, [str(one) for one in outcome.findings if not one.held]


# What befalls nodes, clients and hosts


def test_a_kill_is_undone_after_its_time():
    found = short("at 10s kill broker-a for 20s")
    assert whats(found, "broker-a") == ["kill", "is killed", "is starting", "is usable"]
    times = [round(one.at_s) for one in found.happenings if one.who == "broker-a"]
    assert times[2:6] == [10, 10, 30, 30]


def test_a_restart_stops_a_node_that_runs_and_starts_it_again():
    found = short("at 10s restart broker-b-s")
    assert whats(found, "broker-b-s") == ["is stopped", "is starting", "is usable"]


def test_a_pause_ends_and_a_crashed_host_comes_back_with_its_nodes():
    found = short("at 10s pause namesrv1 for 5s", "at 30s crash host2 for 5s")
    assert whats(found, "namesrv1") == ["pause", "is paused", "resume", "is usable"]
    assert whats(found, "host2") == ["crash", "boot"]
    assert whats(found, "broker-b")[-1] == "is usable"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("cut host1 for 9s", ["cut", "heal"]),
        ("cut host1 inward for 9s", ["cut inward", "heal"]),
        (
            "cut host1 from host2 outward for 9s",
            ["cut from host2 outward", "heal from host2 outward"],
        ),
        (
            "slow links of host1 to 50ms for 9s",
            ["links take 50 ms", "links take 0.2 ms"],
        ),
        (
            "slow disk of host1 to 30ms for 9s",
            ["a flush takes 30 ms", "a flush takes 1 ms"],
        ),
    ],
)
def test_hosts_are_cut_off_and_slow_for_a_while(line, what):
    assert whats(short(f"at 10s {line}"), "host1") == what


def test_a_cut_between_two_hosts_separates_a_master_from_its_slave_only():
    found = short("at 10s cut host1 from host2")
    assert found.counts["SLAVE_NOT_AVAILABLE"] + found.counts["FLUSH_SLAVE_TIMEOUT"]
    assert not found.counts["refused"]


def test_clients_are_killed_closed_and_started_by_name():
    found = short(
        "at 10s kill orders-consumer-1 for 5s",
        "at 20s close orders-consumer-1",
        "at 30s start orders-consumer-1",
    )
    went = [one for one in whats(found, "orders-consumer-1") if one != "kill"]
    assert went == ["killed", "started", "closed", "started"]
    assert not found.counts["missing"]


def test_what_cannot_be_done_is_said_and_passed_over():
    found = short("at 10s kill broker-a", "at 20s kill broker-a for 5s")
    assert "no kill: broker-a is not running: `restart` it first" in whats(
        found, "broker-a"
    )
    nobody = short("at 10s resume a node")
    assert "no resume: there is none now" in whats(nobody, "a node")


def test_whatever_is_broken_is_mended_at_the_end():
    found = short(
        "at 50s kill namesrv1",
        "at 50s pause broker-b",
        "at 50s crash host1",
        "at 50s cut host2",
        "at 50s kill orders-consumer-1",
        "at 59s stop broker-b-s",
    )
    assert {one.name: one.state for one in found.nodes} == dict.fromkeys(
        (one.name for one in found.nodes), "usable"
    )
    assert not found.counts["missing"]


def test_one_of_a_kind_is_chosen_by_the_seed_among_those_that_can_be_struck():
    victims = {
        one.who
        for seed in range(6)
        for one in short("at 10s kill a master", seed=seed).happenings
        if one.what == "kill"
    }
    assert victims == {"broker-a", "broker-b"}


@pytest.mark.parametrize("seed", range(3))
def test_random_faults_break_no_promise_and_are_mended(seed):
    found = run(STRESS, seed)
    assert found.held, [str(one) for one in found.findings if not one.held]
    faults = {one.what.split()[0] for one in found.happenings}
    assert len(faults & {"kill", "pause", "crash", "cut"}) >= 2


# What holds


def test_what_does_not_hold_is_said_with_what_was_found():
    found = short("at 10s kill broker-a", "hold SEND_OK = 0", "hold only refused")
    assert not found.held
    assert [one.held for one in found.findings] == [False, False]
    assert "DOES NOT HOLD: SEND_OK = 0 (121)" in str(found.findings[0])
    assert str(found.findings[1]).endswith("(SEND_OK 121)")


def test_an_outcome_in_json_says_all_and_can_be_read_again():
    found = short("hold nothing is lost").to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["schema"] == 1
    assert found["held"] is True
    assert found["counts"]["sent"] == 121
    assert set(found["nodes"].values()) == {"usable"}


# Where scenarios come from


def test_a_file_is_a_text_or_python(tmp_path):
    (tmp_path / "mine.txt").write_text(SHORT, "utf-8")
    assert run(tmp_path / "mine.txt").scenario == "mine"
    python = tmp_path / "ours.py"
    python.write_text(
        "TOPOLOGY = '1m'\n"
        "HOLDS = ['every node is usable']\n"
        "def scenario(cluster):\n"
        "    '''One is killed.'''\n"
        "    cluster.kill('broker-a')\n"
        "    cluster.run(seconds=30)\n"
        "    assert cluster.now_s < 10, 'it takes long'\n",
        "utf-8",
    )
    found = run(python)
    assert (found.scenario, found.about) == ("ours", "One is killed.")
    assert [str(one) for one in found.findings] == [
        "DOES NOT HOLD: it takes long (asserted)",
        "DOES NOT HOLD: every node is usable (1)",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "bad.py has no function 'scenario"),
        (
            "def scenario(cluster):\n",
            "bad.py cannot be run: IndentationError: .*line 1",
        ),
        ("import nowhere_at_all\n", "bad.py cannot be run: ModuleNotFoundError: No"),
        ("HOLDS = ['x']\ndef scenario(cluster): ...\n", "HOLDS:1: 'x': expected what"),
        ("TOPOLOGY = '5m'\ndef scenario(cluster): ...\n", "no topology '5m'"),
    ],
)
def test_a_file_of_python_that_is_no_scenario_says_why(tmp_path, text, said):
    (tmp_path / "bad.py").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        run(tmp_path / "bad.py")


def test_a_scenario_that_is_not_there_names_those_that_are():
    with pytest.raises(ScenarioError, match=r"name a file, or one of .*hour,"):
        run("hours")


# The same seed


def recorded(seed):
    recorder = Recorder()
    outcome = short("random faults kill, crash every 9s", seed=seed, record=recorder)
    return outcome, list(recorder.lines())


def test_the_same_seed_gives_the_same_events_and_another_one_others():
    first, second, other = recorded(3), recorded(3), recorded(4)
    assert first == second
    assert first[1] != other[1]


def test_an_observer_is_told_what_happens_from_the_first_start_on():
    told = []
    short(observer=lambda at_s, kind, facts: told.append((at_s, kind)))
    assert told[0] == (0.0, "node")
    assert {"connected", "sent", "told", "consumed", "log"} <= {
        kind for _, kind in told
    }


def test_the_order_of_hashes_changes_nothing():
    def played(hash_seed):
        done = subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, STRESS],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        )
        return json.loads(done.stdout)

    assert played("1") == played("2")


def test_an_outcome_without_findings_has_held():
    assert Outcome("none", "", "1m", 0).held
