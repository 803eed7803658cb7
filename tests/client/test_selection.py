"""Which queue a key has, and whose turn it is."""

from __future__ import annotations

from random import Random

import pytest

from rmqlab.client.selection import Turns, at_random, by_hash, only
from rmqlab.protocol.message import MessageQueue

QUEUES = [MessageQueue("orders", f"broker-{name}", n) for name in "ab" for n in (0, 1)]
A0, A1, B0, B1 = QUEUES


@pytest.mark.parametrize(
    ("key", "of_four", "of_three"),
    [
        ("", 0, 0),
        ("order-7", 0, 2),  # Java's hash of it is negative
        ("customer-12", 0, 1),
        ("kunde ü", 3, 2),
        ("polygenelubricants", 0, 2),  # the one number whose Math.abs is negative
    ],
)
def test_a_key_has_the_queue_that_java_gives_it(key, of_four, of_three):
    select = by_hash(key)
    assert select(QUEUES) == QUEUES[of_four]
    assert select(QUEUES[:3]) == QUEUES[of_three]


def test_what_is_selected_at_random_is_every_queue_in_time():
    select = at_random(Random(1))
    assert {select(QUEUES) for _ in range(100)} == set(QUEUES)


def test_a_queue_that_is_named_is_taken_whatever_there_is():
    assert only(A1)([B0]) == A1


def round_of(turns, count, failed=None, now_ms=0.0):
    return [turns.next(QUEUES, failed, now_ms) for _ in range(count)]


def test_the_turn_goes_round_all_queues():
    assert round_of(Turns(-1, avoids_faults=False), 5) == [A0, A1, B0, B1, A0]


def test_a_broker_that_has_failed_is_stepped_over_once():
    turns = Turns(-1, avoids_faults=False)
    assert [*round_of(turns, 1, "broker-a"), *round_of(turns, 2)] == [B0, B1, A0]


def test_where_there_is_no_other_broker_the_one_that_failed_has_its_turn():
    turns = Turns(-1, avoids_faults=False)
    assert [turns.next(QUEUES[:2], "broker-a", 0) for _ in range(3)] == [A0, A1, A0]


def test_a_broker_that_failed_is_left_alone_for_ten_minutes_where_faults_are_avoided():
    turns = Turns(-1, avoids_faults=True)
    turns.failed("broker-a", 0)
    assert round_of(turns, 3, now_ms=599_999) == [B0, B1, B0]
    assert round_of(turns, 2, now_ms=600_000) == [B1, A0]


def test_a_slow_broker_is_left_alone_only_where_faults_are_avoided():
    for avoids, expected in ((True, B0), (False, A0)):
        turns = Turns(-1, avoids_faults=avoids)
        turns.answered("broker-a", 550, 0)
        assert turns.next(QUEUES, None, 0) == expected
