"""Grading lists of what a firewall is to let through, by what fails behind it."""

from __future__ import annotations

import pytest

from rmqlab.classroom import topology
from rmqlab.classroom.checks import ex12_open_ports as ports
from rmqlab.classroom.checks.walled import day
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.classroom.runtime import ClusterError
from tests.classroom.graded import found, solution

RULES, RULES_FOR = solution(ports.EXERCISE.id)
NEEDED = set(Trial.of(ports.EXERCISE.id, VISIBLE_SEED, [RULES]).answers["rules"])


def trial(rules=RULES, rules_for=RULES_FOR, seed=VISIBLE_SEED):
    text = rules if rules is RULES else f"rules = {rules!r}"
    return Trial.of(ports.EXERCISE.id, seed, [text, rules_for])


@pytest.mark.parametrize(
    ("missing", "trouble"),
    [
        (("client", "host1", 9876), "has only namesrv1 left is told nothing"),
        (("client", "host1", 10911), "an order to broker-a: "),
        (("client", "host1", 10909), "4.4.0 gets no answer from broker-a"),
        (("client", "host1", 11011), "while broker-b is dead"),
        (("client", "host1", 11009), "4.4.0 gets no answer from broker-b-s"),
        (("host2", "host1", 9876), "namesrv1 has never heard of broker-b"),
        (("host2", "host1", 10909), "broker-a-s does not know the topic"),
        (("host2", "host1", 10911), "broker-a-s does not know how far"),
        (("host2", "host1", 10912), "an order to broker-a: SLAVE_NOT_AVAILABLE"),
    ],
)
def test_each_rule_that_is_missing_has_a_trouble_of_its_own(missing, trouble):
    said = found(ports.everything_gets_through, trial(sorted(NEEDED - {missing})))
    assert trouble in said.partition("; ")[2][:200]


@pytest.mark.parametrize(
    "spare", [("client", "host2", 11012), ("host1", "host2", 11011)]
)
def test_a_rule_that_nobody_needs_is_named(spare):
    asked = trial(sorted(NEEDED | {spare}))
    assert found(ports.everything_gets_through, asked) == ""
    assert f"{spare}: in a whole day nobody" in found(ports.nothing_else_is_open, asked)


@pytest.mark.parametrize("few", [[], sorted(NEEDED)[:-1]])
def test_too_few_rules_are_not_as_few_as_will_do(few):
    assert f"{len(few)} rules, which are too few" in found(
        ports.nothing_else_is_open, trial(few)
    )


@pytest.mark.parametrize("seed", range(40, 44))
def test_the_right_rules_are_enough_whatever_the_seed(seed):
    chosen = ports.elsewhere(seed)
    used = day(chosen, None, seed).used
    assert day(chosen, used, seed + 1) == ([], used)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("(-2, 0, 1)", "(0, 1)", "(2 missing, 0 too many)"),
        ('one["role"] != "SLAVE"', "True", "(0 missing, 6 too many)"),
        ('other["host"] != there', "True", "too many)"),
        ("port - 2", "10909", "(4 missing, 2 too many)"),
        ("return rules", "return []", "is missing"),
        ("return rules", "return [['client', 'host9', 1]]", "'host9'"),
        ("return rules", "return rules * 2", ""),
    ],
)
def test_a_function_is_tried_on_clusters_that_nobody_has_seen(old, new, complaint):
    assert old in RULES_FOR
    asked = trial(rules_for=RULES_FOR.replace(old, new), seed=5)
    said = found(ports.another_cluster_is_opened_too, asked)
    assert complaint in said
    assert bool(said) == bool(complaint)


@pytest.mark.parametrize(
    "rubbish",
    [
        "everything",
        ["client"],
        [("client", "host1")],
        [("client", "host1", "9876")],
        [("client", "host1", True)],
        [("anywhere", "host1", 9876)],
        [("client", "host1", port) for port in range(9000, 9999)],
        [[["client"], "host1", 9876]],
    ],
)
def test_what_is_no_list_of_rules_is_no_pass(rubbish):
    for check in (ports.everything_gets_through, ports.nothing_else_is_open):
        assert "rules" in found(check, trial(rubbish))


def test_a_rule_for_a_host_that_there_is_not_is_refused():
    with pytest.raises(ClusterError, match="no host 'host9'"):
        ports.tried([("client", "host9", 9876)])


def test_no_list_and_no_function_is_no_pass():
    nothing = Trial(ports.EXERCISE.id, VISIBLE_SEED)
    for check in ports.EXERCISE.checks.values():
        assert found(check.run, nothing)


def test_the_list_is_that_of_the_articles_cluster():
    used = day(topology.load(ports.EXERCISE.topology), None, seed=9).used
    assert used == NEEDED
