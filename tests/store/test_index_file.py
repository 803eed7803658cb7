"""One index file: put, find, full, damaged."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.errors import ConfigError, DiskFull, StoreError
from rmqlab.protocol.message import java_hash
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.timeline import Timeline
from rmqlab.store.file_pool import FilePool
from rmqlab.store.index_file import (
    ENTRY,
    HEADER,
    MAX_STEPS,
    SLOT,
    Header,
    IndexFile,
    Shape,
    key_hash,
)
from rmqlab.store.real_disk import RealDisk
from tests import simulated
from tests.store.shelf import NOW_MS, full_after

DISK = RealDisk()
SHAPE = Shape(slots=10, entries=20)
EVER = (0, 1 << 62)


@pytest.fixture
def pool():
    pool = FilePool(DISK)
    yield pool
    pool.close()


@pytest.fixture
def file(pool, tmp_path):
    return IndexFile(pool, str(tmp_path / "file"), SHAPE)


def again(file):
    """Return the file as the next process finds it."""
    return IndexFile(file._pool, file.path, file.shape)


def data(file):
    return file._pool.file(file.path, file.shape.file_bytes)


# What is where


def test_a_hash_is_the_one_that_java_makes_of_topic_and_key():
    assert key_hash("T1", "k1") == 0x04B68D0C
    assert key_hash("T1", "AC110001000018B4AAC2000000000001") == 0x197D6E4E


def test_the_hash_that_java_cannot_make_positive_is_zero():
    assert java_hash("t#qolygtg") == -(1 << 31)
    assert key_hash("t", "qolygtg") == 0


def test_an_entry_lies_where_rocketmq_puts_it(pool, tmp_path):
    file = IndexFile(pool, str(tmp_path / "file"), Shape(100, 1000))
    file.put(0x04B68D0C, 161, NOW_MS)
    assert not any(data(file).read(0, 1 << 20))
    file.save()
    written = data(file).read(0, 1 << 20)
    assert len(written) == 20_440
    assert ENTRY.unpack_from(written, 460) == (0x04B68D0C, 161, 0, 0)
    assert SLOT.unpack_from(written, 40 + 4 * (0x04B68D0C % 100)) == (1,)
    assert HEADER.unpack_from(written) == (NOW_MS, NOW_MS, 161, 161, 1, 2)


@pytest.mark.parametrize(
    ("slots", "entries"), [(0, 20), (10, 1), (-1, 20), (1, 1 << 27), (1 << 29, 2)]
)
def test_a_shape_that_no_file_can_have_is_refused(slots, entries):
    with pytest.raises(ConfigError, match=f"maxHashSlotNum={slots} and maxIndexNum"):
        Shape(slots, entries)


def test_rocketmqs_own_shape_is_allowed():
    assert Shape(5_000_000, 20_000_000).file_bytes == 420_000_040


# Put and find


def test_the_newest_message_of_a_key_is_found_first(file):
    for offset in (100, 300, 500):
        assert file.put(7, offset, NOW_MS)
    assert file.find(7, 10, *EVER) == [500, 300, 100]
    assert file.find(7, 2, *EVER) == [500, 300]
    assert file.find(7, 0, *EVER) == []
    assert file.find(8, 10, *EVER) == []


def test_keys_of_one_slot_are_told_apart_by_their_hashes(file):
    for hash_, offset in ((3, 0), (13, 100), (23, 200), (13, 300)):
        file.put(hash_, offset, NOW_MS)
    assert file.find(13, 10, *EVER) == [300, 100]
    assert file.find(3, 10, *EVER) == [0]
    assert file.header.slot_count == 1


def test_a_message_with_the_same_key_twice_is_found_once(file):
    file.put(7, 100, NOW_MS)
    file.put(7, 100, NOW_MS)
    assert file.find(7, 1, *EVER) == file.find(7, 10, *EVER) == [100]


def test_messages_are_found_by_time_to_the_second(file):
    for number in range(5):
        file.put(7, number * 100, NOW_MS + number * 1500)  # 0, 1, 3, 4, 6 s
    assert file.find(7, 10, NOW_MS + 1000, NOW_MS + 4000) == [300, 200, 100]
    assert file.find(7, 10, NOW_MS + 1001, NOW_MS + 3999) == [200]


def test_a_clock_that_goes_back_makes_no_negative_time(file):
    file.put(7, 0, NOW_MS)
    file.put(7, 100, NOW_MS - 5000)
    assert file.entry(2).seconds == 0
    assert file.find(7, 10, *EVER) == [100, 0]
    assert file.header.end_ms == NOW_MS


def test_a_time_that_is_too_far_away_is_the_farthest(file):
    file.put(7, 0, 0)
    file.put(7, 100, 1 << 60)
    assert file.entry(2).seconds == (1 << 31) - 1


def test_a_full_file_takes_nothing_more_and_finds_everything(file):
    assert all(file.put(one, one * 100, NOW_MS) for one in range(19))
    assert file.is_full
    assert not file.put(19, 1900, NOW_MS)
    assert all(file.find(one, 10, *EVER) == [one * 100] for one in range(19))
    assert file.find(19, 10, *EVER) == []


def test_a_file_has_a_key_of_its_newest_message_only(file):
    file.put(7, 0, NOW_MS)
    file.put(17, 100, NOW_MS)
    assert file.has(17, 100)
    assert file.has(7, 0)
    assert not file.has(7, 100)
    assert not file.has(27, 100)


# Save, again


def test_what_was_saved_is_there_for_the_next_process(file):
    file.put(7, 100, NOW_MS)
    file.put(8, 200, NOW_MS + 1)
    file.save()
    assert (
        again(file).header == file.header == Header(NOW_MS, NOW_MS + 1, 100, 200, 2, 3)
    )
    assert again(file).find(8, 10, *EVER) == [200]


def test_what_was_not_saved_is_not_there(file):
    file.put(7, 100, NOW_MS)
    file.save()
    file.put(7, 200, NOW_MS)
    file.put(8, 300, NOW_MS)
    assert again(file).find(8, 10, *EVER) == []
    assert again(file).header.count == 2


def test_a_file_that_was_written_since_is_not_flushed(file):
    asyncio.run(file.flush())
    assert file.is_flushed
    file.put(7, 100, NOW_MS)
    assert not file.is_flushed


@pytest.mark.simulated
async def test_a_flushed_file_survives_a_crash_of_the_machine():
    disk = simulated.here().disk
    pool = FilePool(disk)
    file = IndexFile(pool, "/index", SHAPE)
    file.put(7, 100, NOW_MS)
    await file.flush()
    disk.machine.crash()
    after = FilePool(simulated.disk().mount())
    assert IndexFile(after, "/index", SHAPE).find(7, 10, *EVER) == [100]


@pytest.mark.simulated
async def test_a_flush_that_fails_or_is_overtaken_promises_nothing():
    disk = simulated.here().disk
    file = IndexFile(FilePool(disk), "/index", SHAPE)
    file.put(7, 100, NOW_MS)
    simulated.disk().fail("flush", 1)
    with pytest.raises(StoreError, match="/index"):
        await file.flush()
    assert not file.is_flushed
    flushing = asyncio.create_task(file.flush())
    await asyncio.sleep(0)
    file.put(7, 200, NOW_MS)
    await flushing
    assert not file.is_flushed


@pytest.mark.simulated
@pytest.mark.parametrize("writes", range(4))
async def test_a_save_that_fails_anywhere_can_be_repeated(writes):
    disk = simulated.here().disk
    file = IndexFile(FilePool(disk), "/index", SHAPE)
    file.put(7, 100, NOW_MS)
    file.save()
    file.put(7, 200, NOW_MS)
    file.put(8, 300, NOW_MS)
    with full_after(simulated.disk(), writes), pytest.raises(DiskFull):
        file.save()
    assert file.find(7, 10, *EVER) == [200, 100]
    assert again(file).header.count == 2
    file.save()
    assert again(file).find(7, 10, *EVER) == [200, 100]
    assert again(file).find(8, 10, *EVER) == [300]


# Damage


def test_a_chain_that_leads_back_to_itself_ends(file):
    file.put(7, 100, NOW_MS)
    file.put(7, 200, NOW_MS)
    file.save()
    entry = file.entry(2)._replace(previous=2)
    data(file).write(SHAPE.entry_at(2), ENTRY.pack(*entry))
    assert file.find(7, 10, *EVER) == [200]


def test_a_chain_that_leads_in_a_circle_ends(file):
    for offset in (100, 200, 300):
        file.put(7, offset, NOW_MS)
    file.save()
    entry = file.entry(1)._replace(previous=3)
    data(file).write(SHAPE.entry_at(1), ENTRY.pack(*entry))
    assert file.find(7, 10, *EVER) == [300, 200, 100]


@pytest.mark.parametrize("number", [-1, 2, 20, 1 << 30])
def test_a_slot_that_names_no_entry_is_empty(file, number):
    file.put(7, 100, NOW_MS)
    file.save()
    data(file).write(SHAPE.slot_at(7), SLOT.pack(number))
    assert file.find(7, 10, *EVER) == []
    file.put(7, 200, NOW_MS)
    assert file.find(7, 10, *EVER) == [200]


def test_a_chain_is_followed_for_a_bounded_number_of_steps(pool, tmp_path):
    file = IndexFile(pool, str(tmp_path / "long"), Shape(1, MAX_STEPS + 2))
    file.put(1, 100, NOW_MS)
    file.save()
    file.header.count = MAX_STEPS + 1
    links = b"".join(ENTRY.pack(2, 0, 0, n - 1) for n in range(2, MAX_STEPS + 2))
    data(file).write(file.shape.entry_at(2), links)
    data(file).write(file.shape.slot_at(1), SLOT.pack(MAX_STEPS))
    assert file.find(1, 10, *EVER) == [100]
    file.header.count += 1
    data(file).write(file.shape.slot_at(1), SLOT.pack(MAX_STEPS + 1))
    assert file.find(1, 10, *EVER) == []


@pytest.mark.parametrize(
    "header",
    [
        Header(1, 2, 0, 100, 1, -5),
        Header(1, 2, 0, 100, 1, 21),
        Header(1, 2, 0, 100, 3, 3),
        Header(1, 2, 0, 100, -1, 3),
        Header(1, 2, 200, 100, 1, 3),
        Header(1, 2, -1, 100, 1, 3),
        Header(2, 1, 0, 100, 1, 3),
        Header(-1, 1, 0, 100, 1, 3),
        Header(),
    ],
    ids=str,
)
def test_a_header_that_cannot_be_true_is_not_sound(file, header):
    file.header = Header(1, 2, 0, 100, 1, 3)
    assert file.is_sound
    file.header = header
    assert not file.is_sound


DAMAGE = st.lists(
    st.tuples(st.integers(0, SHAPE.file_bytes - 8), st.binary(max_size=8)), min_size=1
)


@given(DAMAGE)
def test_a_damaged_file_answers_and_takes_what_it_has_room_for(damage):
    pool = FilePool(MachineDisk(Timeline(), "here").mount())
    written = IndexFile(pool, "/index", SHAPE)
    for number in range(15):
        written.put(number * 7 % 30, number * 100, NOW_MS + number * 400)
    written.save()
    for at, piece in damage:
        data(written).write(at, piece)
    file = again(written)
    for hash_ in range(30):
        found = file.find(hash_, 64, *EVER)
        assert len(set(found)) == len(found) < SHAPE.entries
        file.has(hash_, 100)
    if file.is_sound and file.put(3, 5000, NOW_MS + 10_000):
        assert file.has(3, 5000)
        file.save()
