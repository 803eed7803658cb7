"""Grading what is said of statuses, and which mode is chosen for which loss."""

from __future__ import annotations

import pytest

from rmqlab.classroom.checks import ex10_choose_mode as choose
from rmqlab.classroom.checks import ex10_predict_statuses as predict
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from tests.classroom.graded import found, solution

[RULES] = solution(predict.EXERCISE.id)
CHOSEN = {
    "clicks": choose.CLICKS.choice,
    "clicks_proof": ["send 40", "burn host1"],
    "payments": choose.PAYMENTS.choice,
    "payments_proof": ["send 10", "cut cable", "send 10", "burn host1"],
    "vault": choose.VAULT.choice,
    "vault_proof_flush": ["send 10", "blackout"] * 5,
    "vault_proof_copy": ["send 10", "cut cable", "send 10", "burn host1"],
}


def rules(old="", new=""):
    """Return the solution's function, a part of it replaced."""
    assert old in RULES
    names = {}
    exec(RULES.replace(old, new), names)
    return names["status_of"]


def said(check, **answers):
    exercise = choose.EXERCISE if "clicks" in answers else predict.EXERCISE
    return found(check, Trial(exercise.id, VISIBLE_SEED, answers))


@pytest.mark.parametrize(
    ("check", "old", "new", "complaint"),
    [
        (
            predict.the_slaves_part_is_predicted,
            'waits = situation["waitStoreMsgOK"]',
            "waits = True",
            "status_of: SEND_OK, where {'waitStoreMsgOK': False",
        ),
        (
            predict.the_slaves_part_is_predicted,
            "> 20",
            "> 100",
            "status_of: SLAVE_NOT_AVAILABLE, where {'slave': 'hangs'",
        ),
        (
            predict.the_slaves_part_is_predicted,
            'situation["brokerRole"] == "SYNC_MASTER"',
            "True",
            "{'brokerRole': 'ASYNC_MASTER'",
        ),
        (
            predict.the_disks_part_is_predicted,
            'min(situation["flush_ms"], limit_ms)',
            'situation["flush_ms"]',
            "status_of: FLUSH_DISK_TIMEOUT",
        ),
        (
            predict.the_disks_part_is_predicted,
            'after_ms < situation["patience_ms"]',
            "True",
            "status_of: NO_ANSWER",
        ),
        (
            predict.both_at_once_are_predicted,
            "elif hangs or",
            'elif word == "SEND_OK" and hangs or',
            "status_of: FLUSH_SLAVE_TIMEOUT",
        ),
    ],
)
def test_a_wrong_rule_is_told_by_a_situation_in_which_it_is_wrong(
    check, old, new, complaint
):
    assert complaint in said(check, status_of=rules(old, new))


@pytest.mark.parametrize("kind", ["slave", "disk", "any"])
def test_no_situation_is_decided_by_a_hairs_breadth(kind):
    for seed in range(100):
        for one in predict.situations(kind, seed):
            waits = ("round_trip_ms", "slaveTimeout"), ("flush_ms", "syncFlushTimeout")
            for took, limit in waits:
                assert abs(one[took] - one[limit]) >= 10
                for end in (took, limit):
                    assert abs(one[end] - one["patience_ms"]) >= 10


@pytest.mark.parametrize(
    ("check", "changed", "complaint"),
    [
        (choose.clicks_keep_to_their_budget, {"clicks": ("3m", "")}, "one of [("),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks": ("2m-noslave", "ASYNC_FLUSH")},
            "at most 10 SEND_OK lost to a fire; 2m-noslave, ASYNC_FLUSH:",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks": ("2m-2s-sync", "ASYNC_FLUSH")},
            "clicks: for 4; 2m-2s-sync, ASYNC_FLUSH: 5",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks_proof": ["send 40"]},
            "0 lost, and 0 by your choice",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks_proof": ["send 40", "blackout"]},
            "faults that befall clicks; blackout",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks_proof": ["set fire"]},
            "'set fire' is none of",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks_proof": ["send 1000"]},
            "'send 1000': 1 to 100",
        ),
        (
            choose.clicks_keep_to_their_budget,
            {"clicks_proof": ["wait 1"] * 13},
            "at most 12 steps",
        ),
        (
            choose.payments_outlive_a_fire,
            {"payments": ("2m-2s-async", "ASYNC_FLUSH")},
            "at most 0 SEND_OK lost to a fire",
        ),
        (
            choose.payments_outlive_a_fire,
            {"payments_proof": ["send 20", "burn host1"]},
            "payments_proof: 2m-2s-async, ASYNC_FLUSH loses more than 0",
        ),
        (
            choose.the_vault_outlives_everything,
            {"vault": ("2m-2s-sync", "ASYNC_FLUSH")},
            "at most 0 SEND_OK lost to a blackout",
        ),
    ],
)
def test_a_choice_is_held_against_its_budget_its_price_and_its_proof(
    check, changed, complaint
):
    assert complaint in said(check, **CHOSEN | changed)


def test_chosen_well_and_proven_it_is_enough():
    assert said(choose.payments_outlive_a_fire, **CHOSEN) == ""
