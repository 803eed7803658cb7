"""Exercise 05: No route info of this topic."""

from __future__ import annotations

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import topic_lines
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("05_fix_no_route", topology="2m-noslave")

MASTERS = ["broker-a", "broker-b"]
ORDERS = 20
"""Sent by the application in the end."""
AUTO_CREATE = "autoCreateTopicEnable"


def as_found() -> dict[str, str]:
    """Return the two files as somebody left them, by node."""
    files = {one.name: one.text or "" for one in topology.load("2m-noslave").nodes}
    both = "rocketmq-nameserver1:9876;rocketmq-nameserver2:9876"
    strict = {
        name: files[name].replace(f"{AUTO_CREATE}=true", f"{AUTO_CREATE}=false")
        for name in MASTERS
    }
    return strict | {
        "broker-a": strict["broker-a"].replace(both, "rocketmq-nameserver2:9876")
    }


@EXERCISE.check(points=4)
def every_name_server_knows_the_topic(see: Witness) -> None:
    """Both name servers say that the topic may be written to on both brokers."""
    known = see.known_by_each(see.topic("orders"))
    if set(map(tuple, known.values())) != {tuple(MASTERS)}:
        fail(
            expected=f"{MASTERS} at each name server",
            found=f"{known}",
            why="name servers never talk to each other: each knows what brokers told "
            "it, and an application may ask any of them",
            next_step="see with `-n` of each name server who is registered there; "
            "mend namesrvAddr, and create the topic where it is missing",
            reproduce=see.look("topicRoute", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def the_application_is_served(see: Witness) -> None:
    """All orders of the application are stored, on both brokers."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    wanted = {f"{see.nonce}-{number}".encode() for number in range(ORDERS)}
    found = {one.broker_name for one in stored if one.body in wanted}
    missing = wanted - {one.body for one in stored}
    if missing or found != set(MASTERS):
        fail(
            expected=f"{ORDERS} orders, shared by {MASTERS}",
            found=f"{ORDERS - len(missing)}, on {sorted(found) or 'no broker'}",
            why="the application asks one name server only, and takes in turn the "
            "queues that it is told of",
            next_step="mend what the check above complains of; the application itself "
            "is right as it is",
            reproduce=see.look("topicStatus", topic),
        )


@EXERCISE.check(points=3)
def it_was_created_on_purpose(see: Witness) -> None:
    """The topic is on both brokers alike, and neither makes topics by itself."""
    lines = topic_lines(see, see.topic("orders"))
    automatic = {name: see.settings(name)[AUTO_CREATE] for name in MASTERS}
    is_alike = sorted(lines) == MASTERS and len(set(lines.values())) == 1
    if not is_alike or set(automatic.values()) != {"false"}:
        fail(
            expected=f"equal lines for {MASTERS}, and {AUTO_CREATE}=false on both",
            found=f"(read, write, perm) by broker: {lines}; {AUTO_CREATE}: {automatic}",
            why="switched on it would hide the fault, and the next topic would live on "
            "whichever broker gets its first message",
            next_step=f"leave {AUTO_CREATE} as you found it, and create the topic on "
            "the cluster",
            reproduce=see.look("topicRoute", see.topic("orders")),
        )
