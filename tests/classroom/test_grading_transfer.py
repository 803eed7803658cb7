"""Grading a transfer between two banks: answers that nearly hold are told why not."""

from __future__ import annotations

from itertools import count

import pytest

from rmqlab.classroom.checks import ex08_transfer as transfer
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from tests.classroom.graded import found, solution

GOOD_DAYS = transfer.on_good_days_each_transfer_is_in_both_books
DEATHS = transfer.it_survives_the_death_of_its_producer
LATE = transfer.a_late_work_keeps_to_what_was_answered
WORK, CHECK = solution(transfer.EXERCISE.id)


def function(source, name):
    names = {}
    exec(source, names)
    return names[name]


def says(verdict):
    """Return a check that always says so."""
    return lambda given: {"ledger": given["ledger"], "verdict": verdict}


def trusts_the_balance(given):
    ledger, asked = given["ledger"], given["transfer"]
    could = ledger["balance"][asked["account"]] >= asked["amount"]
    return {"ledger": ledger, "verdict": "COMMIT" if could else "ROLLBACK"}


def takes_always(given):
    given["ledger"]["balance"][given["transfer"]["account"]] -= 10
    return {"ledger": given["ledger"], "verdict": "COMMIT"}


def looks_only(given):
    """Answer what the work left, and leave nothing itself."""
    verdicts = given["ledger"].get("verdicts", {})
    verdict = verdicts.get(given["transfer"]["key"], "ROLLBACK")
    return {"ledger": given["ledger"], "verdict": verdict}


def waits_for_the_work(given):
    verdicts = given["ledger"].get("verdicts", {})
    verdict = verdicts.get(given["transfer"]["key"], "UNKNOWN")
    return {"ledger": given["ledger"], "verdict": verdict}


def by_account(name, source):
    """Return the solution, with a mark that two alike transfers share."""
    return function(source.replace('["key"]', '["account"]'), name)


def trial(seed=VISIBLE_SEED, **changed):
    answers = {"work": function(WORK, "work"), "check": function(CHECK, "check")}
    return Trial(transfer.EXERCISE.id, seed, answers | changed)


BY_ACCOUNT = {
    "work": by_account("work", WORK),
    "check": by_account("check", CHECK),
}
ANYWAY = "one of 10 from cleo, whose producer goes well: taken here 10"


@pytest.mark.parametrize(
    ("check", "changed", "said"),
    [
        (GOOD_DAYS, {"work": says("COMMIT")}, "taken here 0, arrived there"),
        (GOOD_DAYS, {"work": says("ROLLBACK")}, "arrived there 0"),
        (GOOD_DAYS, {"work": takes_always}, ANYWAY),
        (GOOD_DAYS, BY_ACCOUNT, "arrived there"),
        (
            DEATHS,
            {"check": says("COMMIT")},
            "dies before its work: taken here 0, arrived there 20",
        ),
        (
            DEATHS,
            {"check": says("ROLLBACK")},
            "dies after its work: taken here 10, arrived there 0",
        ),
        (DEATHS, {"check": says("UNKNOWN")}, "told UNKNOWN then UNKNOWN"),
        (DEATHS, {"check": trusts_the_balance}, "arrived there"),
        (DEATHS, {"check": waits_for_the_work}, "dies before its work"),
        (
            LATE,
            {"check": looks_only},
            "works late, dies after that: taken here 20, arrived there 0",
        ),
    ],
)
def test_a_transfer_that_is_not_whole_is_told_with_its_story(check, changed, said):
    assert said in found(check, trial(**changed))


@pytest.mark.parametrize(
    "gives",
    [
        None,
        {"verdict": "COMMIT"},
        {"ledger": {}, "verdict": "COMMIT"},
        {"ledger": {"balance": {"anna": 1}}, "verdict": "COMMIT"},
        {"ledger": {"balance": transfer.ACCOUNTS}, "verdict": "commit"},
        {"ledger": {"balance": transfer.ACCOUNTS}, "verdict": ["COMMIT"]},
        {"ledger": {"balance": {**transfer.ACCOUNTS, "anna": "60"}},
         "verdict": "COMMIT"},
    ],
)  # fmt: skip
def test_what_is_no_ledger_and_verdict_is_told(gives):
    assert "work: a function" in found(GOOD_DAYS, trial(work=lambda given: gives))


def test_who_only_asked_once_what_became_of_it_has_not_answered_for_good():
    """UNKNOWN first and then the truth: the broker asks again."""
    asked = count()

    def slow(given):
        if next(asked) % 2 == 0:
            return says("UNKNOWN")(given)
        return function(CHECK, "check")(given)

    assert found(DEATHS, trial(check=slow)) == ""


@pytest.mark.parametrize(
    "check", transfer.EXERCISE.checks.values(), ids=lambda c: c.name
)
@pytest.mark.parametrize("seed", [VISIBLE_SEED, 100, 10**8])
def test_the_solution_holds_whoever_dies(check, seed):
    assert found(check.run, trial(seed)) == ""


def test_answers_are_called_apart_from_the_grader():
    sources = [WORK, CHECK]
    told = Trial.of(transfer.EXERCISE.id, VISIBLE_SEED, sources)
    assert found(LATE, told) == ""


def test_a_memory_of_the_process_is_no_ledger():
    """It dies with it: every call of the grader's is in a process of its own."""
    forgetful = [
        "done = {}",
        WORK.replace('ledger.setdefault("verdicts", {})', "done"),
        CHECK.replace('ledger.setdefault("verdicts", {})', "done"),
    ]
    told = Trial.of(transfer.EXERCISE.id, VISIBLE_SEED, forgetful)
    assert "dies after its work: taken here 10, arrived there 0" in found(DEATHS, told)


def test_the_rehearsal_tells_every_kind_of_transfer():
    told = repr(transfer.rehearse(function(WORK, "work"), function(CHECK, "check"), 1))
    assert all(moment.value in told for moment in transfer.Moment)
    assert len(told.splitlines()) == 1 + len(transfer.Moment) * len(transfer.ACCOUNTS)
