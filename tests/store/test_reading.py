"""What a store answers to who reads a queue: each status of RocketMQ."""

from __future__ import annotations

import pytest

from rmqlab.protocol.message import java_hash
from rmqlab.store.results import Arrival, GetStatus, PutStatus
from tests.store.shelf import NOW_MS, bodies, kill, log_files, opened, record


@pytest.fixture
def store(tmp_path):
    """A store with five messages, a to e, in queue 0 of `orders`."""
    with opened(tmp_path) as one:
        for letter in b"abcde":
            one.put(record(bytes([letter])))
        one.dispatch()
        yield one


def anything(code):
    return True


def read(store, offset, limit=32, wants=anything):
    return store.reading.get("orders", 0, offset, limit, wants)


def test_what_was_put_is_found(store):
    got = read(store, 0)
    assert got.status is GetStatus.FOUND
    assert (got.next_offset, got.min_offset, got.max_offset) == (5, 0, 5)
    assert bodies(store) == [b"a", b"b", b"c", b"d", b"e"]


def test_reading_goes_on_where_it_ended(store):
    first = read(store, 0, limit=2)
    assert first.next_offset == 2
    assert bodies(store, offset=first.next_offset) == [b"c", b"d", b"e"]


def test_the_end_of_a_queue_overflows_by_one(store):
    got = read(store, 5)
    assert got.status is GetStatus.OFFSET_OVERFLOW_ONE
    assert (got.next_offset, got.records) == (5, ())


@pytest.mark.parametrize("offset", [6, 100, 2**62])
def test_beyond_the_end_of_a_queue_overflows_badly_and_names_the_end(store, offset):
    got = read(store, offset)
    assert got.status is GetStatus.OFFSET_OVERFLOW_BADLY
    assert got.next_offset == 5


@pytest.mark.parametrize("offset", [-1, -(2**62)])
def test_before_the_first_message_is_too_small_and_names_the_first(store, offset):
    got = read(store, offset)
    assert got.status is GetStatus.OFFSET_TOO_SMALL
    assert got.next_offset == 0


def test_a_queue_that_begins_later_says_where(tmp_path):
    with opened(tmp_path) as store:
        store.log.append([record(b"late", queue_offset=7)])
        store.dispatch()
        assert read(store, 6).status is GetStatus.OFFSET_TOO_SMALL
        assert read(store, 6).next_offset == 7
        assert (
            store.queues.min_offset("orders", 0),
            store.queues.max_offset("orders", 0),
        ) == (7, 8)
        assert bodies(store, offset=7) == [b"late"]


def test_an_unknown_queue_matches_none(store):
    got = store.reading.get("nothing", 0, 0, 32, anything)
    assert got.status is GetStatus.NO_MESSAGE_IN_QUEUE
    assert (
        store.queues.min_offset("nothing", 0),
        store.queues.max_offset("nothing", 0),
    ) == (0, 0)


def test_a_queue_whose_messages_are_all_lost_has_none(tmp_path):
    kill(tmp_path, record())
    for path in log_files(tmp_path):
        path.unlink()
    with opened(tmp_path) as store:
        assert read(store, 0).status is GetStatus.NO_MESSAGE_IN_QUEUE


def test_a_message_of_another_tag_is_no_match_and_passed_over(store):
    got = read(store, 1, wants=lambda code: False)
    assert got.status is GetStatus.NO_MATCHED_MESSAGE
    assert got.next_offset == 5


def test_messages_are_chosen_by_the_hash_of_their_tag(tmp_path):
    with opened(tmp_path) as store:
        for number, tag in enumerate(["paid", "open", "paid"]):
            store.put(record(b"%d" % number, properties=b"TAGS\x01" + tag.encode()))
        store.dispatch()
        got = read(store, 0, wants=lambda code: code == java_hash("open"))
    assert (len(got.records), got.next_offset) == (1, 3)
    assert b"open" in got.records[0]


def test_a_message_is_not_readable_before_it_is_dispatched(store):
    store.put(record(b"f"))
    assert read(store, 5).status is GetStatus.OFFSET_OVERFLOW_ONE
    assert store.dispatch() == [Arrival("orders", 0, 6, 0, {})]
    assert bodies(store, offset=5) == [b"f"]
    assert store.dispatch() == []


def test_a_reader_gets_no_more_messages_than_it_asked_for(store):
    assert len(read(store, 0, limit=3).records) == 3
    assert len(read(store, 0, limit=0).records) == 1  # always one


def test_a_reader_gets_no_more_messages_than_the_settings_allow(tmp_path):
    with opened(tmp_path, max_transfer_count_on_message_in_memory=2) as store:
        for _ in range(4):
            store.put(record())
        store.dispatch()
        assert len(read(store, 0).records) == 2


def test_a_reader_gets_no_more_bytes_than_the_settings_allow_but_one_message(tmp_path):
    with opened(tmp_path, max_transfer_bytes_on_message_in_memory=1000) as store:
        for size in (5000, 300, 300, 300):
            store.put(record(bytes(size)))
        store.dispatch()
        counts = [len(read(store, offset).records) for offset in range(4)]
        assert counts == [1, 2, 2, 1]


def test_one_read_stays_within_one_file_of_the_queue(tmp_path):
    with opened(tmp_path, mapped_file_size_consume_queue=60) as store:
        for _ in range(7):
            store.put(record())
        store.dispatch()
        assert [read(store, n).next_offset for n in (0, 1, 3, 6)] == [3, 3, 6, 7]


def test_queues_count_their_messages_each_for_itself(tmp_path):
    with opened(tmp_path) as store:
        puts = [
            store.put(record(topic=topic, queue_id=queue_id)).record.queue_offset
            for topic, queue_id in [("a", 0), ("a", 1), ("b", 0), ("a", 0), ("b", 0)]
        ]
    assert puts == [0, 0, 0, 1, 1]


def test_a_half_message_is_in_the_log_and_in_no_queue(tmp_path):
    with opened(tmp_path) as store:
        store.put(record())
        store.dispatch()
        for sys_flag in (4, 12):  # prepared, rolled back
            put = store.put(record(sys_flag=sys_flag))
            assert put.status is PutStatus.PUT_OK
            assert store.reading.record_at(put.record.physical_offset).queue_offset == 0
        assert store.dispatch() == []
        assert store.queues.max_offset("orders", 0) == 1
        assert store.put(record(sys_flag=8)).record.queue_offset == 1  # committed


@pytest.mark.parametrize("offset", [-1, 1, 97, 10_000, 2**40, 2**62])
def test_where_no_message_starts_none_is_found(store, offset):
    assert store.reading.record_at(offset) is None


def test_the_store_time_of_a_message_is_told_by_its_place_in_the_queue(store):
    assert store.reading.stored_ms("orders", 0, 4) == NOW_MS


@pytest.mark.parametrize("offset", [-1, 5, 6, 299, 300, 2**40])
def test_a_message_that_is_not_there_has_no_store_time(store, offset):
    assert store.reading.stored_ms("orders", 0, offset) == 0
    assert store.reading.stored_ms("nothing", 0, offset) == 0
