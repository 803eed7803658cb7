"""Exercise 07: two members of a group with one client id."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("07_fix_same_client_id", topology="1m")

QUEUES, ORDERS = 4, 40
CONFIGURED = {"container-1": "shop", "container-2": "shop"}
"""By member, the instanceName in its configuration."""


@EXERCISE.check(points=3)
def each_member_has_an_id_of_its_own(see: Witness) -> None:
    """The broker hears two members, and no client id twice."""
    group = see.topic("kitchen")
    ids = see.members(group)
    if len(ids) != len(CONFIGURED) or len(set(ids)) != len(ids):
        fail(
            expected=f"{len(CONFIGURED)} members with different client ids",
            found=f"{len(ids)} members with {len(set(ids))} different client ids",
            why="a client id is the host's name and the instanceName; nobody refuses "
            "one that is there already",
            next_step="compare the ids that the broker knows, and give each container "
            "an instanceName that no other has",
            reproduce=see.look_at_group("consumerConnection", group),
        )


@EXERCISE.check(points=3)
def each_queue_is_one_members(see: Witness) -> None:
    """Every queue is consumed by one member, and each member has its half."""
    group, topic = see.topic("kitchen"), see.topic("orders")
    shares = see.shares(group, topic)
    sizes = sorted(len(queues) for queues in shares.values())
    held = {queue.queue_id for queues in shares.values() for queue in queues}
    if sizes != [2, 2] or len(held) != QUEUES:
        fail(
            expected=f"two members with two queues each, {QUEUES} in all",
            found=f"shares of {sizes}, {len(held)} different queues",
            why="every member looks for its own id in the list of all, and takes the "
            "share of that place: two of one id take the same share",
            next_step="start both members with your names, and wait until they have "
            "shared the queues out anew",
            reproduce=see.look_at_group("consumerStatus", group),
        )


@EXERCISE.check(points=4)
def no_order_is_left_waiting(see: Witness) -> None:
    """Every queue is consumed to its end, those too that nobody had."""
    group, topic = see.topic("kitchen"), see.topic("orders")
    offsets = see.offsets("broker-a", group, topic)
    behind = {
        stats.queue.queue_id: stats.max_offset - offsets.get(stats.queue.queue_id, 0)
        for stats in see.queues(topic)
    }
    consumed = sum(offsets.values())
    if any(behind.values()) or consumed != ORDERS:
        fail(
            expected=f"{ORDERS} orders consumed, nothing left in any queue",
            found=f"{consumed} consumed; left by queue: {behind}",
            why="the share of the second place on the list was nobody's, and its "
            "messages wait for whoever takes it",
            next_step="see which queues fall behind and which do not: they are the "
            "share that nobody takes",
            reproduce=see.look_at_group("consumerProgress", group),
        )
