"""Heartbeats, goodbyes, members of a group and its offsets."""

from __future__ import annotations

import pytest

from rmqlab.broker.services.housekeeping import ClientExpiry
from rmqlab.broker.tables.clients import SILENCE_MS
from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.messaging import (
    GetConsumerList,
    HeartBeat,
    OffsetReply,
    QueryConsumerOffset,
    UnregisterClient,
    UpdateConsumerOffset,
)
from rmqlab.protocol.record import Record, encode
from tests.broker.desk import BORN_MS, Peer
from tests.support import HOST

ALL_ORDERS = [("orders", "*")]


def members(desk, group="kitchen"):
    answer = desk.ask(GetConsumerList(group))
    return fastjson.loads(answer.body)["consumerIdList"]


def notified(peer):
    return [f for f in peer.sent if f.code == RequestCode.NOTIFY_CONSUMER_IDS_CHANGED]


@pytest.fixture
def two(desk):
    """A broker that two members of a group talk to; yield it and their peers."""
    peers = [Peer(), Peer()]
    for number, peer in enumerate(peers, start=1):
        desk.beat(topics=ALL_ORDERS, client=f"c{number}", peer=peer)
    for peer in peers:
        peer.sent.clear()
    return desk, *peers


def test_a_group_that_nobody_belongs_to_is_refused(desk):
    answer = desk.ask(GetConsumerList("kitchen"))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "no consumer for this group, kitchen"


def test_a_heartbeat_makes_its_sender_a_member(two):
    desk, _, _ = two
    assert members(desk) == ["c1", "c2"]


def test_a_heartbeat_that_comes_again_changes_nothing(two):
    desk, first, _ = two
    desk.beat(topics=ALL_ORDERS, client="c1", peer=first)
    assert members(desk) == ["c1", "c2"]


def test_a_new_member_is_told_to_all_itself_included(desk):
    first, second = Peer(), Peer()
    desk.beat(topics=ALL_ORDERS, client="c1", peer=first)
    first.sent.clear()
    desk.beat(topics=ALL_ORDERS, client="c2", peer=second)
    (told,) = notified(first)
    assert told.fields == {"consumerGroup": "kitchen"}
    assert told.is_oneway
    assert len(notified(second)) == 1


def test_a_heartbeat_that_changes_nothing_is_told_to_nobody(two):
    desk, first, second = two
    desk.beat(topics=ALL_ORDERS, client="c1", peer=first)
    assert notified(first) == notified(second) == []


@pytest.mark.parametrize("topics", [[*ALL_ORDERS, ("payments", "*")], []])
def test_other_topics_are_told_to_all(two, topics):
    desk, first, second = two
    desk.beat(topics=topics, client="c1", peer=first, version=2)
    assert len(notified(first)) == len(notified(second)) == 1


def test_a_goodbye_ends_the_membership_and_is_told_to_those_who_stay(two):
    desk, first, second = two
    answer = desk.ask(UnregisterClient("c1", consumer_group="kitchen"), peer=first)
    assert answer.code == ResponseCode.SUCCESS
    assert members(desk) == ["c2"]
    assert len(notified(second)) == 1


def test_a_connection_that_ends_ends_the_membership_and_is_told_to_those_who_stay(two):
    desk, first, second = two
    desk.broker._hung_up(first)
    assert members(desk) == ["c2"]
    assert len(notified(second)) == 1


def test_a_groups_last_member_takes_its_subscriptions_along(two):
    desk, first, second = two
    desk.broker._hung_up(first)
    desk.broker._hung_up(second)
    assert desk.broker.memory.clients.consumers("kitchen") is None


@pytest.mark.parametrize(("late_ms", "is_closed"), [(0, False), (1, True)])
async def test_a_client_that_was_silent_for_two_minutes_is_hung_up_on(
    two, late_ms, is_closed
):
    desk, first, second = two
    desk.clock.advance(SILENCE_MS + late_ms)
    desk.beat(topics=ALL_ORDERS, client="c2", peer=second)
    await ClientExpiry(desk.broker.memory.clients, desk.clock).step()
    assert (first.is_closed, second.is_closed) == (is_closed, False)


async def test_a_silent_producer_is_hung_up_on_too(desk):
    beat = Heartbeat("p1", producer_groups=["shop"])
    desk.ask(HeartBeat(), bodies.encode(beat.to_json()))
    desk.clock.advance(SILENCE_MS + 1)
    await ClientExpiry(desk.broker.memory.clients, desk.clock).step()
    assert desk.peer.is_closed


def test_a_heartbeat_makes_the_groups_retry_topic(desk):
    desk.beat(topics=ALL_ORDERS)
    retry = desk.broker.memory.topics.get("%RETRY%kitchen")
    assert (retry.read_queue_nums, retry.write_queue_nums) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"clientID":"c","consumerDataSet":7}'])
def test_a_heartbeat_that_is_none_is_an_error_of_the_wire(desk, body):
    with pytest.raises(WireError):
        desk.ask(HeartBeat(), body)


def test_a_committed_offset_is_told_to_who_asks(orders):
    answer = orders.ask(UpdateConsumerOffset("kitchen", "orders", 0, 2))
    assert answer.code == ResponseCode.SUCCESS
    answer = orders.ask(QueryConsumerOffset("kitchen", "orders", 0))
    assert OffsetReply.parse(answer.fields).offset == 2


def test_an_offset_may_go_back(orders):
    for offset in (3, 1):
        orders.ask(UpdateConsumerOffset("kitchen", "orders", 0, offset))
    answer = orders.ask(QueryConsumerOffset("kitchen", "orders", 0))
    assert OffsetReply.parse(answer.fields).offset == 1


def test_offsets_are_a_groups_own(orders):
    orders.ask(UpdateConsumerOffset("kitchen", "orders", 0, 2))
    answer = orders.ask(QueryConsumerOffset("bar", "orders", 0))
    assert OffsetReply.parse(answer.fields).offset == 0


def test_a_new_group_of_a_young_queue_begins_at_0(orders):
    answer = orders.ask(QueryConsumerOffset("kitchen", "orders", 0))
    assert OffsetReply.parse(answer.fields).offset == 0


def test_a_new_group_of_an_old_queue_has_no_offset(desk):
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    host = (HOST, 1)
    record = Record("orders", 0, b"late", b"", 0, 0, BORN_MS, host, BORN_MS, host)
    record.queue_offset = 70
    desk.broker.store.copy(0, encode(record))
    desk.broker.store.dispatch()
    answer = desk.ask(QueryConsumerOffset("kitchen", "orders", 0))
    assert answer.code == ResponseCode.QUERY_NOT_FOUND
    assert answer.remark.startswith("Not found, V3_0_6_SNAPSHOT")
