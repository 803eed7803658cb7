"""A batch: messages of one queue that are in one file of the log, or not at all."""

from __future__ import annotations

import pytest

from rmqlab.errors import DiskFull
from rmqlab.protocol.record import size_of
from rmqlab.store.results import PutStatus
from tests.store.shelf import bodies, letters, log_files, opened, record
from tests.store.test_writing import LimitedDisk

SIZE = size_of(record(b"a"))
FILE_BYTES = 10 * SIZE + 8
SMALL = {"mapped_file_size_commit_log": FILE_BYTES}


def test_the_messages_of_a_batch_follow_each_other_in_queue_and_log(tmp_path):
    with opened(tmp_path) as store:
        store.put(record(b"first"))
        batch = letters()
        put = store.put_batch(batch)
        store.dispatch()
        assert put.status is PutStatus.PUT_OK
        assert [one.queue_offset for one in batch] == [1, 2, 3]
        ends = [one.physical_offset + one.size for one in batch]
        assert [one.physical_offset for one in batch[1:]] == ends[:-1]
        assert put.end == store.log.end == ends[-1]
        assert bodies(store) == [b"first", b"a", b"b", b"c"]


def test_a_batch_that_does_not_fit_the_rest_of_a_file_is_whole_in_the_next(tmp_path):
    with opened(tmp_path, **SMALL) as store:
        store.put_batch(letters(bytes(8)))
        put = store.put_batch(letters())
        assert put.end == FILE_BYTES + 3 * SIZE
        assert len(log_files(tmp_path)) == 2
        store.dispatch()
        assert bodies(store) == [b"\0"] * 8 + [b"a", b"b", b"c"]


@pytest.mark.parametrize(("count", "status"), [(10, "PUT_OK"), (11, "MESSAGE_ILLEGAL")])
def test_a_batch_that_no_file_has_room_for_is_refused_whole(tmp_path, count, status):
    with opened(tmp_path, **SMALL) as store:
        assert store.put_batch(letters(bytes(count))).status.name == status
        assert store.dispatch() == [] or count == 10
        assert store.log.end == (10 * SIZE if count == 10 else 0)


def test_a_batch_with_one_illegal_message_is_refused_whole(tmp_path):
    with opened(tmp_path, max_message_size=5) as store:
        put = store.put_batch([record(b"fits"), record(b"does not")])
        assert put.status is PutStatus.MESSAGE_ILLEGAL
        assert store.log.end == 0
        assert store.put(record(b"next")).record.queue_offset == 0


def test_a_batch_that_a_full_disk_refuses_leaves_nothing(tmp_path):
    disk = LimitedDisk(room=2 * SIZE)
    with opened(tmp_path, disk) as store:
        with pytest.raises(DiskFull):
            store.put_batch(letters())
        assert store.log.end == 0
        assert store.put(record(b"a")).record.queue_offset == 0
