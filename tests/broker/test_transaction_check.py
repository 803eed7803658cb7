"""Rounds of checks: who is asked about which half message, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rmqlab.broker.tables.clients import Clients, Member
from rmqlab.broker.tables.halves import CheckRules, HalfLedger, Step
from rmqlab.errors import DiskFull
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import (
    CHECK_MAX_TOPIC,
    HALF_TOPIC,
    MAX_PROPERTIES_BYTES,
    OP_TOPIC,
)
from rmqlab.protocol.record import decode, encode, properties_of
from rmqlab.settings import BrokerRole
from tests.broker.desk import BORN_MS, Peer
from tests.broker.transactions import (
    COMMIT,
    MINUTE_MS,
    ROLLBACK,
    TIMEOUT_MS,
    check,
    end,
    halves,
    producer_beats,
    progress,
    questions,
    records,
    send_half,
)
from tests.support import golden_frames

HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def shop(desk):
    """A producer of the group `shop` that the broker has heard of."""
    peer = Peer()
    producer_beats(desk, peer)
    peer.sent.clear()
    return peer


def times(desk):
    """Return how often each half message says that it was asked about."""
    return [properties_of(one).get("TRANSACTION_CHECK_TIMES") for one in halves(desk)]


def test_a_producer_is_asked_about_an_open_half_message(desk, shop):
    send_half(desk, b"coffee", queue_id=3)
    check(desk)
    ((header, message),) = questions(shop)
    assert (message.topic, message.queue_id, message.body) == ("orders", 3, b"coffee")
    assert header.msg_id == header.transaction_id == "K"
    assert properties_of(message)["TRANSACTION_CHECK_TIMES"] == "1"


def test_its_answer_settles_the_half_message_that_was_written_anew(desk, shop):
    send_half(desk, b"coffee")
    check(desk)
    ((header, _),) = questions(shop)
    place = header.tran_state_table_offset, header.commit_log_offset
    assert end(desk, place, COMMIT, from_transaction_check=True).code == 0
    assert [one.body for one in records(desk, "orders")] == [b"coffee"]
    check(desk)
    assert questions(shop) == []
    assert progress(desk) == (2, 1)


def test_an_open_half_message_is_written_anew_each_time_it_is_asked_about(desk, shop):
    send_half(desk)
    for _ in range(3):
        check(desk)
    assert times(desk) == [None, "1", "2", "3"]
    assert len(questions(shop)) == 3
    assert progress(desk) == (3, None)


def test_after_fifteen_times_a_half_message_is_laid_aside(desk, shop):
    send_half(desk, b"coffee")
    for _ in range(20):
        check(desk)
    assert len(questions(shop)) == 15
    (aside,) = records(desk, CHECK_MAX_TOPIC)
    assert aside.body == b"coffee"
    assert properties_of(aside)["REAL_TOPIC"] == "orders"
    assert progress(desk) == (16, None)


def test_settled_half_messages_are_passed_whatever_their_order(desk, shop):
    places = [send_half(desk, body.encode()) for body in "abcde"]
    for at in (3, 0, 1, 4):
        end(desk, places[at], ROLLBACK)
    check(desk)
    ((_, message),) = questions(shop)
    assert message.body == b"c"
    # The new copy of c is the first that is not dealt with; all op messages are.
    assert progress(desk) == (5, 4)


def test_op_messages_wait_for_half_messages_that_are_not_reached_yet(desk, shop):
    first = send_half(desk)
    desk.clock.advance(MINUTE_MS)
    send_half(desk)
    last = send_half(desk)
    end(desk, last, COMMIT)
    end(desk, first, COMMIT)
    check(desk, after_ms=1000)
    # The one between is too young: 0 is done, 2 will be looked for again.
    assert progress(desk) == (1, None)
    assert questions(shop) == []
    check(desk)
    assert progress(desk) == (3, 2)


def test_who_was_asked_is_remembered_as_offsets_of_a_group_of_its_own(desk, shop):
    send_half(desk)
    check(desk)
    table = desk.broker.memory.offsets.to_json()["offsetTable"]
    assert table == {"RMQ_SYS_TRANS_HALF_TOPIC@CID_RMQ_SYS_TRANS": {0: 1}}


def test_a_half_message_without_a_producer_counts_as_asked_about(desk):
    send_half(desk)
    check(desk)
    assert times(desk) == [None, "1"]


def test_only_producers_of_the_half_messages_group_are_asked(desk, shop):
    send_half(desk, PGROUP="bakery")
    check(desk)
    assert questions(shop) == []


def test_the_producers_of_a_group_are_asked_in_turn(desk):
    peers = [Peer() for _ in range(3)]
    for peer in peers:
        producer_beats(desk, peer)
        peer.sent.clear()
    for _ in range(6):
        send_half(desk)
    check(desk)
    assert [len(questions(peer)) for peer in peers] == [2, 2, 2]


def test_a_producer_that_left_is_asked_no_more():
    clients = Clients()
    clients.producer_beats("shop", Member("p1", 0), "one")
    clients.producer_beats("shop", Member("p2", 0), "two")
    clients.hung_up("one")
    assert {clients.next_producer("shop") for _ in range(4)} == {"two"}
    clients.leave_producers("shop", "two")
    assert clients.next_producer("shop") is None


@pytest.mark.parametrize(("age_ms", "asked"), [(TIMEOUT_MS - 1, 0), (TIMEOUT_MS, 1)])
def test_a_half_message_is_left_alone_for_six_seconds(desk, shop, age_ms, asked):
    send_half(desk)
    check(desk, after_ms=age_ms)
    assert len(questions(shop)) == asked


def test_a_sender_may_ask_for_more_time(desk, shop):
    place = send_half(desk, CHECK_IMMUNITY_TIME_IN_SECONDS="150")
    check(desk)
    check(desk)
    assert questions(shop) == []
    firsts = [
        properties_of(one).get("TRAN_PREPARED_QUEUE_OFFSET") for one in halves(desk)
    ]
    assert firsts == [None, "0", "0"]
    check(desk)
    assert len(questions(shop)) == 1
    assert place[0] == 0


def test_what_is_settled_while_it_is_immune_is_not_asked_about(desk, shop):
    place = send_half(desk, b"coffee", CHECK_IMMUNITY_TIME_IN_SECONDS="90")
    check(desk)
    end(desk, place, COMMIT)
    check(desk)
    check(desk)
    assert questions(shop) == []
    assert [one.body for one in records(desk, "orders")] == [b"coffee"]
    assert progress(desk) == (2, 1)


def test_the_question_is_the_real_brokers(desk, shop):
    """What the real one asked, from the half message that it must have had."""
    (name,) = (one for one in golden_frames() if "CHECK_TRANSACTION_STATE" in one)
    body = Frame.from_bytes(golden_frames()[name][4:]).body
    real = decode(body)
    properties = properties_of(real)
    del properties["TRANSACTION_CHECK_TIMES"]
    properties["WAIT"] = "true"
    desk.broker.memory.config.broker_cluster_name = properties.pop("CLUSTER")
    desk.peer.peer = real.born_host
    producer_beats(desk, shop, properties["PGROUP"])
    for name in ("REAL_TOPIC", "REAL_QID"):
        del properties[name]
    send_half(desk, real.body, real.queue_id, real.topic, **properties)
    check(desk)
    ((_, ours),) = questions(shop)
    where = {
        "queue_offset": real.queue_offset,
        "physical_offset": real.physical_offset,
        "store_host": real.store_host,
        "store_timestamp": real.store_timestamp,
        "born_timestamp": real.born_timestamp,
    }
    assert properties_of(ours) == properties_of(real)
    ours = replace(ours, properties=real.properties, **where)
    assert encode(ours) == body


def test_a_full_disk_ends_the_round_and_the_next_one_goes_on(desk, shop, monkeypatch):
    send_half(desk, b"a")
    send_half(desk, b"b")

    def fail(_):
        raise DiskFull("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(desk.broker.store, "put", fail)
        with pytest.raises(DiskFull):
            check(desk)
    assert questions(shop) == []
    check(desk)
    assert [message.body for _, message in questions(shop)] == [b"a", b"b"]


def test_a_store_that_takes_nothing_is_asked_once_a_round(desk, shop):
    send_half(desk)
    desk.broker.store.is_disk_full = True
    check(desk)
    assert (questions(shop), progress(desk)) == ([], (None, None))


@pytest.mark.parametrize(("spare", "laid_aside"), [(20, 1), (26, 0)])
def test_a_half_message_without_room_for_more_properties_holds_nobody_up(
    desk, shop, spare, laid_aside
):
    send_half(desk, FULL="")
    (half,) = halves(desk)
    room = MAX_PROPERTIES_BYTES - len(half.properties) - spare
    send_half(desk, b"full", FULL="x" * room)
    send_half(desk, b"next")
    check(desk)
    bodies = [message.body for _, message in questions(shop)]
    assert bodies == [b"coffee", b"next"]
    assert len(records(desk, CHECK_MAX_TOPIC)) == laid_aside


def test_half_messages_that_are_gone_are_passed(desk, shop):
    send_half(desk, b"here")
    desk.broker.memory.offsets.commit("CID_RMQ_SYS_TRANS", HALF_TOPIC, 0, 99)
    desk.broker.memory.offsets.commit("CID_RMQ_SYS_TRANS", OP_TOPIC, 0, 99)
    check(desk)
    assert progress(desk)[0] == 1
    send_half(desk, b"new")
    check(desk)
    assert [message.body for _, message in questions(shop)] == [b"new"]
    assert progress(desk) == (2, 0)


def test_a_round_lets_others_have_their_turn(desk, shop):
    for _ in range(10):
        send_half(desk)
    turns = []

    async def others():
        while True:
            turns.append(len(shop.sent))
            await asyncio.sleep(0)

    async def both():
        desk.clock.advance(MINUTE_MS)
        beside = asyncio.create_task(others())
        await desk.broker.transaction_check.step()
        beside.cancel()

    asyncio.run(both())
    assert len(set(turns)) == 10


def test_without_half_messages_a_round_makes_no_topic(desk):
    check(desk)
    assert desk.broker.memory.topics.get(HALF_TOPIC) is None
    send_half(desk)
    check(desk)
    assert desk.broker.memory.topics.get(HALF_TOPIC).write_queue_nums == 1


@pytest.mark.parametrize(
    ("role", "checks"), [(BrokerRole.SLAVE, 0), (BrokerRole.SYNC_MASTER, 1)]
)
def test_a_slave_asks_nobody(desk_with, role, checks):
    broker = desk_with(role=role).broker
    assert broker._services().count(broker.transaction_check) == checks


# The ledger and the rules


def test_a_ledger_is_done_with_op_messages_only_in_their_order():
    ledger = HalfLedger(5, 10)
    for op_offset, half_offset in ((10, 7), (11, 5), (12, 3), (13, None)):
        ledger.settle(op_offset, half_offset)
    ledger.pass_settled()
    assert (ledger.half_offset, ledger.op_offset) == (6, 10)
    ledger.half_offset = 7
    ledger.pass_settled()
    assert (ledger.half_offset, ledger.op_offset, ledger.op_end) == (8, 14, 14)


def test_a_half_message_settled_twice_holds_nothing_up():
    ledger = HalfLedger(0, 0)
    ledger.settle(0, 0)
    ledger.settle(1, 0)
    ledger.pass_settled()
    assert (ledger.half_offset, ledger.op_offset) == (1, 2)


RULES = CheckRules(timeout_ms=6000, most_times=15, reserved_ms=72 * HOUR_MS)


@pytest.mark.parametrize(
    ("age_ms", "properties", "step"),
    [
        (5999, {}, Step.WAIT),
        (6000, {}, Step.ASK),
        (-1, {}, Step.ASK),
        (72 * HOUR_MS + 1, {}, Step.GIVE_UP),
        (7000, {"TRANSACTION_CHECK_TIMES": "14"}, Step.ASK),
        (7000, {"TRANSACTION_CHECK_TIMES": "15"}, Step.GIVE_UP),
        (7000, {"TRANSACTION_CHECK_TIMES": "many"}, Step.ASK),
        (9999, {"CHECK_IMMUNITY_TIME_IN_SECONDS": "10"}, Step.POSTPONE),
        (10000, {"CHECK_IMMUNITY_TIME_IN_SECONDS": "10"}, Step.ASK),
        (2000, {"CHECK_IMMUNITY_TIME_IN_SECONDS": "1"}, Step.ASK),
        (5999, {"CHECK_IMMUNITY_TIME_IN_SECONDS": "soon"}, Step.POSTPONE),
        (6000, {"CHECK_IMMUNITY_TIME_IN_SECONDS": "-1"}, Step.ASK),
    ],
)
def test_age_and_number_of_questions_decide(desk, age_ms, properties, step):
    send_half(desk)
    (half,) = halves(desk)
    now_ms = BORN_MS + age_ms
    half.store_timestamp = now_ms - 1
    assert RULES.step(half, properties, now_ms, now_ms) is step


def test_what_came_after_the_round_began_waits_for_the_next(desk):
    send_half(desk)
    (half,) = halves(desk)
    now_ms = BORN_MS + MINUTE_MS
    half.store_timestamp = now_ms
    assert RULES.step(half, {}, now_ms, now_ms) is Step.WAIT
