"""Grading incidents of routes: no route, and a topic on one broker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex05_fix_no_route as no_route
from rmqlab.classroom.checks import ex05_fix_topic_on_one_broker as one_broker
from rmqlab.protocol.bodies import QueueData, TopicRoute
from tests.classroom.graded import found

BOTH = ["broker-a", "broker-b"]


def seen(known=(BOTH, BOTH), lines=((4, 4, 6), (4, 4, 6)), stored=(), auto="false"):
    """Return what a check sees of two brokers and two name servers."""
    pairs = zip(BOTH, lines, strict=False)
    queues = [QueueData(name, *line) for name, line in pairs]
    messages = [
        SimpleNamespace(broker_name=name, body=body.encode()) for name, body in stored
    ]
    return SimpleNamespace(
        nonce="n",
        look_at_nodes="rmqlab status",
        look=lambda command, topic: f"{command} -t {topic}",
        topic=lambda name: name,
        route=lambda topic: TopicRoute(queues),
        known_by_each=lambda topic: dict(zip(("first", "second"), known, strict=True)),
        messages=lambda topic: messages,
        settings=lambda name: {"autoCreateTopicEnable": auto},
    )


def served(count=no_route.ORDERS, brokers=BOTH):
    return [(brokers[i % len(brokers)], f"n-{i}") for i in range(count)]


def shared(early=one_broker.EARLY, late=one_broker.LATE, brokers=BOTH):
    first = [("broker-a", f"early-{i}") for i in range(early)]
    return first + [(brokers[i % len(brokers)], f"late-{i}") for i in range(late)]


def test_a_topic_that_everybody_knows_is_what_is_wanted():
    for check in no_route.EXERCISE.checks.values():
        assert found(check.run, seen(stored=served())) == ""
    for check in one_broker.EXERCISE.checks.values():
        assert found(check.run, seen(stored=shared())) == ""


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (no_route.every_name_server_knows_the_topic, {"known": ([], BOTH)}, "first"),
        (
            no_route.every_name_server_knows_the_topic,
            {"known": (BOTH, ["broker-b"])},
            "['broker-b']",
        ),
        (no_route.the_application_is_served, {}, "0, on no broker"),
        (
            no_route.the_application_is_served,
            {"stored": served(brokers=BOTH[1:])},
            "['broker-b']",
        ),
        (no_route.the_application_is_served, {"stored": served(19)}, "19, on"),
        (no_route.it_was_created_on_purpose, {"auto": "true"}, "'broker-a': 'true'"),
        (no_route.it_was_created_on_purpose, {"lines": [(4, 4, 6)]}, "(4, 4, 6)}"),
        (
            one_broker.both_brokers_have_the_topic_alike,
            {"lines": [(4, 4, 6)]},
            "{'broker-a': (4, 4, 6)}",
        ),
        (
            one_broker.both_brokers_have_the_topic_alike,
            {"lines": [(4, 4, 6), (8, 8, 6)]},
            "(8, 8, 6)",
        ),
        (
            one_broker.both_brokers_have_the_topic_alike,
            {"lines": [(4, 4, 4), (4, 4, 4)]},
            "(4, 4, 4)",
        ),
        (
            one_broker.every_order_is_served_and_the_new_ones_are_shared,
            {"stored": shared(early=0)},
            "0 early",
        ),
        (
            one_broker.every_order_is_served_and_the_new_ones_are_shared,
            {"stored": shared(brokers=BOTH[:1])},
            "{'broker-a': 40}",
        ),
        (one_broker.it_cannot_happen_again, {"auto": "true"}, "'true'"),
    ],
)
def test_a_route_that_is_still_wrong_is_told_so(check, sees, said):
    assert said in found(check, seen(**sees))


def test_the_incident_begins_with_one_broker_that_one_name_server_does_not_know():
    files = no_route.as_found()
    assert sorted(files) == BOTH
    assert "namesrvAddr=rocketmq-nameserver2:9876\n" in files["broker-a"]
    assert "namesrvAddr=rocketmq-nameserver1:9876;" in files["broker-b"]
    assert all("autoCreateTopicEnable=false\n" in one for one in files.values())
