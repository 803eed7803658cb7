"""A half message: stored where nobody sees it, then committed or rolled back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rmqlab.errors import DiskFull
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.message import CHECK_MAX_TOPIC, HALF_TOPIC, OP_TOPIC
from rmqlab.protocol.record import Record, decode, encode, properties_of
from rmqlab.protocol.transactions import ResumeCheckHalf
from rmqlab.settings import BrokerRole
from rmqlab.store.results import Put, PutStatus
from tests.broker.transactions import (
    COMMIT,
    LEFT_OPEN,
    ROLLBACK,
    check,
    end,
    halves,
    ops,
    records,
    send_half,
)
from tests.support import golden_archive


def bodies_of(desk, topic="orders", queue_id=0):
    return [one.body for one in records(desk, topic, queue_id)]


def test_a_half_message_is_where_nobody_looks_for_it(desk):
    send_half(desk, b"coffee", queue_id=3)
    (half,) = halves(desk)
    properties = properties_of(half)
    assert (half.body, half.queue_id, half.sys_flag) == (b"coffee", 0, 0)
    assert (properties["REAL_TOPIC"], properties["REAL_QID"]) == ("orders", "3")
    assert bodies_of(desk, queue_id=3) == []


def test_a_committed_message_is_in_its_own_queue_and_its_half_is_settled(desk):
    send_half(desk, b"other")
    place = send_half(desk, b"coffee", queue_id=3)
    answer = end(desk, place, COMMIT)
    (message,) = records(desk, "orders", 3)
    assert (answer.code, answer.remark) == (ResponseCode.SUCCESS, None)
    assert (message.body, message.prepared_offset) == (b"coffee", place[1])
    assert ops(desk) == [1]


def test_a_rolled_back_message_is_nowhere_and_its_half_is_settled(desk):
    place = send_half(desk, b"coffee")
    answer = end(desk, place, ROLLBACK)
    assert answer.code == ResponseCode.SUCCESS
    assert bodies_of(desk) == []
    assert ops(desk) == [0]


@pytest.mark.parametrize("from_check", [True, False])
@pytest.mark.parametrize("verdict", [LEFT_OPEN, SysFlag.TRANSACTION_PREPARED])
def test_a_half_message_whose_sender_does_not_know_stays_open(
    desk, verdict, from_check
):
    place = send_half(desk)
    answer = end(desk, place, verdict, from_transaction_check=from_check)
    assert answer is None
    assert (bodies_of(desk), ops(desk)) == ([], [])


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"producer_group": "thieves"}, "The producer group wrong"),
        ({"tran_state_table_offset": 7}, "The transaction state table offset wrong"),
        ({"commit_log_offset": 1}, "Find prepared transaction message failed"),
        ({"commit_log_offset": 1 << 40}, "Find prepared transaction message failed"),
    ],
)
@pytest.mark.parametrize("verdict", [COMMIT, ROLLBACK])
def test_who_names_another_half_message_settles_nothing(desk, verdict, changes, remark):
    place = send_half(desk)
    answer = end(desk, place, verdict, **changes)
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, remark)
    assert (bodies_of(desk), ops(desk)) == ([], [])


def test_a_message_that_is_no_half_cannot_be_committed(desk):
    desk.send(b"plain", properties="PGROUP\x01shop\x02REAL_TOPIC\x01x")
    answer = end(desk, (0, 0), COMMIT)
    assert answer.remark == "Find prepared transaction message failed"


def test_a_message_committed_twice_is_there_twice(desk):
    place = send_half(desk, b"coffee")
    end(desk, place, COMMIT)
    end(desk, place, COMMIT)
    assert bodies_of(desk) == [b"coffee", b"coffee"]


def test_a_commit_after_a_rollback_counts(desk):
    """RocketMQ's broker does not look for an op message, either: it was tried."""
    place = send_half(desk, b"coffee")
    end(desk, place, ROLLBACK)
    end(desk, place, COMMIT)
    assert bodies_of(desk) == [b"coffee"]
    assert ops(desk) == [0, 0]


def test_a_broker_may_refuse_transactions_and_take_the_rest(desk_with):
    desk = desk_with(reject_transaction_message=True)
    answer = desk.send(properties="TRAN_MSG\x01true")
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == (
        "the broker[127.0.0.1] sending transaction message is forbidden"
    )
    assert desk.send().code == ResponseCode.SUCCESS


def test_a_slave_settles_nothing(desk_with):
    desk = desk_with(role=BrokerRole.SLAVE)
    answer = end(desk, (0, 0), COMMIT)
    assert answer.code == ResponseCode.SLAVE_NOT_AVAILABLE
    assert answer.remark == "not set any response code"


def fail(_):
    raise DiskFull("no space left")


@pytest.mark.parametrize(
    ("put", "code"),
    [
        (fail, ResponseCode.SERVICE_NOT_AVAILABLE),
        (
            lambda _: Put(PutStatus.SERVICE_NOT_AVAILABLE),
            ResponseCode.SERVICE_NOT_AVAILABLE,
        ),
        (lambda _: Put(PutStatus.MESSAGE_ILLEGAL), ResponseCode.MESSAGE_ILLEGAL),
    ],
)
def test_what_cannot_be_committed_now_stays_open(desk, monkeypatch, put, code):
    place = send_half(desk, b"coffee")
    with monkeypatch.context() as patch:
        patch.setattr(desk.broker.store, "put", put)
        assert end(desk, place, COMMIT).code == code
    assert (bodies_of(desk), ops(desk)) == ([], [])
    assert end(desk, place, COMMIT).code == ResponseCode.SUCCESS
    assert bodies_of(desk) == [b"coffee"]


def given_up(desk):
    """Have a half message laid aside, and return the offset id of it there."""
    send_half(desk, b"coffee", TRANSACTION_CHECK_TIMES="15")
    check(desk)
    (aside,) = records(desk, CHECK_MAX_TOPIC)
    return f"7F00000100002A9F{aside.physical_offset:016X}"


def test_a_half_message_that_was_given_up_is_asked_about_again(desk):
    answer = desk.ask(ResumeCheckHalf(given_up(desk)))
    (_, resumed) = halves(desk)
    assert answer.code == ResponseCode.SUCCESS
    assert properties_of(resumed)["TRANSACTION_CHECK_TIMES"] == "0"
    assert resumed.body == b"coffee"


@pytest.mark.parametrize("msg_id", [None, "", "x" * 32, "0" * 32, "F" * 32, "0" * 20])
def test_what_was_not_given_up_cannot_be_resumed(desk, msg_id):
    desk.send(b"plain")
    answer = desk.ask(ResumeCheckHalf(msg_id))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == (
        "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."
    )


def test_a_full_disk_resumes_nothing(desk, monkeypatch):
    aside = given_up(desk)
    monkeypatch.setattr(desk.broker.store, "put", fail)
    answer = desk.ask(ResumeCheckHalf(aside))
    assert answer.remark == "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed."


# The same bytes as RocketMQ's

OURS = ("REAL_TOPIC", "REAL_QID", "CLUSTER")
"""What the broker adds."""
REAL_HOST = ("127.0.0.1", 10911)
TOPICS = (HALF_TOPIC, "GoldTxn", OP_TOPIC)


def golden_records(name):
    """Yield the records of a golden store's log."""
    files, inside = golden_archive("stores"), f"store-{name}/commitlog/"
    for path in sorted(path for path in files if path.startswith(inside)):
        data, at = files[path], 0
        while any(data[at : at + 4]):
            record = decode(data, at)
            at += record.size
            if isinstance(record, Record):
                yield record


def bytes_of(record):
    """Return its bytes without times and places in the log; properties in an order."""
    same = {"born_timestamp": 0, "store_timestamp": 0, "store_host": REAL_HOST}
    if record.topic == OP_TOPIC:
        same["born_host"] = REAL_HOST
    properties = repr(sorted(properties_of(record).items())).encode()
    where = {"physical_offset": 0, "prepared_offset": int(record.prepared_offset > 0)}
    return encode(replace(record, properties=properties, **same, **where))


def test_halves_messages_and_ops_are_the_real_brokers_byte_for_byte(desk_with):
    desk = desk_with(broker_cluster_name="rocketmq-cluster")
    desk.send(b"no half message lies at 0")
    real = [one for one in golden_records("4.9.7-clean") if one.topic in TOPICS]
    for half in [one for one in real if one.topic == HALF_TOPIC]:
        properties = properties_of(half)
        desk.peer.peer = half.born_host
        sent = {key: text for key, text in properties.items() if key not in OURS}
        place = send_half(
            desk, half.body, int(properties["REAL_QID"]), "GoldTxn", **sent
        )
        if b"pending" not in half.body:
            verdict = COMMIT if half.body.startswith(b"commit") else ROLLBACK
            end(desk, place, verdict, properties["PGROUP"])
    for topic in TOPICS:
        wanted = [bytes_of(one) for one in real if one.topic == topic]
        assert wanted
        assert [bytes_of(one) for one in records(desk, topic)] == wanted
