"""Grading dead letters: who may read them, what was sent again, and to whom."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex08_fix_unreadable_dead_letters as dead
from rmqlab.client.admin import QueueStats
from rmqlab.protocol.message import MessageQueue
from tests.classroom.graded import found

NONCE = "n"
ORDERS, RETRY, DEAD = "orders-n", "%RETRY%kitchen-n", "%DLQ%kitchen-n"
SENT = [dead.order(NONCE, number) for number in range(dead.ORDERS)]
LETTERS = [one for one in SENT if one[2] == "pizza"]
BARE = [(body, "", "") for body, *_ in LETTERS]
"""With neither keys nor tags."""
READABLE = {"broker-a": 6, "broker-b": 6}


def witness(perms, back=(), extra=(), consumed=None):
    """Return what a check sees: letters `back` for the kitchen, `extra` for all."""
    held = {ORDERS: [*SENT, *extra], RETRY: list(back)}
    consumed = {topic: len(one) for topic, one in held.items()} | (consumed or {})
    lines = [
        SimpleNamespace(broker_name=n, read_queue_nums=1, write_queue_nums=1, perm=perm)
        for n, perm in perms.items()
    ]
    return SimpleNamespace(
        nonce=NONCE,
        topic=lambda name: f"{name}-{NONCE}",
        route=lambda topic: SimpleNamespace(queues=lines),
        messages=lambda topic: [
            SimpleNamespace(body=body.encode(), keys=keys or None, tags=tags or None)
            for body, keys, tags in held[topic]
        ],
        queues=lambda topic: [
            QueueStats(MessageQueue(topic, "broker-a", 0), 0, len(held[topic]), 0)
        ],
        offsets=lambda broker, group, topic: {0: consumed[topic]},
        look=lambda command, topic: f"{command} {topic}",
    )


def test_letters_that_the_kitchen_alone_got_again_are_what_is_wanted():
    see = witness(READABLE, back=LETTERS)
    assert [found(check.run, see) for check in dead.EXERCISE.checks.values()] == [
        ""
    ] * 3


def test_nothing_done_passes_no_check():
    see = witness({"broker-a": 2, "broker-b": 2})
    assert all(found(check.run, see) for check in dead.EXERCISE.checks.values())


@pytest.mark.parametrize("perms", [READABLE | {"broker-b": 2}, {"broker-a": 6},
                                   {"broker-a": 4, "broker-b": 4}])  # fmt: skip
def test_half_a_permission_is_none(perms):
    see = witness(perms, back=LETTERS)
    assert str(perms) in found(dead.the_dead_letters_may_be_read, see)


@pytest.mark.parametrize(
    ("sees", "said"),
    [
        (witness(READABLE), f"{len(LETTERS)} of them are missing"),
        (witness(READABLE, back=LETTERS[1:]), "1 of them are missing"),
        (witness(READABLE, back=LETTERS * 2), f"there are {len(LETTERS)}, such as"),
        (witness(READABLE, back=BARE), "such as ('n-0', '', '')"),
        (witness(READABLE, back=SENT), "such as ('n-1', 'table-1', 'salad')"),
        (
            witness(READABLE, back=LETTERS, consumed={RETRY: 2}),
            str({RETRY: len(LETTERS) - 2}),
        ),
    ],
)
def test_what_the_kitchen_has_not_cooked_is_told(sees, said):
    assert said in found(dead.the_kitchen_has_cooked_every_dead_letter, sees)


def test_letters_that_went_to_everybody_are_cooked_and_billed_twice():
    see = witness(READABLE, extra=LETTERS)
    assert found(dead.the_kitchen_has_cooked_every_dead_letter, see) == ""
    said = found(dead.nobody_else_gets_an_order_again, see)
    assert f"{len(LETTERS)} in the topic of all, 0 where" in said
