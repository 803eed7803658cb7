"""Locks on queues: who gets them, for how long, and who gives them back."""

from __future__ import annotations

import pytest

from rmqlab.broker.tables.locks import LOCK_MS, QueueLocks
from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.grouping import LockBatch, UnlockBatch
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.queue_bodies import LockRequest
from rmqlab.settings import BrokerRole

FIRST, SECOND, THIRD = (MessageQueue("orders", "broker-a", n) for n in range(3))


@pytest.fixture
def locks():
    return QueueLocks(most=2)


def test_a_queue_is_one_clients_until_it_gives_it_back(locks):
    assert locks.lock("kitchen", "c1", [FIRST], 0) == [FIRST]
    assert locks.lock("kitchen", "c2", [FIRST, SECOND], 0) == [SECOND]
    locks.unlock("kitchen", "c2", [FIRST])
    assert locks.lock("kitchen", "c2", [FIRST], 0) == []
    locks.unlock("kitchen", "c1", [FIRST])
    assert locks.lock("kitchen", "c2", [FIRST], 0) == [FIRST]


def test_a_queue_is_locked_for_each_group_by_itself(locks):
    locks.lock("kitchen", "c1", [FIRST], 0)
    assert locks.lock("bar", "c2", [FIRST], 0) == [FIRST]


@pytest.mark.parametrize(("later_ms", "got"), [(0, []), (1, [FIRST])])
def test_a_lock_that_was_not_renewed_for_a_minute_is_free(locks, later_ms, got):
    locks.lock("kitchen", "c1", [FIRST], 0)
    assert locks.lock("kitchen", "c2", [FIRST], LOCK_MS + later_ms) == got


def test_a_lock_lasts_as_long_as_it_is_renewed(locks):
    for now_ms in (0, 40_000, 80_000):
        assert locks.lock("kitchen", "c1", [FIRST], now_ms) == [FIRST]
    assert locks.lock("kitchen", "c2", [FIRST], 80_000 + LOCK_MS) == []


def test_there_are_no_more_locks_than_the_limit_and_old_ones_are_forgotten(locks):
    assert locks.lock("kitchen", "c1", [FIRST, SECOND, THIRD], 0) == [FIRST, SECOND]
    assert locks.lock("kitchen", "c1", [SECOND], 1) == [SECOND]
    assert locks.lock("kitchen", "c1", [THIRD], LOCK_MS + 1) == [THIRD]
    assert len(locks) == 2


def ask(desk, header, client_id, *queues):
    request = LockRequest("kitchen", client_id, list(queues))
    return desk.ask(header, bodies.encode(request.to_json()))


@pytest.mark.parametrize("role", [BrokerRole.ASYNC_MASTER, BrokerRole.SLAVE])
def test_a_broker_answers_which_queues_a_client_has(desk_with, role):
    desk = desk_with(role=role)
    answer = ask(desk, LockBatch(), "c1", FIRST, SECOND)
    names = [
        {"brokerName": "broker-a", "queueId": n, "topic": "orders"} for n in (0, 1)
    ]
    assert fastjson.loads(answer.body) == {"lockOKMQSet": names}
    answer = ask(desk, LockBatch(), "c2", FIRST)
    assert fastjson.loads(answer.body) == {"lockOKMQSet": []}


def test_a_broker_takes_locks_back(desk):
    ask(desk, LockBatch(), "c1", FIRST)
    assert ask(desk, UnlockBatch(), "c1", FIRST).code == ResponseCode.SUCCESS
    assert b"orders" in ask(desk, LockBatch(), "c2", FIRST).body


def test_a_minute_later_a_broker_gives_a_queue_to_another(desk):
    ask(desk, LockBatch(), "c1", FIRST)
    desk.clock.advance(LOCK_MS + 1)
    assert b"orders" in ask(desk, LockBatch(), "c2", FIRST).body


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b'{"consumerGroup":"g","clientId":"c","mqSet":[{"topic":"t"}]}'],
)
def test_a_request_for_locks_that_is_none_is_an_error_of_the_wire(desk, body):
    for header in (LockBatch(), UnlockBatch()):
        with pytest.raises(WireError):
            desk.ask(header, body)
