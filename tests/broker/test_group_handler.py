"""Heartbeats, goodbyes and members of a group."""

from __future__ import annotations

import pytest

from rmqlab.broker.services.housekeeping import ClientExpiry
from rmqlab.broker.tables.clients import SILENCE_MS
from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import GroupConfig
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.grouping import CheckClientConfig
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.messaging import (
    GetConsumerList,
    HeartBeat,
    UnregisterClient,
)
from tests.broker.desk import Peer

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


def test_two_clients_of_one_id_are_two_members(two):
    desk, _, _ = two
    desk.beat(topics=ALL_ORDERS, client="c1", peer=Peer())
    assert sorted(members(desk)) == ["c1", "c1", "c2"]


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


def beat(desk, client="c1", peer=None, **told):
    data = ConsumerData("kitchen", **told)
    body = bodies.encode(Heartbeat(client, consumers=[data]).to_json())
    return desk.ask(HeartBeat(), body, peer or desk.peer)


@pytest.mark.parametrize(("unit_mode", "flag"), [(False, 0), (True, 2)])
def test_the_retry_topic_of_a_unit_is_marked_as_one(desk, unit_mode, flag):
    beat(desk, unit_mode=unit_mode)
    assert desk.broker.memory.topics.get("%RETRY%kitchen").topic_sys_flag == flag


def test_a_member_that_wants_less_takes_topics_from_all_others(two):
    desk, first, second = two
    both = [("orders", "*"), ("payments", "*")]
    desk.beat(topics=both, client="c1", peer=first, version=2)
    desk.beat(topics=ALL_ORDERS, client="c2", peer=second, version=1)
    wanted = desk.broker.memory.clients.consumers("kitchen").subscriptions
    assert list(wanted) == ["orders"]
    assert (len(notified(first)), len(notified(second))) == (2, 2)


@pytest.mark.parametrize(("version", "kept"), [(1, "*"), (2, "paid")])
def test_what_a_member_wants_otherwise_counts_where_it_is_newer(two, version, kept):
    desk, _, second = two
    desk.beat(topics=[("orders", "paid")], client="c2", peer=second, version=version)
    wanted = desk.broker.memory.clients.consumers("kitchen").subscriptions
    assert wanted["orders"].sub_string == kept
    assert notified(second) == []


def test_a_group_may_be_told_of_no_changes(two):
    desk, first, second = two
    quiet = GroupConfig("kitchen", notify_consumer_ids_changed_enable=False)
    desk.broker.memory.groups._groups["kitchen"] = quiet
    desk.beat(topics=ALL_ORDERS, client="c3", peer=Peer())
    desk.ask(UnregisterClient("c1", consumer_group="kitchen"), peer=first)
    assert notified(first) == notified(second) == []
    assert members(desk) == ["c2", "c3"]


def test_a_broker_may_tell_no_group_of_changes(desk_with):
    desk, peer = desk_with(notify_consumer_ids_changed_enable=False), Peer()
    desk.beat(topics=ALL_ORDERS, peer=peer)
    assert notified(peer) == []


def sql(expression, topic="orders", version=1, kind="SQL92"):
    return Subscription(topic, expression, [], [], version, kind)


def check(desk, subscription):
    told = {"clientId": "c1", "group": "kitchen"}
    body = bodies.encode({**told, "subscriptionData": subscription.to_json()})
    return desk.ask(CheckClientConfig(), body)


def test_a_tag_expression_is_understood_everywhere(desk):
    assert check(desk, Subscription.of("orders", "a || b")).code == ResponseCode.SUCCESS
    assert desk.ask(CheckClientConfig(), b"{}").code == ResponseCode.SUCCESS


def test_sql_is_understood_only_where_it_is_switched_on(desk):
    answer = check(desk, sql("a > 5"))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    why = "The broker does not support consumer to filter message by SQL92"
    assert answer.remark == why


@pytest.mark.parametrize(
    ("subscription", "why"),
    [
        (sql("a > 5"), None),
        (sql("a >"), "found the end at character 4"),
        (sql("a > 5", kind="XPATH"), "an expression of type XPATH"),
    ],
)
def test_an_expression_is_checked_before_it_is_used(desk_with, subscription, why):
    answer = check(desk_with(enable_property_filter=True), subscription)
    refused = ResponseCode.SUBSCRIPTION_PARSE_FAILED
    assert answer.code == (refused if why else ResponseCode.SUCCESS)
    assert (why or "") in (answer.remark or "")
