"""The table of waiting pulls: who is let go, by which message, and when."""

from __future__ import annotations

import pytest

from rmqlab.broker.tables.holds import Arrived, Hold, PullHolds

QUEUE, OTHER = ("orders", 0), ("orders", 1)


def hold(name="pull", queue=QUEUE, offset=5, deadline_ms=15_000, codes=(), peer="c1"):
    def wants(message):
        return not codes or message.tags_code in codes

    return Hold(name, peer, queue, offset, deadline_ms, wants)


def message(tags_code):
    return Arrived(tags_code, {})


@pytest.fixture
def holds():
    return PullHolds(most=3)


def test_a_pull_ahead_of_the_queue_is_held_until_the_message_arrives(holds):
    holds.add(hold(offset=5))
    assert holds.arrived(QUEUE, end=5) == []
    assert holds.arrived(QUEUE, end=6) == ["pull"]


def test_a_pull_is_let_go_once(holds):
    holds.add(hold())
    holds.arrived(QUEUE, end=6)
    assert holds.arrived(QUEUE, end=7) == []
    assert len(holds) == 0


def test_a_message_lets_pulls_of_its_own_queue_go_only(holds):
    holds.add(hold("mine"))
    holds.add(hold("theirs", OTHER))
    assert holds.arrived(QUEUE, end=6) == ["mine"]
    assert holds.queues() == [OTHER]


def test_a_message_lets_go_who_wants_it(holds):
    holds.add(hold("wants 7", codes={7}))
    holds.add(hold("wants 8", codes={8}))
    holds.add(hold("wants all"))
    assert holds.arrived(QUEUE, 6, message(7)) == ["wants 7", "wants all"]
    assert len(holds) == 1


def test_without_a_message_everybody_behind_the_end_is_let_go(holds):
    holds.add(hold("wants 7", codes={7}))
    assert holds.arrived(QUEUE, end=6) == ["wants 7"]


def test_a_pull_is_let_go_at_its_deadline_and_not_before(holds):
    holds.add(hold("early", deadline_ms=1000))
    holds.add(hold("late", OTHER, deadline_ms=2000))
    assert holds.expired(999) == []
    assert holds.expired(1000) == ["early"]
    assert holds.queues() == [OTHER]


def test_pulls_are_let_go_in_the_order_in_which_they_came(holds):
    for name in "abc":
        holds.add(hold(name))
    assert holds.arrived(QUEUE, end=6) == ["a", "b", "c"]


def test_a_pull_of_a_connection_that_ended_is_forgotten(holds):
    holds.add(hold("theirs", peer="c2"))
    for queue in (QUEUE, OTHER):
        holds.add(hold("mine", queue))
    holds.hung_up("c1")
    assert holds.queues() == [QUEUE]
    assert holds.arrived(QUEUE, end=6) == ["theirs"]
    holds.hung_up("c1")
    assert len(holds) == 0


def test_no_more_pulls_are_held_than_the_limit_until_one_is_let_go(holds):
    assert [holds.add(hold()) for _ in range(4)] == [True, True, True, False]
    holds.arrived(QUEUE, end=6)
    assert holds.add(hold())
