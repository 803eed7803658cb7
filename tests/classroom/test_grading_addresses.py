"""Grading a broker's wrong address: known wrong answers fail, each with its reason."""

from __future__ import annotations

import pytest

from rmqlab.classroom.checks import ex02_fix_wrong_address as wrong
from rmqlab.classroom.grading.trial import Trial
from tests.classroom.graded import found, solution

SEED = 7
PORTS = {"client": 0, "old client": -2, "slave": 1}
HOST1, HOST2 = "192.168.157.128", "192.168.157.129"
REACHED = {
    "127.0.0.1": ["host1"],
    HOST1: ["client", "host2", "host1"],
    HOST2: [],
}
KNOWN = [
    (wrong.the_ports_are_known, {"ports": PORTS | {"client": -2}}, "old client"),
    (wrong.the_ports_are_known, {"ports": PORTS | {"old client": 0}}, "serves client"),
    (wrong.the_ports_are_known, {"ports": PORTS | {"slave": 2}}, "serves nobody"),
    (wrong.the_ports_are_known, {"ports": PORTS | {"slave": 10**6}}, "serves nobody"),
    (wrong.the_ports_are_known, {"ports": PORTS | {"slave": "1"}}, "serves nobody"),
    (wrong.the_ports_are_known, {"ports": {}}, "None"),
    (wrong.orders_get_through, {"settings": {}}, "connect to 172.17.0.1:10911 failed"),
    (
        wrong.orders_get_through,
        {"settings": {"brokerIP1": HOST1}},
        "SLAVE_NOT_AVAILABLE (host1)",
    ),
    (
        wrong.orders_get_through,
        {"settings": {"brokerIP2": HOST1}},
        "connect to 172.17.0.1:10911 failed",
    ),
    (
        wrong.orders_get_through,
        {"settings": dict.fromkeys(wrong.KEYS, "127.0.0.1")},
        "host1",
    ),
    (
        wrong.orders_get_through,
        {"settings": dict.fromkeys(wrong.KEYS, HOST2)},
        "20 of 20 orders not on broker-a",
    ),
    (
        wrong.orders_get_through,
        {"settings": dict.fromkeys(wrong.KEYS, "nowhere")},
        "host1",
    ),
    (wrong.orders_get_through, {"settings": {"listenPort": "10913"}}, "listenPort"),
    (
        wrong.orders_get_through,
        {"settings": {"brokerIP1": f"{HOST1}\nflushDiskType=ASYNC_FLUSH"}},
        "flushDiskType",
    ),
    (
        wrong.who_reaches_it_is_known,
        {"reached": REACHED | {"127.0.0.1": ["host1", "host2"]}},
        "127.0.0.1",
    ),
    (wrong.who_reaches_it_is_known, {"reached": REACHED | {HOST1: ["host1"]}}, HOST1),
    (
        wrong.who_reaches_it_is_known,
        {"reached": REACHED | {HOST2: ["host2"]}},
        HOST2,
    ),
    (wrong.who_reaches_it_is_known, {"reached": {}}, "None, which is not"),
]


@pytest.mark.parametrize(("check", "answer", "said"), KNOWN)
def test_a_wrong_answer_about_an_address_is_told_why(check, answer, said):
    assert said in found(check, Trial("02_fix_wrong_address", SEED, answer))


@pytest.mark.parametrize("check", wrong.EXERCISE.checks.values(), ids=lambda c: c.name)
def test_an_address_is_mended_by_the_solution_whatever_the_seed(check):
    for seed in (SEED, 100, 10**8):
        trial = Trial.of("02_fix_wrong_address", seed, solution("02_fix_wrong"))
        assert found(check.run, trial) == ""


def test_the_incident_to_look_into_is_the_one_that_is_graded():
    with wrong.found() as cluster:
        assert {node.state for node in cluster.status().nodes} == {"usable"}
        told = wrong.order(cluster, "client", "one coffee")
        assert "connect to 172.17.0.1:10911 failed" in told
    assert "brokerIP1=172.17.0.1\nbrokerIP2=172.17.0.1\n" in wrong.GIVEN
