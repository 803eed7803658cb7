"""Grading incidents of consumers: idle, of one id, replaying the past, held up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex07_fix_consume_from_last_offset as replay
from rmqlab.classroom.checks import ex07_fix_frozen_offset as frozen
from rmqlab.classroom.checks import ex07_fix_idle_consumers as idle
from rmqlab.classroom.checks import ex07_fix_same_client_id as same_id
from rmqlab.client.admin import QueueStats
from rmqlab.protocol.bodies import QueueData
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import ClientConfig
from tests.classroom.graded import found


def sees(queues, offsets, shares, members=None, lines=()):
    """Return what a check sees of the group `kitchen` and the topic `orders`.

    `queues` says how many messages a queue holds, `offsets` how many of them are
    consumed, by broker and number; `shares` which queues each member has; `lines` the
    topic's read and write queues and permission by broker.
    """

    def listed(numbers):
        return [MessageQueue("orders", *one) for one in numbers]

    stats = [QueueStats(MessageQueue("orders", *at), 0, n, 0) for at, n in queues]
    route = SimpleNamespace(queues=[QueueData(name, *one, 0) for name, one in lines])
    return SimpleNamespace(
        nonce="nonce",
        topic=lambda name: name,
        look=lambda command, topic: f"{command} -t {topic}",
        look_at_group=lambda command, group: f"{command} -g {group}",
        members=lambda group: sorted(shares) if members is None else members,
        shares=lambda group, topic: {who: listed(one) for who, one in shares.items()},
        queues=lambda topic: stats,
        offsets=lambda broker, group, topic: {
            number: count for (name, number), count in offsets.items() if name == broker
        },
        route=lambda topic: route,
    )


# Two members with one client id

ONE_BROKER = [("broker-a", number) for number in range(4)]
HALVES = {"vm@one": ONE_BROKER[:2], "vm@two": ONE_BROKER[2:]}


def two_members(shares=HALVES, members=None, consumed=(10, 10, 10, 10), each=10):
    """Return what a check sees of two members and four queues."""
    offsets = dict(zip(ONE_BROKER, consumed, strict=True))
    return sees([(at, each) for at in ONE_BROKER], offsets, shares, members)


def test_two_members_with_two_ids_are_what_is_wanted():
    for check in same_id.EXERCISE.checks.values():
        assert found(check.run, two_members()) == ""


@pytest.mark.parametrize(
    ("check", "looks", "said"),
    [
        (
            same_id.each_member_has_an_id_of_its_own,
            {"members": ["vm@shop", "vm@shop"]},
            "2 members with 1 different client ids",
        ),
        (
            same_id.each_member_has_an_id_of_its_own,
            {"members": ["vm@one"]},
            "1 members with 1",
        ),
        (
            same_id.each_queue_is_one_members,
            {"shares": {"vm@shop": ONE_BROKER[:2]}},
            "shares of [2], 2 different queues",
        ),
        (
            same_id.each_queue_is_one_members,
            {"shares": {"vm@one": ONE_BROKER[:2], "vm@two": ONE_BROKER[:2]}},
            "shares of [2, 2], 2 different queues",
        ),
        (
            same_id.each_queue_is_one_members,
            {"shares": {"vm@one": ONE_BROKER}},
            "shares of [4]",
        ),
        (
            same_id.no_order_is_left_waiting,
            {"consumed": (10, 10, 5, 5)},
            "30 consumed; left by queue: {0: 0, 1: 0, 2: 5, 3: 5}",
        ),
        (
            same_id.no_order_is_left_waiting,
            {"consumed": (5, 5, 5, 5), "each": 5},
            "20 consumed",
        ),
    ],
)
def test_members_that_still_share_an_id_are_told(check, looks, said):
    assert said in found(check, two_members(**looks))


# More consumers than queues

NAMES = [f"vm@{number}" for number in range(6)]
OPEN = dict.fromkeys(idle.MASTERS, (4, 4, 6))


def six_members(queues=4, shares=None, lines=OPEN, consumed=None):
    """Return what a check sees of six members and so many queues on each master."""
    all_queues = [(name, number) for name in idle.MASTERS for number in range(queues)]
    dealt = {who: all_queues[at::6] for at, who in enumerate(NAMES)}
    each = idle.ORDERS // len(all_queues)
    offsets = dict.fromkeys(all_queues, each if consumed is None else consumed)
    held = [(at, each) for at in all_queues]
    return sees(held, offsets, dealt if shares is None else shares, None, lines.items())


def test_queues_for_everybody_are_what_is_wanted():
    for check in idle.EXERCISE.checks.values():
        assert found(check.run, six_members()) == ""


@pytest.mark.parametrize(
    ("check", "looks", "said"),
    [
        (
            idle.each_member_has_a_queue,
            {"queues": 2},
            "2 idle; shares of [0, 0, 1, 1, 1, 1]",
        ),
        (
            idle.each_member_has_a_queue,
            {"shares": {"vm@0": [("broker-a", 0)]}},
            "5 idle; shares of [1]",
        ),
        (idle.each_member_has_a_queue, {"shares": {}}, "6 idle; shares of []"),
        (
            idle.both_masters_have_the_topic_alike,
            {"lines": {"broker-a": (4, 4, 6), "broker-b": (2, 2, 6)}},
            "'broker-b': (2, 2, 6)",
        ),
        (
            idle.both_masters_have_the_topic_alike,
            {"lines": dict.fromkeys(idle.MASTERS, (4, 2, 6))},
            "'broker-a': (4, 2, 6)",
        ),
        (
            idle.both_masters_have_the_topic_alike,
            {"lines": {"broker-a": (8, 8, 6)}},
            "{'broker-a': (8, 8, 6)}",
        ),
        (
            idle.both_masters_have_the_topic_alike,
            {"lines": dict.fromkeys(idle.MASTERS, (2, 2, 6))},
            "'broker-a': (2, 2, 6)",
        ),
        (
            idle.both_masters_have_the_topic_alike,
            {"lines": dict.fromkeys(idle.MASTERS, (4, 4, 4))},
            "'broker-b': (4, 4, 4)",
        ),
        (idle.both_masters_have_the_topic_alike, {"lines": {}}, "by broker: {}"),
        (
            idle.every_queue_is_worked_at,
            {"queues": 2},
            "96 consumed, from 4 of 4 queues",
        ),
        (
            idle.every_queue_is_worked_at,
            {"consumed": 0},
            "0 consumed, from 0 of 8 queues",
        ),
        (idle.every_queue_is_worked_at, {"consumed": 6}, "48 consumed, from 8 of 8"),
    ],
)
def test_consumers_that_are_still_idle_are_told(check, looks, said):
    assert said in found(check, six_members(**looks))


# From the last offset

NEW = replay.orders(replay.OLD, replay.OLD + replay.LATE)
AT_THE_END = replay.OLD + replay.LATE


def guard(rung=NEW, offset=AT_THE_END, billing=replay.BILLED):
    """Return what a check sees of a guard that rang for these orders."""
    offsets = {"guard": {0: offset}, "billing": {0: billing}}
    return SimpleNamespace(
        topic=lambda name: name,
        look=lambda command, topic: f"{command} -t {topic}",
        look_at_group=lambda command, group: f"{command} -g {group}",
        offsets=lambda broker, group, topic: offsets[group],
        route=lambda topic: topic == "alarms",
        messages=lambda topic: [SimpleNamespace(body=one.encode()) for one in rung],
    )


def test_a_guard_that_rings_for_new_orders_alone_is_what_is_wanted():
    for check in replay.EXERCISE.checks.values():
        assert found(check.run, guard()) == ""


@pytest.mark.parametrize(
    ("check", "looks", "said"),
    [
        (
            replay.nothing_old_is_told_again,
            {"rung": replay.orders(replay.EARLY, AT_THE_END)},
            "40 alarms, 20 of them for old orders",
        ),
        (replay.nothing_old_is_told_again, {"rung": []}, "0 alarms"),
        (replay.every_new_order_is_told_once, {"rung": []}, "20 without an alarm"),
        (
            replay.every_new_order_is_told_once,
            {"rung": [*NEW, NEW[0]]},
            "0 without an alarm, 1 alarms too many",
        ),
        (
            replay.every_new_order_is_told_once,
            {"rung": [*NEW[1:], NEW[1]]},
            "1 without an alarm, 1 alarms too many",
        ),
        (
            replay.each_group_is_where_it_should_be,
            {"offset": replay.EARLY},
            "{'guard': 40, 'billing': 20}",
        ),
        (
            replay.each_group_is_where_it_should_be,
            {"billing": AT_THE_END},
            "{'guard': 80, 'billing': 80}",
        ),
    ],
)
def test_a_guard_that_still_replays_is_told(check, looks, said):
    assert said in found(check, guard(**looks))


# A handler that hangs

SECOND_DAY = [frozen.order(number) for number in range(frozen.A_DAY, 2 * frozen.A_DAY)]
JAMMED = [text for text, customer in SECOND_DAY if customer == frozen.JAMMING]
OTHERS = [text for text, customer in SECOND_DAY if customer != frozen.JAMMING]


def kitchen(printed=OTHERS, later=JAMMED, behind=(0, 0, 0, 0)):
    """Return what a check sees of a kitchen that printed and sent back these orders."""
    each = 2 * frozen.A_DAY // frozen.QUEUES
    found = two_members(consumed=[each - left for left in behind], each=each)
    receipts, back = (
        [SimpleNamespace(topic=topic, body=one.encode()) for one in texts]
        for topic, texts in (("receipts", printed), ("SCHEDULE_TOPIC_XXXX", later))
    )
    orders = [SimpleNamespace(topic="orders", body=t.encode()) for t, _ in SECOND_DAY]
    found.messages = lambda topic: receipts
    found.logged = lambda node: [*orders, *back, *receipts]
    return found


def test_a_kitchen_that_nothing_holds_up_is_what_is_wanted():
    for check in frozen.EXERCISE.checks.values():
        assert found(check.run, kitchen()) == ""


def test_more_orders_jam_than_a_consumer_has_workers():
    assert len(JAMMED) > ClientConfig().consume_concurrency


@pytest.mark.parametrize(
    ("check", "looks", "said"),
    [
        (
            frozen.the_offset_goes_on,
            {"behind": (0, 15, 0, 0)},
            "left by queue: {0: 0, 1: 15, 2: 0, 3: 0}",
        ),
        (frozen.the_offset_goes_on, {"printed": []}, "0 receipts"),
        (
            frozen.every_other_order_has_its_receipt,
            {"printed": OTHERS[:10]},
            "26 missing, 0 too many",
        ),
        (
            frozen.every_other_order_has_its_receipt,
            {"printed": [*OTHERS, OTHERS[0]]},
            "0 missing, 1 too many",
        ),
        (frozen.no_jamming_order_is_lost, {"later": []}, "24 of them"),
        (frozen.no_jamming_order_is_lost, {"later": JAMMED[1:]}, "1 of them"),
        (
            frozen.no_jamming_order_is_lost,
            {"later": [], "printed": JAMMED},
            "24 of them",
        ),
    ],
)
def test_a_kitchen_that_is_still_held_up_is_told(check, looks, said):
    assert said in found(check, kitchen(**looks))
