"""Grading a pipeline that keeps the order of each customer."""

from __future__ import annotations

import zlib

import pytest

from rmqlab.classroom.checks import ex07_order_by_customer as pipeline
from rmqlab.classroom.checks.ex07_order_by_customer import Day, Order
from rmqlab.classroom.grading.trial import Trial
from tests.classroom.graded import found, solution

ID = pipeline.EXERCISE.id
SEED = 4711


def by_name(given):
    names = [order["customer"] for order in given["orders"]]
    return [zlib.crc32(name.encode()) % given["queues"] for name in names]


def in_turn(given):
    return [at % given["queues"] for at in range(len(given["orders"]))]


def by_number(given):
    return [order["number"] % given["queues"] for order in given["orders"]]


def always(queue):
    return lambda given: [queue] * len(given["orders"])


def trial(choose=by_name, listener="orderly"):
    return Trial(ID, SEED, {"choose": choose, "listener": listener})


def test_the_solution_is_right():
    answered = Trial.of(ID, SEED, solution(ID))
    for check in pipeline.EXERCISE.checks.values():
        assert found(check.run, answered) == ""


def test_nothing_answered_is_no_pass():
    for check in pipeline.EXERCISE.checks.values():
        assert found(check.run, Trial(ID, SEED)), check.name


def test_a_hash_that_is_another_one_in_every_process_is_told():
    source = (
        "def choose(given):\n"
        '    names = [order["customer"] for order in given["orders"]]\n'
        '    return [hash(name) % given["queues"] for name in names]\n'
    )
    said = found(pipeline.each_customer_has_one_queue, Trial.of(ID, SEED, [source]))
    assert "customers in several queues of 4" in said


@pytest.mark.parametrize("choose", [in_turn, by_number])
def test_a_customer_in_several_queues_is_told(choose):
    said = found(pipeline.each_customer_has_one_queue, trial(choose))
    assert "12 of 12 customers in several queues of 4" in said


@pytest.mark.parametrize(
    ("choose", "said"),
    [
        (always(4), "; 4"),
        (always(-1), "; -1"),
        (always(1.0), "; 1.0"),
        (always(True), "; True"),
        (lambda given: [0], "; [0]"),
        (lambda given: None, "; None"),
    ],
)
def test_what_is_no_choice_of_queues_is_told(choose, said):
    told = found(pipeline.each_customer_has_one_queue, trial(choose))
    assert told.endswith(said)


@pytest.mark.parametrize("choose", [always(0), lambda g: [n % 2 for n in by_name(g)]])
def test_queues_without_customers_are_told(choose):
    said = found(pipeline.the_queues_share_the_work, trial(choose))
    assert "customers by queue: [" in said


@pytest.mark.parametrize(
    ("choose", "listener"), [(by_name, "concurrently"), (in_turn, "orderly")]
)
def test_a_half_of_the_solution_keeps_no_order(choose, listener):
    said = found(pipeline.each_customers_order_is_kept, trial(choose, listener))
    assert "out of order, such as [" in said


@pytest.mark.parametrize("listener", ["", "Orderly", "both"])
def test_a_listener_that_there_is_not_is_told(listener):
    said = found(pipeline.each_customers_order_is_kept, trial(listener=listener))
    assert f"listener = {listener!r}" in said


def test_an_order_counts_when_it_is_cooked_for_the_first_time():
    orders = [Order("anna", 0), Order("anna", 1), Order("ben", 0), Order("ben", 1)]
    day = Day(orders, [*orders[:2], orders[0], orders[3]])
    assert day.missing == {Order("ben", 0)}
    assert day.out_of_order == []
    day.cooked.append(Order("ben", 0))
    assert day.out_of_order == ["ben"]
    assert day.numbers["ben"] == [1, 0]
