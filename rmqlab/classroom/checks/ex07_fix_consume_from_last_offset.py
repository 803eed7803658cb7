"""Exercise 07: CONSUME_FROM_LAST_OFFSET, and all of the past comes."""

from __future__ import annotations

from collections import Counter

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("07_fix_consume_from_last_offset", topology="1m")

QUEUES = 4
BILLED = 20
"""Orders that another group, billing, has consumed; it is away since then."""
EARLY, NIGHT, LATE = 40, 20, 20
"""Orders sent before there was a guard, those of billing among them; while he was away
after his first day; and on his second day, on which he rings for these alone."""
OLD = EARLY + NIGHT


def orders(first: int, end: int) -> list[str]:
    """Return the texts of orders by their numbers."""
    return [f"order {number}" for number in range(first, end)]


@EXERCISE.check(points=4)
def nothing_old_is_told_again(see: Witness) -> None:
    """On his second day the guard rang, and for none of the orders before it."""
    rung = _rung(see)
    old = sum(rung[one] for one in orders(0, OLD))
    if old or not rung:
        fail(
            expected="alarms for new orders only",
            found=f"{rung.total()} alarms, {old} of them for old orders",
            why="the group's setting says where to begin where the broker knows no "
            "offset of it; it knows one of every group that has consumed before",
            next_step="move the group's offsets at the broker, before its member comes "
            "back and asks for them",
            reproduce=see.look_at_group("consumerProgress", see.topic("guard")),
        )


@EXERCISE.check(points=3)
def every_new_order_is_told_once(see: Witness) -> None:
    """On his second day the guard rang once for each new order."""
    rung = _rung(see)
    wanted = Counter(orders(OLD, OLD + LATE))
    missing = sum((wanted - rung).values())
    doubled = sum(rung[one] - 1 for one in wanted if rung[one] > 1)
    if missing or doubled:
        fail(
            expected=f"one alarm for each of {LATE} new orders",
            found=f"{missing} without an alarm, {doubled} alarms too many",
            why="offsets that are set too far pass orders over for good, and who sets "
            "them while the group consumes has some of it twice",
            next_step="set them once, to the end of each queue, and let the guard "
            "start after that",
            reproduce=see.look("topicStatus", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def each_group_is_where_it_should_be(see: Witness) -> None:
    """The guard is at the end, and billing goes on where it stopped."""
    topic = see.topic("orders")
    found = {
        name: sum(see.offsets("broker-a", see.topic(name), topic).values())
        for name in ("guard", "billing")
    }
    wanted = {"guard": OLD + LATE, "billing": BILLED}
    if found != wanted:
        fail(
            expected=f"offsets in all queues together: {wanted}",
            found=f"{found}",
            why="a group's offsets are its own: orders that one group is not to see "
            "are still to be seen by another",
            next_step="look at which group your command names, and leave the topic and "
            "the other groups alone",
            reproduce=see.look_at_group("consumerProgress", see.topic("billing")),
        )


def _rung(see: Witness) -> Counter[str]:
    """Return how often the bell rang for each order."""
    topic = see.topic("alarms")
    rung = see.messages(topic) if see.route(topic) else []
    return Counter(one.body.decode() for one in rung)
