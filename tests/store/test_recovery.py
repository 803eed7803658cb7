"""What is there again after a stop, a kill, and every cut that a crash may make."""

from __future__ import annotations

import asyncio
import shutil
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from rmqlab.protocol.record import BLANK_MAGIC, size_of
from rmqlab.settings import BrokerRole
from tests.store.shelf import (
    NOW_MS,
    bodies,
    entries,
    kill,
    letters,
    log_files,
    make_store,
    opened,
    record,
    stop,
    zero_from,
)

FILE_BYTES = 1000
SMALL = {"mapped_file_size_commit_log": FILE_BYTES}
SIZE = size_of(record(b"a"))
TAGGED = record(properties=b"TAGS\x01paid")
QUEUE = Path("consumequeue/orders/0/00000000000000000000")


def checkpoint(root):
    return struct.unpack(">qqq", (root / "checkpoint").read_bytes()[:24])


def test_after_a_stop_everything_is_there_and_it_was_no_crash(tmp_path):
    stop(tmp_path, *letters())
    with opened(tmp_path) as store:
        assert store.found == (3 * SIZE, 1, False, None)
        assert bodies(store) == [b"a", b"b", b"c"]
        assert store.put(record(b"d")).record.queue_offset == 3
        assert store.log.end == 4 * SIZE


def test_after_a_kill_everything_is_there_and_it_was_a_crash(tmp_path):
    kill(tmp_path, *letters())
    with opened(tmp_path) as store:
        assert store.found == (3 * SIZE, 3, True, None)
        assert bodies(store) == [b"a", b"b", b"c"]
        assert store.put(record(b"d")).record.queue_offset == 3


def test_what_was_in_no_queue_at_the_kill_is_in_one_afterwards(tmp_path):
    with opened(tmp_path) as store:
        for one in letters():
            store.put(one)
        assert not entries(store)
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"c"]


def test_a_stop_dispatches_and_flushes_what_was_left(tmp_path):
    store = make_store(tmp_path)
    store.open()
    for one in letters():
        store.put(one)
    asyncio.run(store.close())
    data = (tmp_path / QUEUE).read_bytes()
    assert data[:60] == b"".join(
        struct.pack(">qiq", n * SIZE, SIZE, 0) for n in range(3)
    )
    assert store.log.files.flushed == 3 * SIZE


def test_the_abort_file_is_there_while_a_broker_runs(tmp_path):
    with opened(tmp_path):
        assert (tmp_path / "abort").read_bytes() == b""
    assert (tmp_path / "abort").exists()
    stop(tmp_path)
    assert not (tmp_path / "abort").exists()
    assert (tmp_path / "lock").exists()


def test_an_empty_store_is_opened_again_and_again(tmp_path):
    for _ in range(2):
        stop(tmp_path)
        kill(tmp_path)
    with opened(tmp_path) as store:
        assert store.found == (0, 0, True, None)
        store.put(record(b"a"))
        store.dispatch()
        assert bodies(store) == [b"a"]


def test_the_checkpoint_has_the_store_time_of_the_last_message(tmp_path):
    stop(tmp_path, record(), record(store_timestamp=NOW_MS + 5))
    assert checkpoint(tmp_path) == (NOW_MS + 5, NOW_MS + 5, 0)
    stop(tmp_path)  # nothing new: the times stay
    assert checkpoint(tmp_path) == (NOW_MS + 5, NOW_MS + 5, 0)
    assert (tmp_path / "checkpoint").stat().st_size == 4096


async def test_the_checkpoint_says_no_more_than_was_flushed(tmp_path):
    store = make_store(tmp_path)
    store.open()
    store.put(record())
    await store.flush_log()
    await store.flush_queues()
    later = record(store_timestamp=NOW_MS + 1)
    store.put(later)
    assert (store.checkpoint.log_ms, store.checkpoint.queues_ms) == (NOW_MS, 0)
    assert store.checkpoint.safe_ms == 0  # nothing is, before both have it
    store.dispatch()
    await store.flush_queues(least_pages=1)
    assert store.checkpoint.queues_ms == 0  # both messages are in a page not yet full
    await store.flush_queues()
    assert store.checkpoint.queues_ms == NOW_MS + 1
    assert store.checkpoint.safe_ms == NOW_MS - 3000
    await store.close()


async def test_a_message_that_comes_during_a_flush_was_not_flushed(tmp_path):
    with opened(tmp_path) as store:
        store.put(record())
        flush = store.log.files.flush

        async def flush_while_more_comes():
            end = await flush()
            store.put(record(store_timestamp=NOW_MS + 1))
            return end

        store.log.files.flush = flush_while_more_comes
        assert await store.flush_log() < store.log.end
        assert store.checkpoint.log_ms == NOW_MS


@pytest.mark.parametrize("damage", ["removed", "of another kind"])
def test_a_checkpoint_that_says_nothing_makes_recovery_read_all(tmp_path, damage):
    kill(tmp_path, *letters(bytes(range(20))), **SMALL)
    (tmp_path / "checkpoint").unlink()
    if damage == "of another kind":
        (tmp_path / "checkpoint").write_bytes(b"\xff" * 4096)
    with opened(tmp_path, **SMALL) as store:
        assert store.found.records == 20


def test_after_a_kill_reading_starts_at_the_newest_file_known_to_be_safe(tmp_path):
    old = [record(b"a", store_timestamp=NOW_MS + n * 1000) for n in range(20)]
    new = [record(b"a", store_timestamp=NOW_MS + 60_000) for _ in range(10)]
    stop(tmp_path, *old, **SMALL)
    kill(tmp_path, *new, **SMALL)
    assert len(log_files(tmp_path)) == 3
    with opened(tmp_path, **SMALL) as store:
        assert store.found.records == 20  # the first file's ten were safe
        assert len(entries(store)["orders", 0]) == 30


def test_after_a_stop_only_the_newest_message_is_read(tmp_path):
    stop(tmp_path, *letters(bytes(range(50))), **SMALL)
    with opened(tmp_path, **SMALL) as store:
        assert store.found.records == 1
        assert store.queues.max_offset("orders", 0) == 50


def test_where_the_newest_message_is_gone_the_last_three_files_are_read(tmp_path):
    stop(tmp_path, *letters(bytes(range(50))), **SMALL)
    files = log_files(tmp_path)
    per_file = FILE_BYTES // SIZE
    left = 50 - (len(files) - 1) * per_file
    zero_from(files[-1], (left - 1) * SIZE)
    with opened(tmp_path, **SMALL) as store:
        assert store.found.records == 2 * per_file + left - 1
        assert store.found.end == (len(files) - 1) * FILE_BYTES + (left - 1) * SIZE
        assert store.queues.max_offset("orders", 0) == 49


@pytest.mark.parametrize("was_crash", [False, True])
def test_a_log_that_is_gone_takes_its_queues_with_it(tmp_path, was_crash):
    (kill if was_crash else stop)(tmp_path, *letters())
    shutil.rmtree(tmp_path / "commitlog")
    with opened(tmp_path) as store:
        assert (store.log.end, entries(store)) == (0, {})
        assert store.put(record(b"new")).record.queue_offset == 0
        store.dispatch()
        assert bodies(store) == [b"new"]


@pytest.mark.parametrize("cut", range(size_of(TAGGED)))
def test_after_a_kill_a_last_record_cut_at_any_byte_is_lost_and_no_other(tmp_path, cut):
    kill(tmp_path, *letters(b"ab"), TAGGED)
    zero_from(log_files(tmp_path)[0], 2 * SIZE + cut)
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b"]
        assert store.log.end == 2 * SIZE
        store.put(record(b"d"))
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"d"]


@pytest.mark.parametrize("cut", range(SIZE - 2))
def test_after_a_stop_a_last_record_cut_before_its_properties_is_lost(tmp_path, cut):
    stop(tmp_path, *letters())
    zero_from(log_files(tmp_path)[0], 2 * SIZE + cut)
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b"]
        assert store.log.end == 2 * SIZE
        store.put(record(b"d"))
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a", b"b", b"d"]


@pytest.mark.parametrize("flipped", [0, 4, 8, 30, 87, 88, 89, SIZE - 1])
def test_a_record_flipped_in_the_middle_ends_the_log_there(tmp_path, flipped):
    kill(tmp_path, *letters())
    data = bytearray(log_files(tmp_path)[0].read_bytes())
    data[SIZE + flipped] ^= 0x40
    log_files(tmp_path)[0].write_bytes(data)
    with opened(tmp_path) as store:
        assert bodies(store) == [b"a"]
    assert not any(log_files(tmp_path)[0].read_bytes()[SIZE:])


@pytest.mark.parametrize(("checked", "left"), [(True, [b"a"]), (False, [b"a", b"?"])])
def test_a_body_is_checked_against_its_crc_unless_the_settings_say_no(
    tmp_path, checked, left
):
    kill(tmp_path, *letters(b"ab"))
    path = log_files(tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b"\x01b\x06orders", b"\x01?\x06orders"))
    with opened(tmp_path, check_c_r_c_on_recover=checked) as store:
        assert [one.body for one in store.log.scan(0)] == left
        assert bodies(store) == [b"a"]  # a damaged one is in the log, and not served


def test_later_files_go_with_a_log_that_ends_before_them(tmp_path):
    kill(tmp_path, *letters(bytes(range(25))), **SMALL)
    per_file = FILE_BYTES // SIZE
    zero_from(log_files(tmp_path)[1], SIZE)
    with opened(tmp_path, **SMALL) as store:
        assert store.log.end == FILE_BYTES + SIZE
        assert len(log_files(tmp_path)) == 2
        assert len(entries(store)["orders", 0]) == per_file + 1


def test_a_next_file_made_ahead_of_its_time_is_no_part_of_the_log(tmp_path):
    """RocketMQ makes the next file before it is needed."""
    stop(tmp_path, *letters(), **SMALL)
    (tmp_path / "commitlog" / f"{FILE_BYTES:020d}").write_bytes(bytes(FILE_BYTES))
    with opened(tmp_path, **SMALL) as store:
        assert store.log.end == 3 * SIZE
        assert bodies(store) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("was_crash", [False, True])
def test_a_log_that_ends_with_a_blank_ends_where_the_next_file_starts(
    tmp_path, was_crash
):
    (kill if was_crash else stop)(tmp_path, *letters(), **SMALL)
    with log_files(tmp_path)[0].open("r+b") as file:
        file.seek(3 * SIZE)
        file.write(struct.pack(">iI", FILE_BYTES - 3 * SIZE, BLANK_MAGIC))
    with opened(tmp_path, **SMALL) as store:
        assert store.log.end == FILE_BYTES
        assert store.put(record(b"d")).record.physical_offset == FILE_BYTES
        store.dispatch()
        assert bodies(store) == [b"a", b"b", b"c", b"d"]


def test_a_slave_killed_amid_a_piece_ends_at_its_last_whole_record(tmp_path):
    kill(tmp_path / "master", *letters())
    data = log_files(tmp_path / "master")[0].read_bytes()[: 3 * SIZE]
    root, slave = tmp_path / "slave", {"broker_role": BrokerRole.SLAVE}
    with opened(root, **slave) as store:
        store.copy(0, data[:-3])
        store.dispatch()
        assert bodies(store) == [b"a", b"b"]
    with opened(root, **slave) as store:
        assert store.log.end == 2 * SIZE
        store.copy(2 * SIZE, data[2 * SIZE :])
        store.dispatch()
        assert bodies(store) == [b"a", b"b", b"c"]


messages = some.lists(
    some.tuples(some.sampled_from(["tea", "orders"]), some.binary(max_size=300)),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(max_examples=60)
@given(messages, some.booleans(), some.booleans(), some.data())
def test_any_messages_stopped_or_cut_in_the_last_one_reopen_as_a_prefix(
    sent, was_crash, is_cut, data
):
    with TemporaryDirectory() as folder:
        root = Path(folder)
        records = [record(body, topic) for topic, body in sent]
        (kill if was_crash else stop)(root, *records, **SMALL)
        if is_cut:
            last = records[-1]
            at = last.physical_offset + data.draw(some.integers(0, last.size - 1))
            before = log_files(root)[-1].read_bytes()
            zero_from(log_files(root)[-1], at % FILE_BYTES)
            is_cut = log_files(root)[-1].read_bytes() != before  # not only zeroes
        left = sent[:-1] if is_cut else sent
        with opened(root, **SMALL) as store:
            for topic in ("tea", "orders"):
                assert bodies(store, topic) == [b for t, b in left if t == topic]
            found = [one.physical_offset for one in store.log.scan(0)]
            assert found == [one.physical_offset for one in records[: len(left)]]


def test_a_log_that_ends_after_a_blank_is_wholly_dispatched(tmp_path):
    per_file = FILE_BYTES // SIZE
    kill(tmp_path, *letters(bytes(range(per_file + 1))), **SMALL)
    zero_from(log_files(tmp_path)[1], 0)
    stop(tmp_path, **SMALL)
    with opened(tmp_path, **SMALL) as store:
        assert store.log.end == store.dispatched == FILE_BYTES
        assert store.checkpoint.queues_ms == store.checkpoint.log_ms > 0
