"""Exercise 03: a broker that does not start, and keys that nobody finds."""

from __future__ import annotations

from datetime import UTC, datetime

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness
from rmqlab.classroom.looking import StoreFiles

EXERCISE = Exercise("03_fix_lost_index", topology="1m")

ORDERS = 40
BROKER = "broker-a"


@EXERCISE.check(points=3)
def the_culprit_is_named(see: Witness) -> None:
    """You have named the file because of which broker-a did not start."""
    first = next(StoreFiles.of(see.node(BROKER)).messages(), None)
    wanted = _index_name(first.store_timestamp) if first else "none: the log is empty"
    found = see.answers().get("culprit") if see.node(BROKER).is_alive else None
    if found != wanted:
        fail(
            expected="the path below the store of the file that keeps it from starting",
            found=f"{found!r}" if found else "no answer that came to a running broker",
            why="who knows which file is at fault moves that one, and keeps the others",
            next_step="verify(store).damage has the file of each finding, and "
            "ex.cluster.node('broker-a').why what the broker said; hand in its path "
            "as a text",
            reproduce=_look(see),
        )


def _index_name(store_ms: int) -> str:
    """Return what the index's first file is called: the time of its first message."""
    moment = datetime.fromtimestamp(store_ms // 1000, UTC)
    return f"index/{moment:%Y%m%d%H%M%S}{store_ms % 1000:03d}"


@EXERCISE.check(points=3)
def nothing_is_lost(see: Witness) -> None:
    """broker-a runs again, and serves all forty orders."""
    node, topic = see.node(BROKER), see.topic("orders")
    is_usable = node.state == "usable"
    messages = see.messages(topic) if is_usable and see.route(topic) else []
    found = sorted(one.body.decode("utf-8", "replace") for one in messages)
    if found != sorted(f"{see.nonce}-{number}" for number in range(ORDERS)):
        fail(
            expected=f"{BROKER} usable, and {ORDERS} orders in topic orders-NONCE",
            found=f"{BROKER} {node.state}, {len(found)} orders",
            why="the commit log is the truth; queues and index are only made from it. "
            "A store that was emptied starts, too, and has lost everything",
            next_step="move away nothing but what is damaged, then "
            "cluster.restart('broker-a')",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=4)
def every_key_is_found(see: Witness) -> None:
    """Each of the forty orders is found by its key."""
    topic = see.topic("orders")
    is_usable = see.node(BROKER).state == "usable"
    missing = [
        number
        for number in range(ORDERS)
        if not is_usable or not _is_found(see, topic, number)
    ]
    if missing:
        fail(
            expected=f"one message for each of order-0 to order-{ORDERS - 1}",
            found=f"{ORDERS - len(missing)} of them; order-{missing[0]} is not found",
            why="without an index a message is still consumed, but who asks for an "
            "order by its key is told that there is none",
            next_step="the index is made anew from the log when its files are gone and "
            "the broker starts with messageIndexEnable",
            reproduce=_look(see),
        )


def _is_found(see: Witness, topic: str, number: int) -> bool:
    found = see.messages_by_key(topic, f"order-{number}")
    return [one.body for one in found] == [f"{see.nonce}-{number}".encode()]


def _look(see: Witness) -> str:
    return f"rmqlab verify {BROKER} --name {see.cluster.name}"
