"""Exercise 10: what a SendStatus promises."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("10_sync_double_write", topology="2m-2s-sync")

SENT = 20
LEDGER = "ledger"

MEANINGS = {
    "SEND_OK": (True, True),
    "FLUSH_DISK_TIMEOUT": (True, False),
    "FLUSH_SLAVE_TIMEOUT": (True, False),
    "SLAVE_NOT_AVAILABLE": (True, False),
}
"""By status: will the message be consumed? Is it certainly on two machines?"""


def wanted(see: Witness) -> set[str]:
    """Return the bodies of all orders."""
    return {f"{see.nonce}-{number}" for number in range(SENT)}


def on_broker_b(see: Witness) -> set[str]:
    """Return the bodies of the orders that broker-b has."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    return {
        one.body.decode("utf-8", "replace")
        for one in stored
        if one.broker_name == "broker-b"
    }


@EXERCISE.check(points=5)
def what_was_called_safe_survives(see: Witness) -> None:
    """Every order that you called safe survives the loss of broker-a."""
    claimed = see.answers().get("safe", [])
    look = see.look_at_nodes
    if see.node("broker-a").is_alive:
        fail(
            expected="broker-a lost",
            found=f"broker-a {see.node('broker-a').state}",
            why="this check is of what is left without it",
            next_step="leave the cell before this one as it is",
            reproduce=look,
        )
    if set(claimed) != wanted(see):
        fail(
            expected="all 20 orders called safe in the end",
            found=f"{len(set(claimed) & wanted(see))} of them",
            why="one broker's slave was away, the other's was not: a safe place was "
            "there for every order",
            next_step="send again until the status is SEND_OK; broker-b can give it",
            reproduce=look,
        )
    if lost := wanted(see) - on_broker_b(see):
        fail(
            expected="all 20 orders on broker-b",
            found=f"{len(lost)} were only on the machine that was lost",
            why="SLAVE_NOT_AVAILABLE means: stored, but on one machine only",
            next_step="look at result.status in send_safely; only SEND_OK is safe",
            reproduce=look,
        )


@EXERCISE.check(points=2)
def both_copies_are_alike(see: Witness) -> None:
    """broker-b and its slave have the same bytes, and your orders are among them."""
    master, slave = see.log_bytes("broker-b"), see.log_bytes("broker-b-s")
    orders = len(wanted(see) & on_broker_b(see))
    if master != slave or orders < SENT:
        fail(
            expected="the same bytes on both, with all 20 orders",
            found=f"{len(master)} and {len(slave)} bytes, {orders} orders",
            why="synchronous double write is the same log twice",
            next_step="send to broker-b while its slave is up",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=3)
def statuses_are_understood(see: Witness) -> None:
    """You know of each SendStatus whether it is stored, and whether twice."""
    given = see.answers().get("meanings", {})
    right = [
        status
        for status, meaning in MEANINGS.items()
        if tuple(given.get(status, ())) == meaning
    ]
    if len(right) < len(MEANINGS):
        wrong = [status for status in MEANINGS if status not in right]
        fail(
            expected="the right pair for all four statuses",
            found=f"{len(right)} right; look again at {', '.join(wrong)}",
            why="all four are answers of a broker that has the message in its log",
            next_step="lab 10 shows each status and then consumes the message",
            reproduce="rmqlab hint 10",
        )
