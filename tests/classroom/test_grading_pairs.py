"""Grading incidents of pairs: a log that went another way, two masters of a name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex09_fix_diverged_slave as diverged
from rmqlab.classroom.checks import ex09_fix_two_masters_one_name as one_name
from rmqlab.protocol.bodies import BrokerData, ClusterInfo
from tests.classroom.graded import found

OLD = [f"n-old-{number}" for number in range(diverged.OLD)]
PAIR = {"broker-a": {0: "at broker-a", 1: "at broker-a-s"}}
BOTH = {"broker-a": {0: "at broker-a"}, "broker-b": {0: "at broker-b"}}


COPY = b"".join(b"n-new-%d" % number for number in range(diverged.NEW))


def seen(known, stored=(), logs=(COPY, COPY), ends=(3, 3), answers=()):
    """Return what a check sees of some brokers; `logs`, `ends`: master's, slave's."""
    brokers = {name: BrokerData("c", name, one) for name, one in known.items()}
    pair = ("broker-a", "broker-a-s")
    end_of = dict(zip(pair, ends, strict=True))
    return SimpleNamespace(
        nonce="n",
        cluster=SimpleNamespace(name="c", name_servers="n:9876"),
        look_at_nodes="rmqlab status",
        look=lambda command, topic: f"{command} -t {topic}",
        topic=lambda name: name,
        route=lambda topic: True,
        brokers=lambda: ClusterInfo(brokers, {}),
        node=lambda name: SimpleNamespace(
            address=f"at {name}", log_end=end_of.get(name)
        ),
        log_bytes=lambda name: dict(zip(pair, logs, strict=True))[name],
        messages=lambda topic: [
            SimpleNamespace(broker_name=name, body=body.encode())
            for name, body in stored
        ],
        answers=lambda: dict(answers),
    )


def new(count=diverged.NEW):
    return [("broker-a", f"n-new-{number}") for number in range(count)]


def orders(early=one_name.EACH, late=one_name.LATE, brokers=one_name.MASTERS):
    own = [(one, f"n-{one}-{number}") for one in brokers for number in range(early)]
    return own + [(brokers[i % len(brokers)], f"n-late-{i}") for i in range(late)]


def test_a_pair_in_step_and_two_masters_of_two_names_are_what_is_wanted():
    mended = seen(PAIR, new(), answers={"only_there": OLD})
    assert [found(one.run, mended) for one in diverged.EXERCISE.checks.values()] == [
        ""
    ] * 3
    mended = seen(BOTH, orders())
    assert [found(one.run, mended) for one in one_name.EXERCISE.checks.values()] == [
        ""
    ] * 3


@pytest.mark.parametrize(
    ("sees", "said"),
    [
        ({"logs": (b"new", b"old")}, "end at {'broker-a': 3, 'broker-a-s': 3}"),
        ({"logs": (b"", b"")}, "end at"),
        ({"ends": (3, None)}, "'broker-a-s': None"),
        ({"known": {"broker-a": {0: "at broker-a"}}}, "registered: {0: 'at broker-a'}"),
        ({"known": {"broker-a": {0: "at broker-a-s"}}}, "{0: 'at broker-a-s'}"),
        ({"known": {}}, "registered: {};"),
    ],
)
def test_a_slave_that_is_no_copy_is_told_so(sees, said):
    assert said in found(
        diverged.the_slave_follows_again, seen(**{"known": PAIR} | sees)
    )


@pytest.mark.parametrize(
    ("count", "log", "said"),
    [
        (0, COPY, "0 of them served, 10 in"),
        (9, COPY, "9 of them served"),
        (10, b"n-old-0", "10 of them served, 0 in"),
    ],
)
def test_a_pair_that_lost_what_came_since_is_told_so(count, log, said):
    sees = seen(PAIR, [*new(count), ("broker-a", OLD[0])], logs=(COPY, log))
    assert said in found(diverged.what_came_since_is_kept, sees)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (None, "0 texts"),
        ("n-old-0", "0 texts"),
        (OLD[1:], "29 texts, 29 of them right"),
        ([*OLD, OLD[0]], "31 texts, 30 of them right"),
        ([*OLD, "n-new-0"], "31 texts, 30 of them right"),
        ([1, 2], "2 texts, 0 of them right"),
    ],
)
def test_who_names_other_orders_than_the_slave_alone_had_is_told_so(named, said):
    sees = seen(PAIR, answers={"only_there": named})
    assert said in found(diverged.what_only_the_slave_had_is_named, sees)


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (one_name.each_name_is_one_master, {"known": PAIR}, "1: 'at broker-a-s'"),
        (
            one_name.each_name_is_one_master,
            {"known": {"broker-a": {0: "at broker-b"}}},
            "; {'broker-a': {0: 'at broker-b'}}",
        ),
        (
            one_name.each_name_is_one_master,
            {"known": {"broker-a": BOTH["broker-b"], "broker-b": BOTH["broker-a"]}},
            "{'broker-a': {0: 'at broker-b'}",
        ),
        (one_name.every_order_is_served, {"stored": orders(early=19)}, "19"),
        (
            one_name.every_order_is_served,
            {"stored": orders(brokers=["broker-a"])},
            "'broker-b': 0",
        ),
        (one_name.new_orders_are_shared, {"stored": orders(late=38)}, "'broker-a': 19"),
        (
            one_name.new_orders_are_shared,
            {"stored": orders(brokers=["broker-a"])},
            "{'broker-a': 40}",
        ),
    ],
)
def test_two_masters_that_are_still_one_are_told_so(check, sees, said):
    assert said in found(check, seen(**{"known": BOTH} | sees))


def test_the_incident_begins_with_a_file_that_was_copied_name_and_all():
    files = one_name.as_found()
    assert sorted(files) == one_name.MASTERS
    assert files["broker-a"] == files["broker-b"]
    assert "brokerName=broker-a\n" in files["broker-b"]
