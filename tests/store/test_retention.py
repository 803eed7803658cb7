"""Which old files may go, and what is left of a store when they went."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom.lodging import DISK_LIMITS
from rmqlab.errors import ConfigError, StoreError
from rmqlab.settings import StoreConfig
from rmqlab.sim.machine import Simulation
from rmqlab.store.results import GetStatus
from rmqlab.store.retention import (
    DiskState,
    DiskUse,
    Limits,
    hours_of,
    judge,
    limits_of,
    may_remove,
)
from tests import simulated
from tests.store.shelf import (
    NOW_MS,
    bodies,
    kill,
    log_files,
    make_store,
    opened,
    record,
    zero_from,
)

ROOMY, CLEAN, FORCE, FULL = DiskState
HOUR_MS = 3_600_000
SMALL = {"mapped_file_size_commit_log": 4000, "mapped_file_size_consume_queue": 60}


def judged(log, queues=0.0, percent=75):
    config = StoreConfig(disk_max_used_space_ratio=percent)
    return judge(DiskUse(log, queues, 0.0), config, Limits())


# Pure


def test_options_for_java_move_the_limits_as_rocketmqs_do():
    full = "-Drocketmq.broker.diskSpaceWarningLevelRatio"
    forced = "-Drocketmq.broker.diskSpaceCleanForciblyRatio"
    assert limits_of("") == limits_of("-Xmx1g") == (0.85, 0.90)
    assert limits_of(f"-Xmx1g {full}=0.99") == (0.85, 0.99)
    assert limits_of(f"{forced}=0.5 {full}=0.6") == (0.5, 0.6)
    assert limits_of(" ".join(DISK_LIMITS)) == (0.99, 0.99)  # of a learner's clusters
    with pytest.raises(ConfigError, match=f"{full}=much cannot be used"):
        limits_of(f"{full}=much")


def test_a_disk_is_full_where_the_limits_say_so():
    use, config = DiskUse(0.95, 0.1, 0.1), StoreConfig()
    assert judge(use, config, Limits()) is DiskState.FULL
    assert judge(use, config, Limits(full=0.99)) is DiskState.FORCE
    assert judge(use, config, Limits(force=0.99, full=0.99)) is DiskState.CLEAN


@pytest.mark.parametrize(
    ("used", "state"),
    [
        (-1.0, ROOMY),
        (0.0, ROOMY),
        (0.75, ROOMY),
        (0.76, CLEAN),
        (0.85, CLEAN),
        (0.86, FORCE),
        (0.90, FORCE),
        (0.91, FULL),
        (1.0, FULL),
    ],
)
def test_a_disk_is_judged_by_the_fuller_of_log_and_queues(used, state):
    assert judged(used) is state
    assert judged(0.1, used) is (state if used > 0 else ROOMY)


@pytest.mark.parametrize(
    ("percent", "used", "state"),
    [
        (88, 0.88, ROOMY),
        (88, 0.89, FORCE),
        (50, 0.51, CLEAN),
        (95, 0.90, ROOMY),
        (95, 0.91, FULL),
        (3, 0.10, ROOMY),
        (3, 0.11, CLEAN),
        (100, 0.90, ROOMY),
    ],
)
def test_the_first_limit_is_a_setting_between_10_and_95_percent(percent, used, state):
    assert judged(used, percent=percent) is state


@pytest.mark.parametrize(
    ("state", "is_hour", "old", "young"),
    [
        (ROOMY, False, False, False),
        (ROOMY, True, True, False),
        (CLEAN, False, True, False),
        (FORCE, False, True, True),
        (FULL, False, True, True),
    ],
)
def test_a_file_goes_when_it_is_old_and_due_or_when_the_disk_forces_it(
    state, is_hour, old, young
):
    config = StoreConfig(file_reserved_time=2)

    def may(age_ms, config=config):
        began_ms = None if age_ms is None else NOW_MS - age_ms
        return may_remove(began_ms, NOW_MS, state, config, is_hour=is_hour)

    assert may(2 * HOUR_MS) is old
    assert may(2 * HOUR_MS - 1) is young
    assert may(None) is young
    gentle = StoreConfig(file_reserved_time=2, clean_file_forcibly_enable=False)
    assert may(0, gentle) is False
    assert may(2 * HOUR_MS, gentle) is old


def test_hours_are_separated_by_semicolons():
    assert hours_of("04") == {4}
    assert hours_of("4;16; 23;") == {4, 16, 23}
    assert hours_of("") == frozenset()


@pytest.mark.parametrize("wrong", ["4h", "24", "-1", "04,16", "four", "٣"])
def test_what_is_no_hour_is_an_error_that_says_what_would_be_one(wrong):
    with pytest.raises(ConfigError, match=f"deleteWhen={wrong} .* such as 04 or 04;16"):
        hours_of(wrong)


def test_producers_are_told_of_disks_as_rocketmq_does():
    use = str(DiskUse(0.914, 0.05, -1.0))
    assert use == "CL:  0.91 CQ:  0.05 INDEX: -1.00"


# What is left


def fill(store, count=12, queues=2):
    """Put messages, three in a file of the log, in turn to each queue."""
    for number in range(count):
        one = record(
            b"%d" % number * 1000 if number < 10 else b"%d" % number * 500,
            queue_id=number % queues,
            store_timestamp=NOW_MS + number,
            properties=b"KEYS\x01k%d\x02" % number,
        )
        assert store.put(one).record
    while store.dispatched < store.log.end:
        store.dispatch()


def get(store, queue_id, offset):
    return store.reading.get("orders", queue_id, offset, 32, lambda _: True)


def test_when_the_oldest_file_goes_queues_begin_with_what_is_left(tmp_path, caplog):
    with opened(tmp_path, **SMALL) as store:
        fill(store)
        first = store.queues.find("orders", 0).entries(0, 1)[0].log_offset
        store.drop_oldest_log_file()
        assert store.log.start == 4000
        assert len(log_files(tmp_path)) == 3
        assert [store.queues.min_offset("orders", n) for n in (0, 1)] == [2, 1]
        got = get(store, 0, 0)
        assert (got.status, got.next_offset) == (GetStatus.OFFSET_TOO_SMALL, 2)
        assert bodies(store, offset=2)[0] == b"4" * 1000
        assert bodies(store, queue_id=1, offset=1)[0] == b"3" * 1000
        assert store.reading.record_at(first) is None
        assert store.reading.by_key("orders", "k0", 9, 0, 1 << 62) == []
        assert store.reading.earliest_ms("orders", 0) == NOW_MS + 4
        assert store.reading.offset_at("orders", 0, 0) == 2
    assert not caplog.records


def test_the_last_file_never_goes(tmp_path):
    with opened(tmp_path, **SMALL) as store:
        fill(store)
        for _ in range(9):
            store.drop_oldest_log_file()
        assert len(log_files(tmp_path)) == 1
        assert store.log.start == 12_000


def test_a_queue_of_which_all_is_gone_goes_on_where_it_was(tmp_path):
    with opened(tmp_path, **SMALL) as store:
        store.put(record(b"first", queue_id=7))
        fill(store)
        store.drop_oldest_log_file()
        assert store.queues.min_offset("orders", 7) == 1
        assert get(store, 7, 0).status is GetStatus.OFFSET_TOO_SMALL
        assert get(store, 7, 1).status is GetStatus.OFFSET_OVERFLOW_ONE
        found = store.put(record(b"second", queue_id=7)).record
        store.dispatch()
        assert found.queue_offset == 1
        assert bodies(store, queue_id=7, offset=1) == [b"second"]


def test_files_of_queues_and_index_go_one_by_one_when_the_log_has_nothing_of_them(
    tmp_path,
):
    with opened(tmp_path, **SMALL, max_index_num=5) as store:
        fill(store, 18)

        def count():
            return len(list((tmp_path / "consumequeue" / "orders").glob("*/*")))

        before = count()
        indexes = len(list((tmp_path / "index").iterdir()))
        for _ in range(3):
            store.drop_oldest_log_file()
        assert (before, indexes) == (6, 5)
        removals = store.queues.drop_before(store.log.start)
        assert [count() for _ in removals] == [5, 4]
        store.index.drop_before(store.log.start)
        assert len(list((tmp_path / "index").iterdir())) == 3
        assert bodies(store, offset=5)[0] == b"10" * 500
        assert store.reading.by_key("orders", "k9", 9, 0, 1 << 62)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_store_without_its_oldest_files_opens_again_as_it_was(tmp_path, end):
    store = make_store(tmp_path, **SMALL)
    store.open()
    fill(store)
    store.drop_oldest_log_file()
    store.drop_oldest_log_file()
    if end == "kill":
        store.abandon()
    else:
        asyncio.run(store.close())
    with opened(tmp_path, **SMALL) as again:
        assert (again.log.start, again.found.damage) == (8000, None)
        assert [again.queues.min_offset("orders", n) for n in (0, 1)] == [3, 3]
        assert bodies(again, offset=3)[0] == b"6" * 1000


def test_a_file_is_as_old_as_the_message_after_it(tmp_path):
    with opened(tmp_path, **SMALL) as store:
        assert store.log.followed_ms() is None
        fill(store, 3)
        assert store.log.followed_ms() is None
        fill(store, 5)
        assert store.log.followed_ms() == NOW_MS


def test_where_that_message_is_damaged_a_later_files_first_one_counts(tmp_path):
    kill(tmp_path, **SMALL)
    with opened(tmp_path, **SMALL) as store:
        fill(store)
        zero_from(log_files(tmp_path)[1], 0)
        assert store.log.followed_ms() == NOW_MS + 6


# The disk


@pytest.mark.simulated
async def test_a_file_may_go_while_it_is_flushed():
    store = make_store("/data", simulated.here().disk, **SMALL)
    store.open()
    fill(store)
    flushing = asyncio.create_task(store.flush_log())
    await asyncio.sleep(0)
    store.drop_oldest_log_file()
    assert await flushing == store.log.end
    assert bodies(store, offset=2)[0] == b"4" * 1000
    await store.close()


@pytest.mark.simulated
async def test_a_file_that_cannot_be_removed_still_belongs_to_the_log():
    store = make_store("/data", simulated.here().disk, **SMALL)
    store.open()
    fill(store)
    simulated.disk().fail("remove", 1)
    with pytest.raises(StoreError, match="cannot remove /data/commitlog/0"):
        store.drop_oldest_log_file()
    assert (store.log.start, store.queues.min_offset("orders", 0)) == (0, 0)
    assert bodies(store)[0] == b"0" * 1000
    store.drop_oldest_log_file()
    assert store.log.start == 4000
    await store.close()


@pytest.mark.parametrize("seed", range(10))
def test_a_crash_after_a_removal_leaves_queues_that_begin_where_the_log_does(seed):
    with Simulation(seed) as sim:
        machine = sim.machine("a", "10.0.0.1")
        process = machine.process("broker")
        store = make_store("/data", process.disk, **SMALL)
        store.open()
        fill(store)
        sim.complete(process, store.flush_log())
        store.drop_oldest_log_file()
        machine.crash()
        machine.boot()
        again = make_store("/data", machine.process("broker").disk, **SMALL)
        again.open()
        assert again.log.start == 4000
        assert [again.queues.min_offset("orders", n) for n in (0, 1)] == [2, 1]
        assert bodies(again, offset=2)[0] == b"4" * 1000
