"""Traffic: what its report counts, one real run, and what sending costs."""

from __future__ import annotations

from collections import Counter

import pytest

from rmqlab.classroom.demo import MODES, Walk, demo, walk
from rmqlab.classroom.traffic import Report, Sent
from rmqlab.client.producer import SendStatus

OUTCOMES = [
    ("a", "SEND_OK"),
    ("b", "SLAVE_NOT_AVAILABLE"),
    ("c", "FLUSH_SLAVE_TIMEOUT"),
    ("d", "refused"),
    ("e", "unanswered"),
]


def report(consumed="", outcomes=OUTCOMES):
    sent = [
        Sent(key, float(at), 0.5, outcome) for at, (key, outcome) in enumerate(outcomes)
    ]
    return Report(sent, Counter(consumed))


def test_acknowledged_is_what_some_broker_has():
    assert report().acknowledged == {"a", "b", "c"}
    assert report().outcomes == dict.fromkeys(dict(OUTCOMES).values(), 1)


@pytest.mark.parametrize(
    ("consumed", "missing", "doubled", "surprising"),
    [
        ("", "abc", "", ""),
        ("abc", "", "", ""),
        ("aabc", "", "a", ""),
        ("ace", "b", "", "e"),
        ("abcee", "", "e", "e"),
    ],
)
def test_what_was_consumed_is_held_against_what_was_acknowledged(
    consumed, missing, doubled, surprising
):
    found = report(consumed)
    assert found.missing == set(missing)
    assert found.doubled == set(doubled)
    assert found.surprising == set(surprising)


def test_the_longest_pause_is_between_two_acknowledgements():
    outcomes = [("a", "SEND_OK"), ("b", "refused"), ("c", "refused"), ("d", "SEND_OK")]
    assert report(outcomes=outcomes).longest_pause_s == 3.0
    assert Report().longest_pause_s == 0.0


def test_traffic_is_acknowledged_and_consumed_once_each(one_master):
    with one_master.traffic("deliveries") as traffic:
        traffic.wait_for(30)
        found = traffic.stop()
    assert found.outcomes == {"SEND_OK": len(found.sent)}
    assert found.consumed == Counter({one.key: 1 for one in found.sent})
    assert traffic.stop() is found  # again does no harm


def test_the_cost_of_sending_is_counted_from_real_sends(one_master):
    cost = one_master.cost("load", senders=4, seconds=0.2)
    assert cost.senders == 4
    assert set(cost.statuses) == {SendStatus.SEND_OK}
    assert 0 < cost.median_ms <= cost.p99_ms
    assert 0 < cost.per_second * 0.05 <= sum(cost.statuses.values())


def test_a_walk_of_the_demo_kills_a_master_and_counts(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    *said, found = walk("2m-noslave", seconds=0.6)
    assert said[0].startswith("4 nodes, usable after ")
    assert said[1:] == ["broker-a is killed", "broker-a is back"]
    assert found.report.acknowledged
    assert not found.report.missing


def test_the_demo_shows_all_four_modes_side_by_side(monkeypatch, capsys):
    walks = [Walk(mode, 1.0, report("aabc")) for mode in MODES]
    monkeypatch.setattr("rmqlab.classroom.demo.walk", lambda mode, _: [walks.pop(0)])
    demo(seconds=1, as_json=False)
    said = capsys.readouterr().out
    rows = {tuple(line.split()) for line in said.splitlines()}
    counts = ("5", "3", "1", "1", "1", "0", "1", "1.00", "s")
    assert {(mode, *counts) for mode in MODES} <= rows
