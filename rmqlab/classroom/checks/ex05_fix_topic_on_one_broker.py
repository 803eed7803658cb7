"""Exercise 05: a topic that lives on one broker."""

from __future__ import annotations

from collections import Counter

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import topic_lines
from rmqlab.classroom.grading.witness import Witness
from rmqlab.protocol.codes import READ_WRITE

EXERCISE = Exercise("05_fix_topic_on_one_broker", topology="2m-noslave")

MASTERS = ["broker-a", "broker-b"]
EARLY, LATE = 30, 40
"""Orders before and after the mending."""
AUTO_CREATE = "autoCreateTopicEnable"


@EXERCISE.check(points=4)
def both_brokers_have_the_topic_alike(see: Witness) -> None:
    """Both brokers have the topic: as many queues, and the same permission."""
    lines = topic_lines(see, see.topic("orders"))
    alike = set(lines.values())
    if sorted(lines) != MASTERS or len(alike) != 1 or min(alike)[2] != READ_WRITE:
        fail(
            expected=f"{MASTERS} with equal numbers of queues, and perm {READ_WRITE}",
            found=f"(read, write, perm) by broker: {lines}",
            why="a broker without the topic idles, and one with fewer queues gets "
            "fewer messages",
            next_step="create the topic once more, on the whole cluster (-c), with as "
            "many queues as it has",
            reproduce=see.look("topicRoute", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def every_order_is_served_and_the_new_ones_are_shared(see: Witness) -> None:
    """No early order is lost, and both brokers get half of the late ones."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    early = {one.body for one in stored if one.body.startswith(b"early-")}
    late = Counter(one.broker_name for one in stored if one.body.startswith(b"late-"))
    half = LATE // len(MASTERS)
    if len(early) != EARLY or late != dict.fromkeys(MASTERS, half):
        fail(
            expected=f"{EARLY} early orders; late ones: {half} on each broker",
            found=f"{len(early)} early orders; late ones: {dict(late)}",
            why="a producer takes all writable queues in turn: what each broker gets "
            "is what the route says",
            next_step="do not delete the topic, its queues would go with it; add it "
            "where it is missing, with as many queues",
            reproduce=see.look("topicStatus", topic),
        )


@EXERCISE.check(points=3)
def it_cannot_happen_again(see: Witness) -> None:
    """The next topic that nobody created is refused, on both brokers."""
    found = {name: see.settings(name)[AUTO_CREATE] for name in MASTERS}
    if set(found.values()) != {"false"}:
        fail(
            expected=f"{AUTO_CREATE}=false on both",
            found=f"{found}",
            why="as long as a first message makes a topic, it makes it on one broker",
            next_step=f"set {AUTO_CREATE}=false in the files of both brokers",
            reproduce=see.look_at_nodes,
        )
