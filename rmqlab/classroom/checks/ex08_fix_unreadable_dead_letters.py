"""Exercise 08: dead letters that nobody may read, as release 4.4.0 keeps them."""

from __future__ import annotations

from collections import Counter

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import topic_lines
from rmqlab.classroom.grading.witness import Witness
from rmqlab.protocol.codes import READ_WRITE
from rmqlab.protocol.message import DLQ_PREFIX, RETRY_PREFIX

EXERCISE = Exercise("08_fix_unreadable_dead_letters", topology="2m-noslave")

MASTERS = ["broker-a", "broker-b"]
ORDERS = 24
PIZZA = 3
"""Every third order is one; on the evening of the broken oven these died."""


def is_pizza(number: int) -> bool:
    """Whether an order needs the oven."""
    return number % PIZZA == 0


@EXERCISE.check(points=3)
def the_dead_letters_may_be_read(see: Witness) -> None:
    """The dead letters' topic may be read and written, on both masters."""
    dead = DLQ_PREFIX + see.topic("kitchen")
    perms = {name: line[-1] for name, line in topic_lines(see, dead).items()}
    if perms != dict.fromkeys(MASTERS, READ_WRITE):
        fail(
            expected=f"perm {READ_WRITE} on {MASTERS}",
            found=f"perm by broker: {perms}",
            why="each broker keeps its own dead letters, and its own permission: with "
            "2 alone it takes them and gives none",
            next_step="mqadmin updateTopicPerm, on every master that has the topic",
            reproduce=see.look("topicRoute", dead),
        )


@EXERCISE.check(points=4)
def the_kitchen_has_cooked_every_dead_letter(see: Witness) -> None:
    """Each dead order was sent again, as it was, and the kitchen has consumed it."""
    again, wanted = _sent_again(see), _dead(see)
    if again != wanted:
        lacking, too_many = wanted - again, again - wanted
        fail(
            expected=f"{wanted.total()} dead orders sent again, once each, with body, "
            "keys and tags",
            found=f"{lacking.total()} of them are missing; of others there are "
            f"{too_many.total()}, such as {next(iter(too_many), 'none')}",
            why="a dead letter stays one: what is to be consumed has to be sent anew",
            next_step="return from `again` a message with everything that the kitchen "
            "needs of the letter",
            reproduce=see.look("topicStatus", _retry(see)),
        )
    if behind := _behind(see):
        fail(
            expected="a kitchen that has consumed all of it",
            found=f"messages that it has not consumed: {behind}",
            why="only what a group's consumers subscribe to comes to them",
            next_step="send the letters to where the kitchen listens",
            reproduce=see.look("topicStatus", _retry(see)),
        )


@EXERCISE.check(points=3)
def nobody_else_gets_an_order_again(see: Witness) -> None:
    """The orders' own topic is as it was: billing sees no order a second time."""
    back, extra = _again_in(see, _retry(see)), _again_in(see, see.topic("orders"))
    if extra or not back:
        fail(
            expected="the letters where the kitchen alone gets them",
            found=f"{extra.total()} in the topic of all, {back.total()} where only the "
            "kitchen listens",
            why="other groups have consumed these orders once, and without trouble",
            next_step="every group has a topic of its own, in which what it failed to "
            "consume comes again: lab 08",
            reproduce=see.look("topicStatus", see.topic("orders")),
        )


Order = tuple[str, str, str]
"""Body, keys and tags."""


def _retry(see: Witness) -> str:
    return RETRY_PREFIX + see.topic("kitchen")


def order(nonce: str, number: int) -> Order:
    """Return what an order says."""
    tags = "pizza" if is_pizza(number) else "salad"
    return f"{nonce}-{number}", f"table-{number}", tags


def _orders(see: Witness) -> Counter[Order]:
    return Counter(order(see.nonce, number) for number in range(ORDERS))


def _dead(see: Witness) -> Counter[Order]:
    return Counter(order(see.nonce, one) for one in range(ORDERS) if is_pizza(one))


def _sent_again(see: Witness) -> Counter[Order]:
    """Return what was sent again, wherever a kitchen might hear of it."""
    return _again_in(see, _retry(see)) + _again_in(see, see.topic("orders"))


def _again_in(see: Witness, topic: str) -> Counter[Order]:
    """Return what a topic holds beside the orders that were first sent to it."""
    messages = see.messages(topic) if see.route(topic) else []
    found = Counter(
        (one.body.decode(errors="replace"), one.keys or "", one.tags or "")
        for one in messages
    )
    return found - _orders(see) if topic == see.topic("orders") else found


def _behind(see: Witness) -> dict[str, int]:
    """Return how many messages the kitchen has not consumed, by topic."""
    behind: Counter[str] = Counter()
    for topic in (see.topic("orders"), _retry(see)):
        for queue, _, end, _ in see.queues(topic):
            known = see.offsets(queue.broker_name, see.topic("kitchen"), topic)
            behind[topic] += end - known.get(queue.queue_id, 0)
    return dict(+behind)
