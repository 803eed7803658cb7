"""Grading incidents of pairs: known wrong answers fail, each with its reason."""

from __future__ import annotations

import pytest

from rmqlab.classroom.checks import ex10_fix_flush_slave_timeout as timeout
from rmqlab.classroom.checks import ex10_fix_slave_not_available as not_available
from rmqlab.classroom.checks import ex13_idempotent_consumer as idempotent
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
    "check", not_available.EXERCISE.checks.values(), ids=lambda one: one.name
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


AGAIN = dict.fromkeys(timeout.OUTCOMES, False) | {timeout.NO_ANSWER: True}
PATIENCE = {"slaveTimeout": 1000, "sendMsgTimeout": 1800}


def shop(patience=PATIENCE, status="SEND_OK", again=AGAIN):
    """Return a trial of a shop with this patience, which expects this status."""
    answers = {
        "patience": patience,
        "again": again,
        "status_after": lambda _: status,
    }
    return Trial("10_fix_flush_slave_timeout", SEED, answers)


@pytest.mark.parametrize(
    "check", timeout.EXERCISE.checks.values(), ids=lambda one: one.name
)
def test_a_hanging_slave_is_lived_with_by_the_solution_whatever_the_seed(check):
    for seed in (SEED, 10**8):
        trial = Trial.of("10_fix_flush_slave_timeout", seed, solution("10_fix_flush"))
        assert found(check.run, trial) == ""


@pytest.mark.parametrize(
    ("patience", "said"),
    [
        (timeout.BY_DEFAULT, "no answer after 1000 ms"),
        (PATIENCE | {"slaveTimeout": 400}, "FLUSH_SLAVE_TIMEOUT after 4"),
        (PATIENCE | {"slaveTimeout": 1900}, "no answer after 1800 ms"),
        ({"slaveTimeout": 2500, "sendMsgTimeout": 4000}, "TIMEOUT after 250"),
        (PATIENCE | {"slaveTimeout": True}, "milliseconds"),
        (PATIENCE | {"slaveTimeout": "1000"}, "milliseconds"),
        ({"slaveTimeout": 1000}, "milliseconds"),
        (PATIENCE | {"sendTimeout": 1}, "milliseconds"),
    ],
)
def test_a_patience_that_is_too_long_or_too_short_is_told_so(patience, said):
    assert said in found(timeout.everybody_is_patient_enough, shop(patience))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SEND_OK": True}, "4 times the order that was sent when all is well"),
        ({"FLUSH_SLAVE_TIMEOUT": True}, "when the slave hangs"),
        ({"no answer": False}, "0 times the order that was sent when the master"),
        ({"SEND_OK": 0}, "True or False"),
        ({"whatever": False}, "True or False"),
    ],
)
def test_orders_that_are_lost_or_doubled_are_counted(wrong, said):
    trial = shop(again=AGAIN | wrong)
    assert said in found(timeout.each_order_is_there_once, trial)


@pytest.mark.parametrize("status", ["FLUSH_DISK_TIMEOUT", "SLAVE_NOT_AVAILABLE", None])
def test_a_status_that_does_not_come_is_told_so(status):
    assert "not what happened" in found(
        timeout.the_statuses_are_foretold, shop(status=status)
    )


BOOKED = 'if one["key"] not in booked'
KNOWN = 'picture["offsets"][picture["asked"]]'


def application(right, wrong):
    """Return a trial of the solution's functions, with something in it wrong."""
    names = {}
    sources = [one.replace(right, wrong) for one in solution("13_idempotent")]
    exec("\n".join(sources), names)
    functions = {name: names[name] for name in ("twice", "book")}
    return Trial("13_idempotent_consumer", SEED, functions)


@pytest.mark.parametrize(
    "check", idempotent.EXERCISE.checks.values(), ids=lambda one: one.name
)
def test_books_are_kept_by_the_solution_whatever_the_seed(check):
    assert found(check.run, application("", "")) == ""
    trial = Trial.of("13_idempotent_consumer", 10**8, solution("13_idempotent"))
    assert found(check.run, trial) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (KNOWN, 'picture["offsets"]["broker-a"]'),
        (KNOWN, 'picture["offsets"]["broker-a-s"]'),
        ("end - known[queue]", "0"),
        ('picture["consumed"].items()', "()"),
    ],
)
def test_a_wrong_guess_of_what_comes_twice_is_told_so(right, wrong):
    trial = application(right, wrong)
    assert "not what happened" in found(idempotent.what_comes_twice_is_foretold, trial)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (BOOKED, "if True"),
        ('one["key"]', 'one["msg_id"]'),
        ('one["key"]', 'str([one["queue"], one["offset"]])'),
        ('one["key"]', 'str([one["account"], one["amount"]])'),
        ('given["books"].get("booked", {})', "{}"),
        ('return {"balance": balance, "booked": booked}', 'return {"booked": booked}'),
        ('return {"balance": balance, "booked": booked}', "return None"),
    ],
)
def test_books_that_count_a_copy_or_drop_a_payment_are_wrong(right, wrong):
    """One that returns nothing ends in an exception of its own, which is told."""
    trial = application(right, wrong)
    assert found(idempotent.nothing_is_booked_twice, trial)


def test_what_is_kept_beside_the_books_is_gone_with_the_application():
    beside = application('given["books"].get("booked", {})', "KEPT")
    beside.answers["book"].__globals__["KEPT"] = {}
    assert found(idempotent.nothing_is_booked_twice, beside) == ""
    beside.answers["book"].__globals__["KEPT"] = {}
    assert found(idempotent.the_books_outlive_their_application, beside)
