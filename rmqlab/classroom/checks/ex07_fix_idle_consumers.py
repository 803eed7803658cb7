"""Exercise 07: more consumers than queues."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import topic_lines
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("07_fix_idle_consumers", topology="2m-noslave")

MASTERS = ["broker-a", "broker-b"]
QUEUES = 2
"""Of the topic on each master, as it was created."""
MEMBERS, ORDERS = 6, 96
ENOUGH = range(MEMBERS // len(MASTERS), 1000)
"""Queues on each master."""
READ_AND_WRITE = 6


@EXERCISE.check(points=4)
def each_member_has_a_queue(see: Witness) -> None:
    """All six members of the group have a queue, and none is idle."""
    group, topic = see.topic("kitchen"), see.topic("orders")
    sizes = sorted(len(queues) for queues in see.shares(group, topic).values())
    idle = MEMBERS - len(sizes) + sizes.count(0)
    if len(sizes) != MEMBERS or idle:
        fail(
            expected=f"{MEMBERS} members with at least one queue each",
            found=f"{idle} idle; shares of {sizes}",
            why="a queue has one consumer of a group at most: who comes when all "
            "queues are taken gets nothing, however much there is to do",
            next_step="count the queues that may be read, on both masters, and let "
            "there be as many as members, or more",
            reproduce=see.look_at_group("consumerStatus", group),
        )


@EXERCISE.check(points=3)
def both_masters_have_the_topic_alike(see: Witness) -> None:
    """Both masters have the same number of queues, to read and to write, and enough."""
    lines = topic_lines(see, see.topic("orders"))
    wanted = [(count, count, READ_AND_WRITE) for count in ENOUGH]
    is_alike = len(set(lines.values())) == 1 and sorted(lines) == MASTERS
    if not is_alike or lines[MASTERS[0]] not in wanted:
        fail(
            expected=f"equal lines on {MASTERS}, with read = write ≥ {ENOUGH[0]} "
            f"and perm {READ_AND_WRITE}",
            found=f"(read, write, perm) by broker: {lines}",
            why="a queue that is only read gets no message, one that is only written "
            "is never consumed; and a master with more queues gets more of everything",
            next_step="change both numbers, -r and -w, and ask the cluster (-c) rather "
            "than one broker (-b)",
            reproduce=see.look("topicRoute", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def every_queue_is_worked_at(see: Witness) -> None:
    """The new queues got orders, and all orders are consumed."""
    group, topic = see.topic("kitchen"), see.topic("orders")
    offsets = {name: see.offsets(name, group, topic) for name in MASTERS}
    consumed = {
        stats.queue: offsets[stats.queue.broker_name].get(stats.queue.queue_id, 0)
        for stats in see.queues(topic)
    }
    busy = sum(1 for count in consumed.values() if count)
    total = sum(consumed.values())
    if total != ORDERS or busy != len(consumed) or busy < MEMBERS:
        fail(
            expected=f"{ORDERS} orders consumed, some from each of at least "
            f"{MEMBERS} queues",
            found=f"{total} consumed, from {busy} of {len(consumed)} queues",
            why="more members only help where their queues get messages, and a "
            "producer sends to the queues that it is told of",
            next_step="look at how many messages lie in each queue, and how many of "
            "them the group has consumed",
            reproduce=see.look_at_group("consumerProgress", group),
        )
