"""The key index over many files: entering, finding, loading, removing."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.errors import DiskFull, StoreError
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.record import properties_of
from rmqlab.sim.disk import MachineDisk
from rmqlab.sim.pages import PAGE_BYTES
from rmqlab.sim.timeline import Timeline
from rmqlab.store.file_pool import FilePool
from rmqlab.store.index import Index
from rmqlab.store.index_file import HEADER, Shape
from tests import simulated
from tests.store.shelf import DISK, NOW_MS, full_after, record

SHAPE = Shape(slots=5, entries=5)  # four keys a file
EVER = (0, 1 << 62)
FOLDER = "/index"


@pytest.fixture
def machine():
    return MachineDisk(Timeline(), "here")


@pytest.fixture
def index(machine):
    return make_index(machine.mount())


def make_index(disk, shape=SHAPE, **loading):
    index = Index(disk, FilePool(disk), FOLDER, shape)
    index.load(**loading)
    return index


def enter(index, *numbers, first_ms=NOW_MS, **fields):
    """Enter messages of 100 bytes with two keys each: "kN" and "all"."""
    for number in numbers:
        given = {
            "properties": f"UNIQ_KEY\x01k{number}\x02KEYS\x01all".encode(),
            "physical_offset": number * 100,
            "store_timestamp": first_ms + number,
        }
        one = record(**given | fields)
        index.enter(one, properties_of(one))


def found(index, key, most=64, begin_ms=0, end_ms=1 << 62):
    return index.find("orders", key, most, begin_ms, end_ms)


def all_entries(index):
    """Return each entry of each file: hash and log offset."""
    return [
        file.entry(number)[:2]
        for file in index._files
        for number in range(1, file.header.count)
    ]


# Entering and finding


def test_an_empty_index_finds_nothing(index):
    assert found(index, "k1") == []
    assert (index.end_offset, index.last_update_ms) == (0, 0)


def test_a_message_is_found_by_its_id_and_by_each_of_its_keys(index):
    properties = b"KEYS\x01order-7 customer-3  last\x02UNIQ_KEY\x01AC11\x02TAGS\x01paid"
    enter(index, 3, properties=properties)
    for key in ("AC11", "order-7", "customer-3", "last"):
        assert found(index, key) == [300]
    for key in ("", "paid", "order-7 customer-3"):
        assert found(index, key) == []
    assert index.find("payments", "order-7", 64, *EVER) == []


def test_the_id_is_entered_before_the_keys(index):
    enter(index, 0, properties=b"KEYS\x01b a\x02UNIQ_KEY\x01c")
    hashes = [hash_ for hash_, _ in all_entries(index)]
    one = make_index(MachineDisk(Timeline(), "other").mount())
    for key in (b"c", b"b", b"a"):
        enter(one, 0, properties=b"UNIQ_KEY\x01" + key)
    assert hashes == [hash_ for hash_, _ in all_entries(one)]


def test_a_message_without_keys_takes_no_room(index, machine):
    enter(index, 1, properties=b"TAGS\x01paid")
    assert machine.files == {}
    assert index.start_needed(0) == 0


def test_a_rolled_back_message_is_not_found_but_others_of_a_transaction_are(index):
    enter(index, 1, sys_flag=SysFlag.TRANSACTION_ROLLBACK)
    enter(index, 2, sys_flag=SysFlag.TRANSACTION_PREPARED)
    enter(index, 3, sys_flag=SysFlag.TRANSACTION_COMMIT)
    assert found(index, "all") == [300, 200]


def test_many_files_are_one_index_newest_first(index, machine):
    enter(index, *range(7))
    assert len(machine.files) == 4
    assert found(index, "all") == [600, 500, 400, 300, 200, 100, 0]
    assert found(index, "all", most=3) == [600, 500, 400]
    assert found(index, "all", most=0) == []
    assert [found(index, f"k{n}") for n in range(7)] == [[n * 100] for n in range(7)]
    assert (index.end_offset, index.last_update_ms) == (600, NOW_MS + 6)


def test_a_message_whose_keys_lie_in_two_files_is_found_once(index):
    enter(index, 0, properties=b"UNIQ_KEY\x01a\x02KEYS\x01b c")
    enter(index, 1, properties=b"KEYS\x01same same")
    assert len(index._files) == 2
    assert found(index, "same") == [100]


def test_files_outside_of_the_time_asked_for_are_not_read(index):
    enter(index, *range(6))
    begin, end = NOW_MS + 2, NOW_MS + 3  # of the second file
    read = []
    for file in index._files:
        file.find = lambda *asked, of=file: read.append(of) or []
    found(index, "all", 64, begin, end)
    assert read == [index._files[1]]


def test_messages_are_found_by_time_over_files(index):
    for number in range(6):
        enter(index, number, store_timestamp=NOW_MS + number * 1000)
    assert found(index, "all", 64, NOW_MS + 1000, NOW_MS + 4000) == [400, 300, 200, 100]


# Names


def test_a_file_is_named_by_the_time_of_its_first_message(index, machine):
    enter(index, 0, store_timestamp=1_795_426_295_089)
    assert list(machine.files) == [f"{FOLDER}/20261123093135089"]


@pytest.mark.parametrize("ms", [-(1 << 63), -1, 0, 1 << 62])
def test_any_time_gives_a_name_and_an_index_that_loads(index, machine, ms):
    enter(index, *range(5), store_timestamp=ms)
    index.save()
    assert found(make_index(machine.mount()), "all") == [400, 300, 200, 100, 0]


def test_names_ascend_where_the_clock_stands_or_goes_back(index, machine):
    for number in range(8):
        enter(index, number, store_timestamp=NOW_MS - number * 4000)
    names = list(machine.files)
    assert names == sorted(set(names))
    assert [name[-3:] for name in names] == ["000", "001", "002", "003"]
    index.save()
    assert found(make_index(machine.mount()), "all") == found(index, "all")


# Again


def test_records_that_come_again_are_not_entered_again(index):
    enter(index, *range(6))
    before = all_entries(index)
    enter(index, *range(6))
    enter(index, 5)
    assert all_entries(index) == before


@pytest.mark.parametrize("keys_before", range(5))
def test_keys_that_a_full_disk_left_out_are_entered_when_the_record_comes_again(
    machine, keys_before
):
    """Wherever in a file the record comes, and whichever write is the last."""
    index = make_index(machine.mount())
    head = " ".join(f"head-{n}" for n in range(keys_before))
    enter(index, 0, properties=f"KEYS\x01{head}".encode())
    wanted = b"UNIQ_KEY\x01id\x02KEYS\x01a b c d"
    for writes in (0, 1, 2, 3, 1, 0):
        enter(index, 1, properties=wanted)
        with full_after(machine, writes), pytest.raises(DiskFull):
            index.save()
    enter(index, 1, properties=wanted)
    index.save()
    enter(index, 2)
    offsets = [offset for _, offset in all_entries(index)]
    assert offsets == [0] * keys_before + [100] * 5 + [200] * 2
    for key in ("id", "a", "b", "c", "d"):
        assert found(index, key) == [100]


# Load


def test_after_a_clean_stop_everything_is_found_again(index, machine):
    enter(index, *range(7))
    index.save()
    after = make_index(machine.mount())
    assert all_entries(after) == all_entries(index)
    assert after.start_needed(0) == 600
    enter(after, *range(6, 9))
    assert found(after, "all") == [n * 100 for n in reversed(range(9))]


def test_after_a_crash_only_full_files_are_kept_that_the_checkpoint_vouches_for(
    index, machine
):
    enter(index, *range(7))
    index.save()
    after = make_index(machine.mount(), safe_ms=NOW_MS + 4)
    assert found(after, "all") == [300, 200, 100, 0]
    assert len(machine.files) == 2
    after = make_index(machine.mount(), safe_ms=NOW_MS + 1000)
    assert after.start_needed(0) == 300


def test_after_a_crash_a_file_that_grows_is_made_anew_whatever_its_time(index, machine):
    enter(index, 0)
    index.save()
    enter(index, 1)  # its header says nothing of it
    assert make_index(machine.mount(), safe_ms=NOW_MS + 1000).start_needed(0) == 0
    assert machine.files == {}


def test_what_was_removed_after_a_crash_comes_back_the_same(index, machine):
    enter(index, *range(7))
    index.save()
    before = all_entries(index)
    after = make_index(machine.mount(), safe_ms=NOW_MS + 4)
    start = after.start_needed(0)
    enter(after, *range(start // 100, 7))
    assert all_entries(after) == before


def test_an_index_is_needed_from_its_end_or_from_the_logs_start(index):
    assert index.start_needed(4000) == 4000
    enter(index, 1, 2)
    assert index.start_needed(0) == 200
    assert index.start_needed(4000) == 4000


@pytest.mark.parametrize(
    "header",
    [(0, 0, 0, 0, 0, 0), (1, 2, 0, 100, 2, 900), (1, 2, 300, 100, 1, 5)],
    ids=["nothing", "count", "offsets"],
)
def test_a_file_with_a_damaged_header_is_made_anew_with_all_younger_ones(
    index, machine, header
):
    enter(index, *range(8))
    index.save()
    second = sorted(machine.files)[1]
    machine.files[second].write(0, HEADER.pack(*header))
    after = make_index(machine.mount())
    assert found(after, "all") == [100, 0]
    assert len(machine.files) == 1


def test_files_that_do_not_follow_each_other_are_made_anew(index, machine):
    enter(index, *range(4))
    index.save()
    first, second = sorted(machine.files)
    files = machine.files
    files[first], files[second] = files[second], files[first]
    after = make_index(machine.mount())
    assert after.start_needed(0) == 300
    assert list(files) == [first]


def test_a_file_without_a_size_was_just_being_made(index, machine):
    machine.mount().open(f"{FOLDER}/20261123093135089", 0)
    assert make_index(machine.mount()).start_needed(0) == 0
    assert machine.files == {}


def test_a_file_of_another_shape_is_refused_with_what_to_do(index, machine):
    enter(index, 0)
    with pytest.raises(StoreError) as refused:
        make_index(machine.mount(), Shape(6, 5))
    text = str(refused.value)
    assert f"/index/20231114221320000 has {SHAPE.file_bytes} bytes" in text
    assert f"maxHashSlotNum=6 and maxIndexNum=5 has {Shape(6, 5).file_bytes}" in text
    assert text.endswith("move the file elsewhere, the index is made anew from the log")


@pytest.mark.parametrize("name", ["notes.txt", "2026", "2026112309313508x", "٢" * 17])
def test_a_file_that_is_none_of_an_index_is_refused_and_left_alone(machine, name):
    disk = machine.mount()
    disk.open(f"{FOLDER}/{name}", SHAPE.file_bytes)
    with pytest.raises(StoreError, match=f"/index/{name} is no file of an index: move"):
        make_index(disk)
    assert len(machine.files) == 1


# Cut and drop


@pytest.mark.parametrize("log_end", [0, 100, 101, 300, 301, 350, 600, 601])
def test_an_index_that_knows_of_more_than_the_log_has_is_made_anew_there(
    index, log_end
):
    enter(index, *range(7))
    index.cut(log_end)
    assert all(offset < log_end for offset in found(index, "all"))
    start = index.start_needed(0)
    old = [number for number in range(7) if start <= number * 100 < log_end]
    enter(index, *old)
    enter(index, *range(7, 9))
    left = [number for number in range(7) if number * 100 < log_end]
    assert found(index, "all") == [n * 100 for n in reversed([*left, 7, 8])]


def test_files_of_which_the_log_has_nothing_are_dropped_but_not_the_last(
    index, machine
):
    enter(index, *range(7))
    index.drop_before(100)
    assert len(machine.files) == 4
    index.drop_before(101)
    assert found(index, "all") == [600, 500, 400, 300, 200]
    index.drop_before(10_000)
    assert found(index, "all") == [600]
    assert len(machine.files) == 1


# The disk


@pytest.mark.simulated
async def test_the_checkpoint_is_told_of_full_files_once_they_are_flushed():
    index = make_index(simulated.here().disk)
    assert await index.flush_full() is None
    enter(index, 0, 1)
    assert await index.flush_full() is None
    enter(index, 2)
    assert await index.flush_full() == NOW_MS + 1
    enter(index, 3, 4)
    assert await index.flush_full() == NOW_MS + 3


@pytest.mark.simulated
async def test_a_file_whose_follower_ends_in_the_same_millisecond_is_not_safe_yet():
    index = make_index(simulated.here().disk)
    for number in range(4):
        enter(index, number, store_timestamp=NOW_MS)
    assert await index.flush_full() == NOW_MS - 1
    enter(index, 4)
    assert await index.flush_full() == NOW_MS


@pytest.mark.simulated
async def test_a_full_file_is_flushed_once():
    disk = simulated.here().disk
    index = make_index(disk)
    enter(index, *range(5))
    await index.flush_full()
    simulated.disk().fail("flush")
    assert await index.flush_full() == NOW_MS + 3
    with pytest.raises(StoreError, match="cannot flush /index"):
        await index.flush()


@pytest.mark.simulated
async def test_a_file_whose_flush_failed_is_vouched_for_by_none_and_made_anew():
    index = make_index(simulated.here().disk)
    enter(index, *range(4))
    assert await index.flush_full() == NOW_MS + 1
    enter(index, *range(4, 8))
    simulated.disk().fail("flush", 1)
    with pytest.raises(StoreError, match="cannot flush /index"):
        await index.flush_full()
    for _ in range(2):
        assert await index.flush_full() == NOW_MS + 1
    await index.flush()
    assert len(simulated.disk().files) == 1
    assert index.start_needed(0) == 100
    enter(index, *range(8))
    assert await index.flush_full() == NOW_MS + 5


@pytest.mark.simulated
async def test_a_file_dropped_while_files_are_flushed_does_not_come_back():
    index = make_index(simulated.here().disk)
    enter(index, *range(7))
    flushing = asyncio.create_task(index.flush())
    await asyncio.sleep(0)
    index.drop_before(10_000)
    await flushing
    assert len(simulated.disk().files) == 1


@pytest.mark.simulated
async def test_no_key_is_lost_when_the_machine_crashes_at_any_moment():
    """What a crash leaves of unflushed files, torn or whole, is not believed."""
    shape = Shape(slots=400, entries=600)  # of a few pages
    assert shape.file_bytes > 3 * PAGE_BYTES
    machine, end, safe_ms = simulated.disk(), 0, 0
    index = make_index(machine.mount(), shape)
    for life in range(1, 13):
        end += 97
        enter(index, *range(index.start_needed(0) // 100, end))
        index.save()
        if life % 3:
            safe_ms = await index.flush_full() or safe_ms
        enter(index, *range(end, end + 5))  # the log lost these
        machine.crash()
        index = make_index(machine.mount(), shape, safe_ms=safe_ms)
        index.cut(end * 100)
        enter(index, *range(index.start_needed(0) // 100, end))
        lost = [n for n in range(end) if found(index, f"k{n}", 1) != [n * 100]]
        assert lost == []


def test_few_files_are_open_however_many_there_are(machine):
    disk = machine.mount()
    pool = FilePool(disk, most=2)
    index = Index(disk, pool, FOLDER, SHAPE)
    enter(index, *range(100))
    assert len(index._files) == 50
    assert found(index, "all", 200) == [n * 100 for n in reversed(range(100))]
    assert len(pool) == 2


# Damage


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 150), st.binary(max_size=12)),
        min_size=1,
    )
)
def test_damaged_files_are_read_and_written_on_without_an_error(damage):
    machine = MachineDisk(Timeline(), "here")
    index = make_index(machine.mount())
    enter(index, *range(8))
    index.save()
    paths = sorted(machine.files)
    for which, at, piece in damage:
        file = machine.files[paths[which]]
        file.write(at, piece[: max(0, SHAPE.file_bytes - at)])
    after = make_index(machine.mount())
    for key in ("all", *(f"k{n}" for n in range(8))):
        assert len(found(after, key)) <= 32
    after.cut(800)
    enter(after, 8)
    assert 800 in found(after, "k8", end_ms=1 << 63)


def test_on_a_real_disk_it_is_the_same(tmp_path):
    folder = tmp_path / "index"
    index = Index(DISK, FilePool(DISK), str(folder), SHAPE)
    index.load()
    enter(index, *range(7))
    asyncio.run(index.flush())
    again = Index(DISK, FilePool(DISK), str(folder), SHAPE)
    again.load()
    assert found(again, "all") == [600, 500, 400, 300, 200, 100, 0]
    again.cut(0)
    assert not list(folder.iterdir())
