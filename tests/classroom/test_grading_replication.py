"""Grading incidents of pairs: known wrong answers fail, each with its reason."""

from __future__ import annotations

import pytest

from rmqlab.classroom.checks import ex10_fix_slave_not_available as not_available
from rmqlab.classroom.grading.trial import Trial
from tests.classroom.graded import found, solution

SEED = 7


def changed(exercise, right, wrong):
    """Return a trial of the solution with something in it that is wrong."""
    sources = [one.replace(right, wrong) for one in solution(exercise)]
    assert sources != solution(exercise)
    return Trial.of(exercise, SEED, sources)


def mended(**files):
    """Return a trial of healthy files, but for these lines: node → line."""
    texts = not_available.healthy()
    for name, line in files.items():
        node = name.replace("_", "-")
        texts[node] = not_available.with_line(texts[node], line)
    return Trial("10_fix_slave_not_available", SEED, {"mended": lambda _: texts})


@pytest.mark.parametrize(
    "check", not_available.EXERCISE.checks.values(), ids=lambda c: c.name
)
def test_slaves_are_found_by_the_solution_whatever_the_seed(check):
    for seed in (SEED, 10**8):
        trial = Trial.of("10_fix_slave_not_available", seed, solution("10_fix_slave"))
        assert found(check.run, trial) == ""


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"broker_a": "brokerRole=ASYNC_MASTER"}, "'broker-a': 'ASYNC_MASTER'"),
        ({"broker_b_s": "brokerName=broker-B"}, "'broker-B': [1]"),
        ({"broker_b": "brokerIP2=10.0.0.129"}, "'broker-b': '0'"),
        ({"broker_a_s": "haMasterAddress=rocketmq-master1:10915"}, "'broker-a': '0'"),
        ({"broker_a_s": "haMasterAddress=rocketmq-master1:10911"}, "a port for slaves"),
    ],
)
def test_a_master_without_its_slave_is_told_so(files, said):
    assert said in found(not_available.each_master_has_its_slave, mended(**files))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"broker_b": "brokerIP2=10.0.0.129"}, "SLAVE_NOT_AVAILABLE; SEND_OK for"),
        (
            {"broker_b_s": "haMasterAddress=rocketmq-master1:10912"},
            "SLAVE_NOT_AVAILABLE",
        ),
    ],
)
def test_orders_on_one_machine_are_counted(files, said):
    told = found(not_available.every_order_is_on_two_machines, mended(**files))
    assert all(word in told for word in said.split("; "))


@pytest.mark.parametrize("given", [None, {}, {"broker-c": ""}, {"broker-a": 5}])
def test_what_are_no_files_is_told_so(given):
    trial = Trial("10_fix_slave_not_available", SEED, {"mended": lambda _: given})
    assert found(not_available.each_master_has_its_slave, trial)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            '"another HA port": []',
            '"another HA port": ["broker-a"]',
            "another HA port",
        ),
        ('"another id": []', '"another id": ["broker-a"]', "brokerId=7"),
        ('"another card": ["broker-b"]', '"another card": []', "10.0.0.129"),
        ('"the other master": ["broker-b"]', '"x": []', "None, which"),
    ],
)
def test_a_line_that_is_misunderstood_is_named(right, wrong, said):
    trial = changed("10_fix_slave_not_available", right, wrong)
    assert said in found(not_available.each_line_is_understood, trial)
