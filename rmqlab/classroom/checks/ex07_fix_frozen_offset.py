"""Exercise 07: a handler that hangs, and an offset that stands still."""

from __future__ import annotations

import asyncio

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness
from rmqlab.client.blocking.thread import shared_loop
from rmqlab.protocol.message import StoredMessage

EXERCISE = Exercise("07_fix_frozen_offset", topology="1m")

QUEUES, A_DAY = 4, 60
"""Orders are sent on two days, so many on each; two of five are `JAMMING`'s."""
JAMMING = "X"
"""The customer whose orders jam the printer."""


def order(number: int) -> tuple[str, str]:
    """Return an order's text, and as its key its customer."""
    return f"order {number}", JAMMING if number % 5 < 2 else f"C{number % 5}"


class Printer:
    """Prints receipts; one for customer X jams, and hangs until somebody opens it."""

    def __init__(self) -> None:
        self.printed: list[str] = []
        self._opened = asyncio.Event()

    async def print(self, message: StoredMessage) -> None:
        """Print one receipt."""
        if message.keys == JAMMING:
            await self._opened.wait()
        self.printed.append(message.body.decode())

    def open(self) -> None:
        """Let all that hangs go on."""
        shared_loop().call_soon_threadsafe(self._opened.set)


@EXERCISE.check(points=4)
def the_offset_goes_on(see: Witness) -> None:
    """On the second day receipts come, and every queue is consumed to its end."""
    group, topic = see.topic("kitchen"), see.topic("orders")
    offsets = see.offsets("broker-a", group, topic)
    behind = {
        one.queue.queue_id: one.max_offset - offsets.get(one.queue.queue_id, 0)
        for one in see.queues(topic)
    }
    printed = _printed(see)
    if any(behind.values()) or len(behind) != QUEUES or not printed:
        fail(
            expected="receipts, and nothing left in any queue",
            found=f"{len(printed)} receipts; left by queue: {behind}",
            why="what is committed is the offset before which everything is consumed: "
            "one message whose handler never returns holds it for good",
            next_step="see where the workers stand, and let the handler return within "
            "a time that you choose, whatever the printer does",
            reproduce=see.look_at_group("consumerProgress", group),
        )


@EXERCISE.check(points=3)
def every_other_order_has_its_receipt(see: Witness) -> None:
    """Every order of the second day that does not jam is printed, and printed once."""
    printed = _printed(see)
    wanted = {text for text, customer in _second_day() if customer != JAMMING}
    missing = wanted - set(printed)
    doubled = sum(printed.count(one) - 1 for one in wanted - missing)
    if missing or doubled:
        fail(
            expected=f"{len(wanted)} receipts for the other customers",
            found=f"{len(missing)} missing, {doubled} too many",
            why="a consumer has 20 workers: when 20 messages hang, nobody is left for "
            "the others",
            next_step="print as before where the printer does not hang, and wait for "
            "it no longer than a second where it does",
            reproduce=see.look("topicStatus", see.topic("receipts")),
        )


@EXERCISE.check(points=3)
def no_jamming_order_is_lost(see: Witness) -> None:
    """Each order that jams lies at the broker for later."""
    topic, group = see.topic("orders"), see.topic("kitchen")
    ours = {topic, see.topic("receipts")}
    logged = see.logged("broker-a")
    later = {one.body.decode() for one in logged if one.topic not in ours}
    wanted = {text for text, customer in _second_day() if customer == JAMMING}
    if missing := wanted - later:
        fail(
            expected=f"{len(wanted)} orders of customer {JAMMING}, to come again",
            found=f"{len(missing)} of them in no other topic's hands",
            why="an order that is given up without a word counts as consumed, and "
            "comes no more",
            next_step="return Consumed.RECONSUME_LATER for what could not be printed: "
            "the broker gets it back, and delivers it later",
            reproduce=see.look_at_group("consumerStatus", group),
        )


def _second_day() -> list[tuple[str, str]]:
    return [order(number) for number in range(A_DAY, 2 * A_DAY)]


def _printed(see: Witness) -> list[str]:
    """Return the receipts of the second day."""
    topic = see.topic("receipts")
    found = see.messages(topic) if see.route(topic) else []
    return [one.body.decode() for one in found]
