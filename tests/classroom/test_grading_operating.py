"""Grading incidents of operating: ignored settings, and two applications in a group."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex14_fix_silent_config as silent
from rmqlab.classroom.checks import ex14_fix_subscription_conflict as conflict
from rmqlab.config import parse_properties, read
from rmqlab.settings import BrokerConfig, StoreConfig
from tests.classroom.graded import found

# Settings that are ignored

MASTER, OTHER = "host1:10911", "host2:11011"


def brokers(settings=None, ids=(0, 1), master=MASTER, logs=None):
    """Return what a check sees of four brokers."""
    pairs = {
        name: SimpleNamespace(broker_addrs=dict.fromkeys(ids, OTHER) | {0: master})
        for name in ("broker-a", "broker-b")
    }
    wanted = {name: dict([pair]) for name, pair in silent.WANTED.items()}
    return SimpleNamespace(
        look_at_nodes="rmqlab status",
        cluster=SimpleNamespace(name_servers="one:9876"),
        settings=lambda name: wanted[name] | (settings or {}),
        brokers=lambda: SimpleNamespace(brokers=pairs),
        node=lambda name: SimpleNamespace(address=MASTER, log_end=3),
        log_bytes=lambda name: (logs or {}).get(name, b"log"),
    )


def test_brokers_that_run_as_was_meant_are_what_is_wanted():
    for check in silent.EXERCISE.checks.values():
        assert found(check.run, brokers()) == ""


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (
            silent.what_was_meant_is_in_force,
            {"settings": {"brokerRole": "ASYNC_MASTER"}},
            "broker-a-s runs with brokerRole='ASYNC_MASTER', meant is 'SLAVE'",
        ),
        (silent.each_pair_has_one_master, {"ids": (0,)}, "'broker-a': [0]"),
        (silent.each_pair_has_one_master, {"master": OTHER}, "'broker-a': False"),
        (
            silent.each_slave_has_its_masters_bytes,
            {"logs": {"broker-b-s": b"another"}},
            "broker-b-s",
        ),
    ],
)
def test_settings_that_are_still_ignored_are_told(check, sees, said):
    assert said in found(check, brokers(**sees))


@pytest.mark.parametrize("name", silent.BROKERS)
def test_each_file_of_the_incident_has_one_line_without_effect(name):
    text = silent.as_found()[name]
    ignored = read(parse_properties(text), BrokerConfig(), StoreConfig())
    assert [f"{one.key}={one.value}" for one in ignored] == [silent.MISWRITTEN[name]]


# Two applications in one group


def groups(billing="g1", paying_back="g2", offsets=None):
    """Return what a check sees of two groups; offsets by group and topic."""
    full = {("g1", "orders"): 40, ("g2", "refunds"): 24}
    table = full if offsets is None else offsets
    return SimpleNamespace(
        topic=lambda name: name,
        look=lambda command, topic: f"{command} -t {topic}",
        answers=lambda: {"groups": {"billing": billing, "paying-back": paying_back}},
        offsets=lambda broker, group, topic: {0: table.get((group, topic), 0)},
    )


def test_two_groups_that_consume_all_of_their_own_are_what_is_wanted():
    for check in conflict.EXERCISE.checks.values():
        assert found(check.run, groups()) == ""


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (
            conflict.each_application_has_a_group_of_its_own,
            {"paying_back": "g1"},
            "'paying-back': 'g1'",
        ),
        (
            conflict.everything_is_consumed_by_who_is_to,
            {"offsets": {("g1", "orders"): 20, ("g2", "refunds"): 24}},
            "{'billing': 20, 'paying-back': 24}",
        ),
        (
            conflict.nobody_is_given_what_is_not_his,
            {"offsets": {("g1", "refunds"): 24}},
            "'billing': {0: 24}",
        ),
    ],
)
def test_groups_that_are_still_in_conflict_are_told(check, sees, said):
    assert said in found(check, groups(**sees))


def test_no_answer_is_no_pass():
    nothing = groups()
    nothing.answers = dict
    for check in conflict.EXERCISE.checks.values():
        assert found(check.run, nothing)
