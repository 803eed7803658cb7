"""The demo: one short real walk, and what it prints of given ones."""

from __future__ import annotations

from collections import Counter

import pytest

from rmqlab.classroom import demo
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.demo import LESSONS, MODES, Walk
from rmqlab.classroom.traffic import Report, Sent
from tests.classroom.conftest import run, run_json

SENT = [
    Sent("a", 0.0, 0.5, "SEND_OK"),
    Sent("b", 1.0, 0.5, "FLUSH_SLAVE_TIMEOUT"),
    Sent("c", 2.0, 0.5, "refused"),
    Sent("d", 2.5, 0.5, "refused"),
    Sent("e", 3.0, 0.5, "unanswered"),
]
COUNTS = ("5", "2", "1", "2", "1", "1", "1", "1.50", "s")


@pytest.fixture
def walks(monkeypatch):
    """Have every cluster's walk end with the same counts."""

    def walked(topology, seconds):
        yield f"{seconds:g} s in {topology}"
        yield Walk(topology, 0.125, Report(SENT, Counter("bb")))

    monkeypatch.setattr(demo, "walk", walked)


def test_a_walk_kills_the_master_and_counts(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    told = [
        (what, Cluster.attach("demo-1m").node("broker-a").state)
        for what in demo.walk("1m", seconds=0.6)
    ]
    (start, _), *kill, (found, _) = told
    assert start.startswith("2 nodes, usable after ")
    assert kill == [("broker-a is killed", "killed"), ("broker-a is back", "usable")]
    assert found.report.acknowledged
    assert not found.report.missing
    assert found.startup_s > 0


def test_every_mode_has_its_lesson():
    assert list(LESSONS) == list(MODES)


def test_all_four_modes_stand_side_by_side(walks):
    said = run("demo").stdout
    rows = {tuple(line.split()) for line in said.splitlines()}
    assert {(mode, *COUNTS) for mode in MODES} <= rows
    for mode in MODES:
        assert f"{mode}  {LESSONS[mode]}" in said
        assert f"6 s in {mode}" in said


def test_the_words_of_the_table_are_explained(walks):
    said = run("demo").stdout
    assert all(f"{word}: " in said for word in "acked refused unknown lost".split())


def test_in_json_there_is_one_object_and_nothing_else(walks):
    found = run_json("demo", "--seconds", "1")
    assert found["schema"] == 1
    assert [one["topology"] for one in found["walks"]] == list(MODES)
    assert found["walks"][0] == {
        "topology": "1m",
        "startup_s": 0.12,
        "killed": "broker-a",
        "sent": 5,
        "outcomes": {
            "SEND_OK": 1,
            "FLUSH_SLAVE_TIMEOUT": 1,
            "refused": 2,
            "unanswered": 1,
        },
        "acknowledged": 2,
        "consumed": 1,
        "missing": 1,
        "doubled": 1,
        "surprising": 0,
        "longest_pause_s": 1.5,
    }
