"""Grading brokers that advertised an address on the wrong one of two networks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom import exercises
from rmqlab.classroom.checks import ex12_fix_wrong_advertised_address as wrong
from rmqlab.classroom.grading.grader import grade
from rmqlab.classroom.grading.marks import ExitCode
from tests.classroom.graded import found

OUTER = {"broker-a": "192.168.157.128:10911", "broker-a-s": "192.168.157.129:11011"}
HOSTS = {"broker-a": "host1", "broker-a-s": "host2"}
INNER = "172.18.0.2"
ORDERS = [f"n-{number}" for number in range(wrong.ORDERS)]


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    """Stand for what Docker says of the hosts."""
    monkeypatch.setattr(wrong, "addresses", lambda cluster: {"host1": {"inner": INNER}})


def seen(registered=OUTER, told=INNER, master=ORDERS, slave=ORDERS):
    """Return what a check sees of the pair."""
    logs = {"broker-a": master, "broker-a-s": slave}
    pair = SimpleNamespace(broker_addrs=dict(enumerate(registered.values())))
    return SimpleNamespace(
        nonce="n",
        cluster=SimpleNamespace(name_servers="n:9876"),
        look_at_nodes="rmqlab status",
        brokers=lambda: SimpleNamespace(brokers={"broker-a": pair}),
        node=lambda name: SimpleNamespace(
            address=OUTER[name], host=HOSTS[name], log_end=len(logs[name])
        ),
        settings=lambda name: {"brokerIP2": told},
        logged=lambda name: [SimpleNamespace(body=one.encode()) for one in logs[name]],
        log_bytes=lambda name: "".join(logs[name]).encode(),
    )


def test_a_pair_that_clients_reach_and_that_copies_inside_is_what_is_wanted():
    for check in wrong.EXERCISE.checks.values():
        assert found(check.run, seen()) == ""


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (
            wrong.clients_are_told_addresses_that_they_reach,
            {"registered": OUTER | {"broker-a": f"{INNER}:10911"}},
            "{0: '172.18.0.2:10911'",
        ),
        (
            wrong.clients_are_told_addresses_that_they_reach,
            {"registered": OUTER | {"broker-a-s": "172.18.0.3:11011"}},
            "1: '172.18.0.3:11011'",
        ),
        (wrong.orders_from_outside_are_stored, {"master": ORDERS[1:]}, "log; 19"),
        (
            wrong.copies_take_the_inner_network,
            {"told": "192.168.157.128"},
            "20 orders; brokerIP2=192.168.157.128",
        ),
        (wrong.copies_take_the_inner_network, {"slave": []}, "0 orders; brokerIP2"),
        (
            wrong.copies_take_the_inner_network,
            {"master": [*ORDERS, "n-more"]},
            "20 orders; brokerIP2=172.18.0.2",
        ),
    ],
)
def test_addresses_on_the_wrong_network_are_told(check, sees, said):
    assert said in found(check, seen(**sees))


def test_without_docker_nothing_is_graded_and_it_is_said_why(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    one = exercises.entry(wrong.EXERCISE.id)
    marks = grade(one.exercise, one.solution, one.solution)
    assert marks.exit_code == ExitCode.ENVIRONMENT
    assert f"{one.id} needs Docker, and no Docker daemon answers" in marks.problem
