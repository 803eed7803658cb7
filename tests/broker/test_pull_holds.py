"""The table of waiting pulls: who is let go, by which message, and when."""

from __future__ import annotations

import pytest

from rmqlab.broker.tables.holds import Hold, PullHolds

QUEUE, OTHER = ("orders", 0), ("orders", 1)


def hold(name="pull", offset=5, deadline_ms=15_000, codes=()):
    return Hold(name, offset, deadline_ms, lambda code: not codes or code in codes)


@pytest.fixture
def holds():
    return PullHolds()


def test_a_pull_ahead_of_the_queue_is_held_until_the_message_arrives(holds):
    holds.add(QUEUE, hold(offset=5))
    assert holds.arrived(QUEUE, end=5) == []
    assert holds.arrived(QUEUE, end=6) == ["pull"]


def test_a_pull_is_let_go_once(holds):
    holds.add(QUEUE, hold())
    holds.arrived(QUEUE, end=6)
    assert holds.arrived(QUEUE, end=7) == []
    assert len(holds) == 0


def test_a_message_lets_pulls_of_its_own_queue_go_only(holds):
    holds.add(QUEUE, hold("mine"))
    holds.add(OTHER, hold("theirs"))
    assert holds.arrived(QUEUE, end=6) == ["mine"]
    assert holds.queues() == [OTHER]


def test_a_message_lets_go_who_wants_its_tag(holds):
    holds.add(QUEUE, hold("wants 7", codes={7}))
    holds.add(QUEUE, hold("wants 8", codes={8}))
    holds.add(QUEUE, hold("wants all"))
    assert holds.arrived(QUEUE, end=6, tags_code=7) == ["wants 7", "wants all"]
    assert len(holds) == 1


def test_without_a_tag_everybody_behind_the_end_is_let_go(holds):
    holds.add(QUEUE, hold("wants 7", codes={7}))
    assert holds.arrived(QUEUE, end=6) == ["wants 7"]


def test_a_pull_is_let_go_at_its_deadline_and_not_before(holds):
    holds.add(QUEUE, hold("early", deadline_ms=1000))
    holds.add(OTHER, hold("late", deadline_ms=2000))
    assert holds.expired(999) == []
    assert holds.expired(1000) == ["early"]
    assert holds.queues() == [OTHER]


def test_pulls_are_let_go_in_the_order_in_which_they_came(holds):
    for name in "abc":
        holds.add(QUEUE, hold(name))
    assert holds.arrived(QUEUE, end=6) == ["a", "b", "c"]
