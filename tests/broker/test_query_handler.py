"""Messages found by key, by unique id, by place in the log and by time."""

from __future__ import annotations

import pytest

from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.messaging import (
    GetEarliestTime,
    OffsetReply,
    QueryMessage,
    QueryReply,
    SearchOffset,
    TimeReply,
    ViewMessage,
)
from rmqlab.protocol.record import decode_all
from tests.broker.desk import BORN_MS

AGES = range(3)
FOREVER = 1 << 62


@pytest.fixture
def shop(desk):
    """A broker with an order a second; each has keys of its own and a common one."""
    for age in AGES:
        keys = f"KEYS\x01order-{age} all\x02UNIQ_KEY\x01unique-{age}"
        desk.send(b"%d" % age, properties=keys)
        desk.clock.advance(1000)
    desk.broker.store.dispatch()
    return desk


def query(desk, key, most=32, begin=0, end=FOREVER, topic="orders", unique=None):
    answer = desk.ask(QueryMessage(topic, key, most, begin, end, unique))
    if answer.code == ResponseCode.SUCCESS:
        return [one.body for one in decode_all(answer.body)]
    assert answer.code == ResponseCode.QUERY_NOT_FOUND
    assert answer.remark == "can not find message, maybe time range not correct"
    assert QueryReply.parse(answer.fields) == QueryReply(0, 0)
    return []


def test_a_key_finds_its_message_and_a_common_one_finds_all_in_order(shop):
    assert query(shop, "order-1") == [b"1"]
    assert query(shop, "all") == [b"0", b"1", b"2"]


def test_as_many_as_asked_for_are_found_and_they_are_the_newest(shop):
    assert query(shop, "all", most=2) == [b"1", b"2"]
    assert query(shop, "all", most=0) == []


def test_a_unique_id_is_found_whatever_number_was_asked_for(shop):
    assert query(shop, "unique-2", most=0, unique=True) == [b"2"]


def test_what_nobody_sent_is_not_found(shop):
    assert query(shop, "order-9") == []
    assert query(shop, "order-1", topic="others") == []


def test_only_the_time_asked_for_is_looked_at(shop):
    assert query(shop, "all", begin=BORN_MS + 1000) == [b"1", b"2"]
    assert query(shop, "all", end=BORN_MS + 1000) == [b"0", b"1"]


def test_two_keys_of_one_hash_are_not_mixed_up(desk):
    desk.send(b"right", properties="KEYS\x01Aa")
    desk.send(b"wrong", properties="KEYS\x01BB")
    desk.broker.store.dispatch()
    assert query(desk, "Aa") == query(desk, "Aa", most=1) == [b"right"]


def test_never_more_than_the_settings_allow_are_found(desk):
    for number in range(70):
        desk.send(b"%d" % number, properties="KEYS\x01many")
    desk.broker.store.dispatch()
    assert len(query(desk, "many", most=1000)) == 64


def test_the_answer_says_up_to_where_the_index_knows_the_log(shop):
    answer = shop.ask(QueryMessage("orders", "order-0", 1, 0, FOREVER))
    newest = shop.stored()[-1]
    found = QueryReply.parse(answer.fields)
    assert found == QueryReply(BORN_MS + 2000, newest.physical_offset)


def test_a_message_is_viewed_by_its_place_in_the_log(shop):
    newest = shop.stored()[-1]
    answer = shop.ask(ViewMessage(newest.physical_offset))
    assert [one.body for one in decode_all(answer.body)] == [b"2"]
    refused = shop.ask(ViewMessage(newest.physical_offset + 1))
    assert refused.code == ResponseCode.SYSTEM_ERROR
    assert refused.remark.startswith("can not find message by the offset, ")


@pytest.mark.parametrize(
    ("ms", "offset"),
    [(-5000, 0), (0, 0), (400, 0), (500, 0), (501, 1), (1000, 1), (1900, 2), (9000, 2)],
)
def test_a_time_finds_the_nearest_message_and_of_two_the_first(shop, ms, offset):
    answer = shop.ask(SearchOffset("orders", 0, BORN_MS + ms))
    assert OffsetReply.parse(answer.fields) == OffsetReply(offset)


def test_of_messages_of_one_millisecond_a_time_finds_the_first(desk):
    for _ in range(5):
        desk.send()
    desk.broker.store.dispatch()
    answer = desk.ask(SearchOffset("orders", 0, BORN_MS))
    assert OffsetReply.parse(answer.fields) == OffsetReply(0)


def test_an_unknown_queue_has_offset_0_for_every_time(shop):
    answer = shop.ask(SearchOffset("others", 0, BORN_MS))
    assert OffsetReply.parse(answer.fields) == OffsetReply(0)


def test_the_oldest_messages_time_is_told_or_that_there_is_none(shop):
    answer = shop.ask(GetEarliestTime("orders", 0))
    assert TimeReply.parse(answer.fields) == TimeReply(BORN_MS)
    answer = shop.ask(GetEarliestTime("orders", 3))
    assert TimeReply.parse(answer.fields) == TimeReply(-1)
