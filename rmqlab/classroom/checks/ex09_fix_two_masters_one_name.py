"""Exercise 09: two masters of one name."""

from __future__ import annotations

from collections import Counter

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("09_fix_two_masters_one_name", topology="2m-noslave")

MASTERS = ["broker-a", "broker-b"]
EACH, LATE = 20, 40
"""Orders taken by each of the two while they had one name; sent after the mending."""


def as_found() -> dict[str, str]:
    """Return the two files as somebody left them, by node."""
    nodes = topology.load("2m-noslave").nodes
    files = {one.name: one.text or "" for one in nodes if one.name in MASTERS}
    copied = files["broker-b"].replace("brokerName=broker-b", "brokerName=broker-a")
    return files | {"broker-b": copied}


@EXERCISE.check(points=4)
def each_name_is_one_master(see: Witness) -> None:
    """The name server knows both masters, each under the name of its own."""
    known = {name: one.broker_addrs for name, one in see.brokers().brokers.items()}
    wanted = {name: {0: see.node(name).address} for name in MASTERS}
    if known != wanted:
        fail(
            expected=f"{wanted}",
            found=f"{known}",
            why="of each name and broker id the name server keeps one address, that of "
            "whoever registered last; the other one's queues are nowhere",
            next_step="compare brokerName in both files; who had the name first "
            "keeps it",
            reproduce=f"rmqlab admin clusterList -n '{see.cluster.name_servers}'",
        )


@EXERCISE.check(points=3)
def every_order_is_served(see: Witness) -> None:
    """The orders that each of the two took under the one name are all served."""
    found = dict.fromkeys(MASTERS, 0)
    for broker, body in _stored(see):
        found[broker] += body.startswith(f"{see.nonce}-{broker}-")
    if found != dict.fromkeys(MASTERS, EACH):
        fail(
            expected=f"{EACH} orders of each of {MASTERS}",
            found=f"{found}",
            why="a store knows nothing of its broker's name: under a new one it "
            "serves what it has, wiped or switched off it does not",
            next_step="leave both stores as they are, and both brokers running",
            reproduce=see.look("topicStatus", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def new_orders_are_shared(see: Witness) -> None:
    """Producers take both masters in turn."""
    late = Counter(
        broker for broker, body in _stored(see) if body.startswith(f"{see.nonce}-late-")
    )
    if late != dict.fromkeys(MASTERS, LATE // 2):
        fail(
            expected=f"{LATE // 2} of {LATE} late orders on each of {MASTERS}",
            found=f"{dict(late)}",
            why="a broker that was reachable half of the time only looked like two",
            next_step="look whether the topic is writable on both",
            reproduce=see.look("topicRoute", see.topic("orders")),
        )


def _stored(see: Witness) -> set[tuple[str, str]]:
    """Return broker name and text of all orders that are served."""
    topic = see.topic("orders")
    return {
        (one.broker_name, one.body.decode("utf-8", "replace"))
        for one in (see.messages(topic) if see.route(topic) else [])
        if one.broker_name in MASTERS
    }
