"""Which brokers a producer leaves alone, and for how long."""

from __future__ import annotations

import pytest

from rmqlab.client.faults import FaultTable


@pytest.mark.parametrize(
    ("took_ms", "alone_s"),
    [(0, 0), (49, 0), (100, 0), (549, 0), (550, 30), (1000, 60), (2000, 120),
     (3000, 180), (14_999, 180), (15_000, 600), (90_000, 600)],
)  # fmt: skip
def test_a_slow_broker_is_left_alone_the_longer_the_slower_it_was(took_ms, alone_s):
    table = FaultTable()
    table.answered("broker-a", took_ms, now_ms=1000)
    assert table.is_available("broker-a", 1000 + alone_s * 1000)
    assert alone_s == 0 or not table.is_available("broker-a", 999 + alone_s * 1000)


def test_a_broker_that_failed_is_left_alone_for_ten_minutes():
    table = FaultTable()
    table.failed("broker-a", now_ms=0)
    assert not table.is_available("broker-a", 599_999)
    assert table.is_available("broker-a", 600_000)


def test_a_broker_that_nobody_asked_yet_is_available():
    assert FaultTable().is_available("broker-a", 0)


def test_a_quick_answer_makes_good_what_was_before():
    table = FaultTable()
    table.failed("broker-a", 0)
    table.answered("broker-a", 5, 10)
    assert table.is_available("broker-a", 10)


def test_the_least_bad_are_the_better_half_in_turn():
    table = FaultTable()
    assert table.least_bad(0) is None
    for name, took_ms in (("a", 3000), ("b", 600), ("c", 900), ("d", 20_000)):
        table.answered(name, took_ms, 0)
    assert {table.least_bad(1) for _ in range(4)} == {"b", "c"}
