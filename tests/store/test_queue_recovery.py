"""Consume queues that a crash lost, cut or tore are made anew from the log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rmqlab.protocol.record import size_of
from rmqlab.store.consume_queue import FILLER, ConsumeQueue, QueueEntry
from rmqlab.store.file_pool import FilePool
from rmqlab.store.results import GetStatus
from tests.store.shelf import (
    DISK,
    NOW_MS,
    bodies,
    entries,
    kill,
    letters,
    log_files,
    opened,
    record,
    stop,
    zero_from,
)

SIZE = size_of(record(b"a"))
QUEUE = Path("consumequeue/orders/0/00000000000000000000")


def forget_count(root):
    """Leave the checkpoint as RocketMQ writes it: no messages are counted there."""
    zero_from(root / "checkpoint", 4096 - 16)


def test_a_queue_that_begins_late_is_found_to_do_so(tmp_path):
    def make():
        return ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 200)

    make().put([(3, QueueEntry(500, 100, 7))])
    queue = make()
    queue.files.load()
    queue.recover()
    queue.find_min(0)
    assert (queue.min_offset, queue.max_offset) == (3, 4)


def test_a_queue_that_loses_all_it_has_goes_on_with_its_numbers(tmp_path):
    queue = ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 200)
    queue.put([(n, QueueEntry(n * 100, 100, 7)) for n in range(15)])
    assert queue.drop_before(log_start=1000)
    assert queue.cut_log(1000)
    assert (queue.max_offset, queue.last) == (10, None)
    queue.put([(10, QueueEntry(1000, 100, 7))])
    assert (queue.min_offset, queue.max_offset, queue.is_odd) == (10, 11, False)


def test_a_queue_of_which_only_fillers_were_written_is_empty(tmp_path):
    kill(tmp_path, record(b"a"))
    (tmp_path / QUEUE).write_bytes((FILLER * 5).ljust(6000, b"\0"))
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a"]
    stop(tmp_path)
    (tmp_path / QUEUE).write_bytes((FILLER * 5).ljust(6000, b"\0"))
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a"]


def test_a_number_that_those_after_it_contradict_is_the_damaged_one(tmp_path):
    queue = ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 200)
    placed = [(n, QueueEntry(at * 100, 100, 7)) for at, n in enumerate((0, 50, 1, 2))]
    assert queue.put(placed) == [placed[0], *placed[2:]]
    assert (queue.max_offset, queue.is_odd) == (3, True)


def test_zeroes_amid_old_entries_mislead_no_search(tmp_path):
    queue = ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 200)
    queue.put([(n, QueueEntry(n * 100, 100, 7)) for n in range(40)])
    zero = tmp_path / f"{400:020d}"
    zero.write_bytes(bytes(20) + zero.read_bytes()[20:])
    queue.find_min(500)
    assert queue.min_offset == 5


def test_a_queue_lost_whole_is_made_anew_from_older_files_than_the_last(tmp_path):
    small = {"mapped_file_size_commit_log": 1000}
    times = range(NOW_MS, NOW_MS + 25_000, 1000)
    sent = [record(b"%02d" % n, store_timestamp=at) for n, at in enumerate(times)]
    stop(tmp_path, *sent, **small)
    forget_count(tmp_path)
    shutil.rmtree(tmp_path / "consumequeue/orders")
    (tmp_path / "abort").touch()
    with opened(tmp_path, **small) as store:
        assert store.found.records < 10
        assert bodies(store) == [one.body for one in sent]


@pytest.mark.parametrize("was_crash", [False, True])
def test_rocketmqs_store_without_its_oldest_files_keeps_its_queues(
    tmp_path, caplog, was_crash
):
    small = {
        "mapped_file_size_commit_log": 1000,
        "mapped_file_size_consume_queue": 200,
    }
    times = range(NOW_MS, NOW_MS + 25_000, 1000)
    stop(tmp_path, *(record(b"a", store_timestamp=at) for at in times), **small)
    forget_count(tmp_path)
    log_files(tmp_path)[0].unlink()  # ten messages, and their ten entries
    (tmp_path / QUEUE).unlink()
    if was_crash:
        (tmp_path / "abort").touch()
    with opened(tmp_path, **small) as store:
        assert store.queues.min_offset("orders", 0) == 10
        assert bodies(store, offset=20) == [b"a"] * 5
    assert "made anew" not in caplog.text


def test_an_emptied_queue_may_begin_in_another_file(tmp_path):
    queue = ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 200)
    for first in (15, 2):
        queue.put([(first, QueueEntry(700, 100, 7))])
        assert (queue.min_offset, queue.max_offset) == (first, first + 1)
        assert [path.name for path in tmp_path.iterdir()] == [
            f"{first // 10 * 200:020d}"
        ]
        assert queue.cut_log(700)


@pytest.mark.parametrize("was_crash", [False, True])
def test_lost_queues_are_made_anew_from_the_log(tmp_path, was_crash):
    (kill if was_crash else stop)(tmp_path, *letters(), record(topic="tea"))
    with opened(tmp_path) as store:
        before = entries(store)
    if not was_crash:
        stop(tmp_path)
    shutil.rmtree(tmp_path / "consumequeue")
    with opened(tmp_path) as store:
        assert store.found.was_crash is was_crash
        assert entries(store) == before


def test_after_a_kill_one_lost_queue_of_several_is_made_anew(tmp_path):
    kill(tmp_path, *letters(), record(topic="tea"))
    shutil.rmtree(tmp_path / "consumequeue/orders")
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"c"]
        assert bodies(store, "tea") == [b"coffee"]


@pytest.mark.parametrize("cut", range(61))
def test_after_a_kill_a_queue_cut_at_any_byte_is_made_anew(tmp_path, cut):
    kill(tmp_path, *letters(properties=b"TAGS\x01paid"))
    wanted = (tmp_path / QUEUE).read_bytes()
    zero_from(tmp_path / QUEUE, cut)
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"c"]
    assert (tmp_path / QUEUE).read_bytes() == wanted


def test_after_a_kill_zeroes_amid_a_queue_are_made_good(tmp_path):
    kill(tmp_path, *letters(properties=b"TAGS\x01paid"))
    wanted = (tmp_path / QUEUE).read_bytes()
    (tmp_path / QUEUE).write_bytes(wanted[:15] + bytes(25) + wanted[40:])
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"c"]
    assert (tmp_path / QUEUE).read_bytes() == wanted


def test_queues_that_know_more_than_the_log_are_cut(tmp_path):
    stop(tmp_path, *letters())
    zero_from(log_files(tmp_path)[0], SIZE)
    with opened(tmp_path) as store:
        assert store.log.end == SIZE
        assert bodies(store) == [b"a"]
        assert store.put(record(b"B")).record.queue_offset == 1
        store.dispatch()
        assert bodies(store) == [b"a", b"B"]


@pytest.mark.parametrize("change", [-1, 1000])  # up to beyond the log
@pytest.mark.parametrize("is_newest", [True, False])
def test_after_a_stop_a_queues_last_entry_with_a_false_size_is_made_anew(
    tmp_path, change, is_newest
):
    others = [] if is_newest else [record(topic="tea")]
    stop(tmp_path, *letters(), *others)
    forget_count(tmp_path)
    wanted = (tmp_path / QUEUE).read_bytes()
    size = (SIZE + change).to_bytes(4)
    (tmp_path / QUEUE).write_bytes(wanted[:48] + size + wanted[52:])
    with opened(tmp_path) as store:
        assert store.queues.max_offset("orders", 0) == 3
    if is_newest or change > 0:  # else reading passes that message over, and says so
        assert (tmp_path / QUEUE).read_bytes() == wanted


def test_after_a_stop_a_hole_in_a_queues_last_three_files_is_made_good(tmp_path):
    small = {"mapped_file_size_consume_queue": 60}
    stop(tmp_path, *letters(b"abcdefgh"), **small)
    folder = (tmp_path / QUEUE).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 3
    zero_from(tmp_path / QUEUE, 20)
    with opened(tmp_path, **small) as store:
        assert store.queues.max_offset("orders", 0) == 8
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_queue_begins_where_its_first_message_in_the_log_does(tmp_path):
    small = {"mapped_file_size_commit_log": 1000}
    stop(tmp_path, *letters(bytes(range(25))), **small)
    per_file = 1000 // SIZE
    log_files(tmp_path)[0].unlink()  # as old files are removed, oldest first
    with opened(tmp_path, **small) as store:
        assert store.log.start == 1000
        assert store.queues.min_offset("orders", 0) == per_file
        assert bodies(store, offset=per_file)[0] == bytes([per_file])
        too_small = store.reading.get("orders", 0, per_file - 1, 32, lambda _: True)
        assert (too_small.status, too_small.next_offset) == (
            GetStatus.OFFSET_TOO_SMALL,
            per_file,
        )


def test_a_record_that_claims_an_older_place_in_its_queue_gets_none(tmp_path):
    kill(tmp_path, *letters())
    with opened(tmp_path) as store:
        store.log.append([record(b"?", queue_offset=1)])
        assert store.dispatch() == []
        assert bodies(store) == [b"a", b"b", b"c"]
        assert store.put(record(b"d")).record.queue_offset == 3


@pytest.mark.parametrize("damaged", [99, 101, 1500])
def test_a_queue_goes_on_behind_a_damaged_stretch_of_the_log(tmp_path, damaged):
    first, last = 20, 30
    sent = [record(b"%05d" % number) for number in range(first + damaged + last)]
    stop(tmp_path, *sent, record(topic="others"))  # which shows where the log ends
    size = size_of(sent[0])
    with log_files(tmp_path)[0].open("r+b") as file:
        file.seek(first * size)
        file.write(b"\1" * damaged * size)
    shutil.rmtree(tmp_path / "consumequeue/orders")
    stop(tmp_path, record(b"next"))
    with opened(tmp_path) as store:
        assert store.queues.min_offset("orders", 0) == 0
        assert bodies(store) == [b"%05d" % number for number in range(first)]
        behind = bodies(store, offset=first + damaged)
        assert behind == [*(one.body for one in sent[-last:]), b"next"]


def test_a_great_leap_that_nothing_confirms_is_damage(tmp_path):
    queue = ConsumeQueue(DISK, FilePool(DISK), str(tmp_path), 20_000)
    queue.put([(0, QueueEntry(0, 100, 0))])
    alone, following = (200, QueueEntry(100, 100, 0)), (201, QueueEntry(200, 100, 0))
    assert queue.put([alone]) == []
    assert queue.put([alone, following]) == [alone, following]
    assert (
        queue.put(
            [(99_999, QueueEntry(300, 100, 0)), (100_000, QueueEntry(400, 100, 0))]
        )
        == []
    )
    assert queue.max_offset == 202
