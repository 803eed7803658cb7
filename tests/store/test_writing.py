"""What a store does with a message: its place, its refusals, a full disk."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest

from rmqlab.errors import CorruptRecord, DiskFull, StoreError, StoreLocked
from rmqlab.protocol.record import BLANK_MAGIC, encode, size_of
from rmqlab.settings import BrokerRole
from rmqlab.store.real_disk import RealDisk, RealFile
from rmqlab.store.results import PutStatus
from tests.store.shelf import (
    bodies,
    entries,
    kill,
    log_files,
    make_store,
    opened,
    record,
    stop,
)

FILE_BYTES = 1000
SMALL = {"mapped_file_size_commit_log": FILE_BYTES}
FIXED = size_of(record(b""))
LARGEST = FILE_BYTES - 8 - FIXED
"""The longest body that a file has room for."""
LOCK = """
import sys
from rmqlab.store.real_disk import RealDisk
RealDisk().lock(sys.argv[1])
"""


class LimitedDisk(RealDisk):
    """A disk that takes so many bytes and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def open(self, path, size):
        if not path.endswith(("checkpoint", "abort")) and self.size(path) is None:
            self.take(1, path)
        return LimitedFile(path, size, self)

    def take(self, size, path):
        if size > self.room:
            raise DiskFull(f"cannot write {path}: No space left on device")
        self.room -= size


class LimitedFile(RealFile):
    def __init__(self, path, size, disk) -> None:
        super().__init__(path, size, disk._flusher)
        self._disk = disk

    def write(self, offset, data):
        self._disk.take(len(data), self._path)
        super().write(offset, data)


def test_messages_lie_back_to_back_in_the_log(tmp_path):
    with opened(tmp_path) as store:
        puts = [store.put(record(bytes(n))) for n in (0, 1, 1000)]
        assert [one.status for one in puts] == [PutStatus.PUT_OK] * 3
        places = [(one.record.physical_offset, one.record.size) for one in puts]
        assert places == [(0, FIXED), (FIXED, FIXED + 1), (2 * FIXED + 1, FIXED + 1000)]
        assert store.log.end == puts[-1].end == 3 * FIXED + 1001
        data = store.log.read(0, store.log.end)
        assert data == b"".join(encode(one.record) for one in puts)


def test_the_log_and_its_queues_are_where_rocketmq_has_them(tmp_path):
    stop(tmp_path, record(queue_id=3))
    found = {
        str(path.relative_to(tmp_path)): path.stat().st_size
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == {
        "commitlog/00000000000000000000": 1 << 20,
        "consumequeue/orders/3/00000000000000000000": 6000,
        "checkpoint": 4096,
        "lock": 4,
    }
    assert (tmp_path / "lock").read_bytes() == b"lock"


def test_the_size_of_a_queues_files_is_rounded_up_to_whole_entries(tmp_path):
    stop(tmp_path, record(), mapped_file_size_consume_queue=6001)
    (path,) = (tmp_path / "consumequeue/orders/0").iterdir()
    assert path.stat().st_size == 6020


def test_an_entry_says_where_its_message_lies_and_what_tag_it_has(tmp_path):
    stop(tmp_path, record(), record(properties=b"TAGS\x01TagA"))
    (path,) = (tmp_path / "consumequeue/orders/0").iterdir()
    size = FIXED + len(b"coffee")
    wanted = struct.pack(">qiqqiq", 0, size, 0, size, size + 9, 2_598_919)
    assert path.read_bytes() == wanted.ljust(6000, b"\0")


def test_a_record_that_does_not_fit_starts_the_next_file_after_a_blank(tmp_path):
    kill(tmp_path, record(bytes(400)), record(bytes(401)), **SMALL)
    first, second = log_files(tmp_path)
    assert second.name == f"{FILE_BYTES:020d}"
    left = FILE_BYTES - FIXED - 400
    blank = first.read_bytes()[-left:]
    assert blank == struct.pack(">iI", left, BLANK_MAGIC).ljust(left, b"\0")
    assert second.read_bytes().startswith(struct.pack(">i", FIXED + 401))
    with opened(tmp_path, **SMALL) as store:
        assert bodies(store) == [bytes(400), bytes(401)]


@pytest.mark.parametrize(("room", "files"), [(8, 1), (7, 2), (0, 2)])
def test_a_record_leaves_at_least_eight_bytes_for_the_blank(tmp_path, room, files):
    first = record(bytes(300))
    rest = FILE_BYTES - size_of(first) - FIXED - room
    kill(tmp_path, first, record(bytes(rest)), **SMALL)
    assert len(log_files(tmp_path)) == files


def test_the_largest_record_that_a_file_holds_is_taken(tmp_path):
    kill(tmp_path, record(b"x"), record(bytes(LARGEST)), record(b"y"), **SMALL)
    with opened(tmp_path, **SMALL) as store:
        assert bodies(store) == [b"x", bytes(LARGEST), b"y"]


def test_a_record_larger_than_a_log_file_is_illegal_and_changes_nothing(tmp_path):
    with opened(tmp_path, **SMALL) as store:
        store.put(record(b"x"))
        end = store.log.end
        put = store.put(record(bytes(LARGEST + 1)))
        assert (put.status, put.end) == (PutStatus.MESSAGE_ILLEGAL, 0)
        assert store.log.end == end
        assert store.put(record(b"y")).record.queue_offset == 1
    assert [path.stat().st_size for path in log_files(tmp_path)] == [FILE_BYTES]


@pytest.mark.parametrize(
    "fields",
    [
        {"body": bytes(4 * 1024 * 1024 + 1)},
        {"topic": "t" * 128},
        {"properties": bytes(32_768)},
    ],
    ids=["body", "topic", "properties"],
)
def test_a_message_too_long_in_any_part_is_illegal(tmp_path, fields):
    with opened(tmp_path, mapped_file_size_commit_log=1 << 23) as store:
        assert store.put(record(**fields)).status is PutStatus.MESSAGE_ILLEGAL
        assert store.log.end == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"body": bytes(4 * 1024 * 1024)},
        {"topic": "t" * 127},
        {"properties": bytes(32_767)},
    ],
    ids=["body", "topic", "properties"],
)
def test_a_message_as_long_as_allowed_in_any_part_is_taken(tmp_path, fields):
    with opened(tmp_path, mapped_file_size_commit_log=1 << 23) as store:
        put = store.put(record(**fields))
        assert store.reading.record_at(0) == put.record


def test_a_slave_takes_no_message_but_its_masters_bytes(tmp_path):
    kill(tmp_path / "master", record())
    with (
        opened(tmp_path / "master") as master,
        opened(tmp_path / "slave", broker_role=BrokerRole.SLAVE) as slave,
    ):
        assert slave.put(record()).status is PutStatus.SERVICE_NOT_AVAILABLE
        data = master.log.read(0, master.log.end)
        slave.copy(0, data[:50])
        slave.dispatch()
        slave.copy(50, data[50:])
        slave.dispatch()
        assert entries(slave) == entries(master)


def test_a_store_that_is_closed_takes_nothing(tmp_path):
    store = make_store(tmp_path)
    assert store.put(record()).status is PutStatus.SERVICE_NOT_AVAILABLE
    store.open()
    store.abandon()
    assert store.put(record()).status is PutStatus.SERVICE_NOT_AVAILABLE
    store.copy(0, b"late")
    assert store.log.end == 0


def test_who_waits_for_the_log_to_grow_is_told_each_time(tmp_path):
    told = []
    with opened(tmp_path) as store:
        store.on_append.append(lambda: told.append(store.log.end))
        store.put(record())
        store.copy(store.log.end, b"bytes")
        assert told == [FIXED + 6, FIXED + 11]


def test_copied_bytes_never_cross_the_end_of_a_file(tmp_path):
    with opened(tmp_path, broker_role=BrokerRole.SLAVE, **SMALL) as slave:
        slave.copy(0, bytes(900))
        with pytest.raises(StoreError, match=r"101 bytes at offset 900 .* 1000"):
            slave.copy(900, bytes(101))
        assert slave.log.end == 900
        slave.copy(900, bytes(100))
    assert [path.stat().st_size for path in log_files(tmp_path)] == [FILE_BYTES]


def test_a_new_slaves_log_starts_at_the_file_that_the_master_sends(tmp_path):
    with opened(tmp_path, broker_role=BrokerRole.SLAVE, **SMALL) as slave:
        slave.copy(3000, b"from here")
        assert (slave.log.start, slave.log.end) == (3000, 3009)
    (path,) = log_files(tmp_path)
    assert path.name == f"{3000:020d}"


def test_a_new_slave_that_missed_the_first_files_reads_what_it_has(tmp_path):
    kill(tmp_path / "master", record(bytes(600)), record(bytes(601)), **SMALL)
    with (
        opened(tmp_path / "master", **SMALL) as master,
        opened(tmp_path / "slave", broker_role=BrokerRole.SLAVE, **SMALL) as slave,
    ):
        slave.copy(FILE_BYTES, master.log.read(FILE_BYTES, FILE_BYTES))
        assert [one.end for one in slave.dispatch()] == [2]
        assert slave.dispatched == slave.log.end == master.log.end
        assert slave.queues.min_offset("orders", 0) == 1
        assert bodies(slave, offset=1) == [bytes(601)]


def test_a_full_disk_is_an_error_and_the_message_is_not_in_the_log(tmp_path):
    disk = LimitedDisk(2 + FIXED + 6)
    with opened(tmp_path, disk) as store:
        store.put(record())
        end = store.log.end
        with pytest.raises(DiskFull, match=r"commitlog/0{20}: No space left on device"):
            store.put(record())
        assert store.log.end == end
        disk.room = 10_000
        assert store.put(record(b"later")).record.queue_offset == 1
        store.dispatch()
        assert bodies(store) == [b"coffee", b"later"]


def test_a_disk_full_at_a_new_log_file_loses_nothing(tmp_path):
    disk = LimitedDisk(1 + FIXED + 400 + 8)
    with opened(tmp_path, disk, **SMALL) as store:
        store.put(record(bytes(400)))
        for _ in range(2):
            with pytest.raises(DiskFull):
                store.put(record(bytes(500)))
        disk.room = 10_000
        assert store.put(record(bytes(500))).record.physical_offset == FILE_BYTES
    with opened(tmp_path, **SMALL) as store:
        assert bodies(store) == [bytes(400), bytes(500)]


def test_a_queue_that_could_not_be_written_is_written_later(tmp_path):
    disk = LimitedDisk(2 + 2 * (FIXED + 6) + 20)
    with opened(tmp_path, disk) as store:
        for _ in range(2):
            store.put(record())
        with pytest.raises(DiskFull):
            store.dispatch()
        assert store.queues.max_offset("orders", 0) == 0
        disk.room = 10_000
        store.dispatch()
        assert bodies(store) == [b"coffee", b"coffee"]
        assert store.dispatched == store.log.end


class FlushedDisk(RealDisk):
    """A disk that remembers which files were flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = []

    def open(self, path, size):
        file = super().open(path, size)
        flush = file.flush

        async def remembered():
            self.flushed.append(path[-4:])
            await flush()

        file.flush = remembered
        return file


async def test_a_flush_reaches_the_files_with_new_bytes_and_no_other(tmp_path):
    disk = FlushedDisk()
    with opened(tmp_path, disk, **SMALL) as store:
        for _ in range(3):
            store.put(record(bytes(800)))
        assert store.log.files.flushed == 0
        assert await store.flush_log() == store.log.files.flushed == store.log.end
        assert disk.flushed == ["0000", "1000", "2000"]
        store.put(record(bytes(800)))
        await store.flush_log()
        assert disk.flushed[3:] == ["2000", "3000"]  # the blank of one, then the next
    disk.close()


def test_a_store_that_is_open_is_open_to_nobody_else(tmp_path):
    with (
        opened(tmp_path),
        pytest.raises(StoreLocked, match=r"^Lock failed,MQ already started$"),
    ):
        make_store(tmp_path).open()
    with opened(tmp_path) as store:
        assert store.log.end == 0


def test_another_process_finds_an_open_store_locked(tmp_path):
    with opened(tmp_path):
        asks = [sys.executable, "-c", LOCK, tmp_path / "lock"]
        other = subprocess.run(asks, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert other.stderr.endswith("StoreLocked: Lock failed,MQ already started\n")


def test_a_damaged_record_stops_the_queues_and_is_told(tmp_path):
    with opened(tmp_path) as store:
        for letter in b"abc":
            store.put(record(bytes([letter])))
        size = FIXED + 1
        store.log.files.write(size + 4, b"\0\0\0\0")  # the magic of the second
        store.log.files.end = 3 * size
        store.dispatch()
        with pytest.raises(CorruptRecord, match=f"at offset {size} of the log: magic"):
            store.dispatch()
        assert bodies(store) == [b"a"]


def test_a_record_that_says_it_is_elsewhere_is_none_of_this_log(tmp_path):
    with opened(tmp_path) as store:
        store.copy(0, encode(record(physical_offset=77)))
        with pytest.raises(CorruptRecord, match="a record that says it is at 77"):
            store.dispatch()


def test_a_record_of_a_queue_with_a_negative_number_is_none_of_this_log(tmp_path):
    with opened(tmp_path) as store:
        store.copy(0, encode(record(queue_id=-5)))
        with pytest.raises(CorruptRecord, match="no queue has the number -5"):
            store.dispatch()
    with opened(tmp_path) as store:
        assert store.log.end == 0
