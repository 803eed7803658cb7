"""SQL92 filters: whose they are, what they let through, and when they are refused."""

from __future__ import annotations

import pytest

from rmqlab.broker.services.dispatcher import HoldScan
from rmqlab.broker.tables.filters import Filters
from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.codes import PullSysFlag, ResponseCode
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.message import join_properties
from rmqlab.protocol.messaging import HeartBeat
from rmqlab.protocol.record import decode_all
from tests.broker.desk import Peer, open_desk

DAY_MS = 86_400_000
WAITS = PullSysFlag.SUSPEND
ON = {"enable_property_filter": True}


def sql(expression, topic="orders", version=1, kind="SQL92"):
    return Subscription(topic, expression, [], [], version, kind)


@pytest.fixture
def priced(desk_with):
    """Six messages in queue 0: their prices are 0, 10 … 50."""
    desk = desk_with(**ON)
    for number in range(6):
        price(desk, 10 * number)
    desk.broker.store.dispatch()
    return desk


def price(desk, euros, topic="orders", **more):
    properties = join_properties({"price": str(euros), **more})
    desk.send(b"%d" % euros, properties=properties, topic=topic)


def beat(desk, *subscriptions, group="kitchen", peer=None):
    data = ConsumerData(group, subscriptions=list(subscriptions))
    body = bodies.encode(Heartbeat("c1", consumers=[data]).to_json())
    return desk.ask(HeartBeat(), body, peer)


def pull(desk, expression=None, flags=0, version=1, **more):
    if expression:
        flags |= PullSysFlag.SUBSCRIPTION
    kind = more.pop("expression_type", "SQL92")
    return desk.pull(
        more.pop("offset", 0), expression, flags, version=version,
        expression_type=kind, **more,
    )  # fmt: skip


def found(answer):
    return [int(record.body) for record in decode_all(answer.body)]


def test_a_heartbeats_filter_chooses_messages_by_their_properties(priced):
    beat(priced, sql("price BETWEEN 10 AND 30"))
    answer = pull(priced)
    assert (answer.code, found(answer)) == (ResponseCode.SUCCESS, [10, 20, 30])
    assert answer.fields["nextBeginOffset"] == "6"


def test_a_pull_may_bring_its_filter_along(priced):
    assert found(pull(priced, "price > 30")) == [40, 50]


def test_a_filter_that_nothing_matches_goes_on_behind_what_was_looked_at(priced):
    answer = pull(priced, "color = 'red'")
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert answer.remark == "NO_MATCHED_MESSAGE"
    assert answer.fields["nextBeginOffset"] == "6"


def test_a_filter_is_refused_where_filters_are_switched_off(desk):
    desk.send()
    beat(desk, sql("price > 30"))
    for answer in (pull(desk), pull(desk, "price > 30"), pull(desk, "price >")):
        assert answer.code == ResponseCode.SYSTEM_ERROR
        why = "The broker does not support consumer to filter message by SQL92"
        assert answer.remark == why


@pytest.mark.parametrize(
    ("expression", "kind"), [("price >", "SQL92"), ("//price", "XPATH")]
)
def test_a_pull_with_a_filter_that_is_none_is_refused(priced, expression, kind):
    answer = pull(priced, expression, expression_type=kind)
    assert answer.code == ResponseCode.SUBSCRIPTION_PARSE_FAILED
    assert answer.remark.startswith("parse the consumer's subscription failed")


def test_a_heartbeat_with_a_filter_that_is_none_leaves_its_pulls_without_one(priced):
    beat(priced, sql("price >"))
    answer = pull(priced)
    assert answer.code == ResponseCode.FILTER_DATA_NOT_EXIST
    assert answer.remark == (
        "The broker's consumer filter data is not exist!Your expression may be wrong!"
    )


def test_a_filter_that_is_older_than_the_subscription_is_refused(priced):
    beat(priced, sql("price > 30", version=3))
    priced.broker.memory.filters.get("orders", "kitchen").client_version = 1
    answer = pull(priced, version=2)
    assert answer.code == ResponseCode.FILTER_DATA_NOT_LATEST
    assert answer.remark == "the consumer's consumer filter data not latest"


async def test_a_held_pull_is_woken_by_a_message_that_its_filter_matches(priced):
    beat(priced, sql("price > 30"))
    peer = Peer()
    assert pull(priced, flags=WAITS, offset=6, peer=peer) is None
    price(priced, 5)
    await priced.broker._dispatcher.step()
    assert peer.sent == []
    price(priced, 60)
    await priced.broker._dispatcher.step()
    assert found(peer.sent[0]) == [60]


async def test_the_look_every_five_seconds_lets_a_filters_pull_go_on(priced):
    peer = Peer()
    assert pull(priced, "price > 30", flags=WAITS, offset=6, peer=peer) is None
    price(priced, 5)
    broker = priced.broker
    await broker._dispatcher.step()
    held = broker.memory.holds
    await HoldScan(broker.config, broker.store, held, broker.pulls, priced.clock).step()
    assert peer.sent[0].code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert peer.sent[0].fields["nextBeginOffset"] == "7"


@pytest.mark.parametrize(("asks_again", "prices"), [(False, [5, 60]), (True, [60])])
def test_retried_messages_are_filtered_again_only_where_that_is_switched_on(
    desk_with, asks_again, prices
):
    desk = desk_with(**ON, filter_support_retry=asks_again)
    retries = "%RETRY%kitchen"
    beat(desk, sql("price > 30"), Subscription.of(retries, "*", 1))
    for euros in (5, 60):
        price(desk, euros, retries, RETRY_TOPIC="orders")
    desk.broker.store.dispatch()
    assert found(pull(desk, topic=retries, expression_type="TAG")) == prices


def test_a_groups_filters_die_with_its_last_member(priced):
    peers = [Peer(), Peer()]
    for peer in peers:
        beat(priced, sql("price > 30"), peer=peer)
    kept = priced.broker.memory.filters.get("orders", "kitchen")
    priced.broker._hung_up(peers[0])
    assert kept.dead_time == 0
    priced.broker._hung_up(peers[1])
    assert kept.dead_time == priced.clock.now_ms()


def test_filters_are_written_and_read_again(tmp_path):
    with open_desk(tmp_path, **ON) as desk:
        beat(desk, sql("price > 30"))
        desk.broker._persistence.save_changed()
    with open_desk(tmp_path, **ON) as desk:
        kept = desk.broker.memory.filters.get("orders", "kitchen")
        assert (kept.expression, kept.dead_time) == ("price > 30", kept.born_time)


# The table


@pytest.fixture
def filters():
    return Filters(clean_ms=DAY_MS, most=2)


def test_a_filter_of_the_same_version_or_an_older_one_changes_nothing(filters):
    filters.heard("kitchen", [sql("a = 1", version=2)], 0)
    for version in (1, 2):
        filters.heard("kitchen", [sql("a = 2", version=version)], 5)
    kept = filters.get("orders", "kitchen")
    assert (kept.expression, kept.client_version) == ("a = 1", 2)


def test_a_newer_filter_takes_the_olders_place(filters):
    filters.heard("kitchen", [sql("a = 1")], 0)
    filters.heard("kitchen", [sql("a = 2", version=2)], 5)
    kept = filters.get("orders", "kitchen")
    assert (kept.expression, kept.client_version, kept.born_time) == ("a = 2", 2, 5)


def test_a_newer_filter_that_is_none_takes_the_older_away(filters):
    filters.heard("kitchen", [sql("a = 1")], 0)
    filters.heard("kitchen", [sql("a =", version=2)], 5)
    assert filters.get("orders", "kitchen") is None


def test_a_newer_version_of_the_same_filter_is_the_same(filters):
    filters.heard("kitchen", [sql("a = 1")], 1)
    filters.heard("kitchen", [sql("a = 1", version=2)], 5)
    kept = filters.get("orders", "kitchen")
    assert (kept.client_version, kept.born_time) == (2, 1)


def test_a_filter_dies_with_its_subscription_and_lives_again_with_it(filters):
    wanted = [sql("a = 1"), Subscription.of("payments", "*")]
    filters.heard("kitchen", wanted, 1)
    kept = filters.get("orders", "kitchen")
    filters.heard("kitchen", wanted[1:], 5)
    assert kept.dead_time == 5
    filters.heard("kitchen", wanted[1:], 7)
    assert kept.dead_time == 5
    filters.heard("kitchen", wanted, 9)
    assert kept.dead_time == 0
    filters.group_gone("kitchen", 11)
    assert kept.dead_time == 11


def test_a_filter_is_forgotten_a_day_after_its_death(filters):
    filters.heard("kitchen", [sql("a = 1")], 1)
    filters.group_gone("kitchen", 1000)
    for now_ms, is_there in ((1000 + DAY_MS, True), (1001 + DAY_MS, False)):
        filters.heard("bar", [sql("a = 1", version=now_ms)], now_ms)
        filters.heard("bar", [sql("b = 1", "payments", version=now_ms)], now_ms)
        assert (filters.get("orders", "kitchen") is not None) is is_there


def test_no_more_filters_are_kept_than_the_limit(filters):
    for group in ("kitchen", "bar", "shop"):
        filters.heard(group, [sql("a = 1")], 1)
    kept = [filters.get("orders", one) for one in ("kitchen", "bar", "shop")]
    assert [one is not None for one in kept] == [True, True, False]


def test_the_file_is_of_topics_and_of_groups_below_them(filters):
    filters.heard("kitchen", [sql("a = 1")], 7)
    table = filters.to_json()
    by_group = table["filterDataByTopic"]["orders"]["groupFilterData"]
    assert by_group["kitchen"] == {
        "bornTime": 7,
        "clientVersion": 1,
        "consumerGroup": "kitchen",
        "deadTime": 0,
        "expression": "a = 1",
        "expressionType": "SQL92",
        "topic": "orders",
    }
    again = Filters(DAY_MS)
    again.load(fastjson.loads(fastjson.dumps(table)))
    assert again.get("orders", "kitchen").expression == "a = 1"


@pytest.mark.parametrize("found", [[], {}, {"filterDataByTopic": {"t": {}}}])
def test_a_file_of_something_else_is_refused(filters, found):
    with pytest.raises(WireError):
        filters.load(found)
