"""The window of pulled messages: what may be committed is what has no gap before it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rmqlab.client.process_queue import ProcessQueue
from rmqlab.protocol.message import MessageQueue, StoredMessage

HOST = ("127.0.0.1", 1)
QUEUE = MessageQueue("t", "broker-a", 0)


def message(offset):
    return StoredMessage("t", 0, offset, 0, 0, b"", {}, 0, 0, 0, HOST, 0, HOST, 0)


def window(*offsets):
    queue = ProcessQueue(QUEUE)
    queue.add([message(offset) for offset in offsets])
    return queue


def test_after_the_first_message_is_done_the_second_is_next():
    assert window(5, 6, 7).done(message(5)) == 6


def test_a_slow_message_holds_the_offset_back():
    queue = window(5, 6, 7)
    assert queue.done(message(7)) == 5
    assert queue.done(message(6)) == 5


def test_once_all_is_done_the_offset_is_behind_the_last():
    queue = window(5, 6, 7)
    assert [queue.done(message(offset)) for offset in (6, 7, 5)] == [5, 5, 8]


def test_offsets_that_a_filter_left_out_are_no_gap():
    queue = window(5, 9)
    assert queue.done(message(5)) == 9
    assert queue.done(message(9)) == 10


def test_a_message_that_is_done_twice_changes_nothing():
    queue = window(5, 6)
    queue.done(message(5))
    assert queue.done(message(5)) == 6


def test_a_window_counts_what_is_not_done():
    queue = window(5, 6, 7)
    queue.done(message(6))
    assert len(queue) == 2


def test_the_span_is_from_the_oldest_to_the_newest_that_is_not_done():
    queue = window(5, 6, 7, 8)
    assert queue.span == 3
    queue.done(message(8))
    assert queue.span == 2
    queue.done(message(5))
    assert queue.span == 1
    for offset in (6, 7):
        queue.done(message(offset))
    assert queue.span == 0


def test_what_is_done_takes_its_bytes_with_it_once():
    queue = ProcessQueue(QUEUE)
    one, two = (replace(message(n), body=b"12345") for n in (1, 2))
    queue.add([one, two])
    assert queue.size == 10
    for _ in range(2):
        queue.done(one)
    assert queue.size == 5


@given(st.permutations(range(8)))
def test_in_whatever_order_nothing_is_committed_before_all_ahead_of_it_is_done(order):
    queue = window(*range(8))
    done = set()
    for offset in order:
        committed = queue.done(message(offset))
        done.add(offset)
        assert set(range(committed)) <= done
    assert committed == 8
