"""Every file of a small store, cut at every byte: by zeroes, and really shortened."""

from __future__ import annotations

import pytest

from rmqlab.errors import StoreError
from tests.store.small_store import (
    EVERY_BYTE,
    PATHS,
    QUEUE_BYTES,
    check,
    look,
    machine,
    small_store,
)

ENDS = pytest.mark.parametrize("was_stopped", [True, False], ids=["stopped", "killed"])
LOG = [f"commitlog/{number * 1600:020d}" for number in range(3)]
QUEUES = [
    f"consumequeue/{one}"
    for one in ("orders/0", "orders/1", "tea/0", "SCHEDULE_TOPIC_XXXX/2")
]
A_FILE = QUEUE_BYTES // 20


def cuts(data: bytes, stride: int) -> range:
    """Return where to cut a file."""
    return range(0, len(data), 1 if EVERY_BYTE else stride)


def zeroed(files, path, at):
    """Return the files, one with zeroes from a byte on; None where it had them."""
    data = files[path][:at].ljust(len(files[path]), b"\0")
    return None if data == files[path] else files | {path: data}


@ENDS
@pytest.mark.parametrize("path", LOG)
def test_a_log_with_zeroes_from_any_byte_on_has_all_that_is_before(path, was_stopped):
    was = small_store(was_stopped=was_stopped)
    whole = f"/store/{path}"
    for at in cuts(was.files[whole], 53):
        if files := zeroed(was.files, whole, at):
            place = int(path[-20:]) + at
            lost = check(was, files)
            assert all(one.physical_offset + one.size > place for one in lost)


@ENDS
@pytest.mark.parametrize("part", QUEUES)
def test_a_queue_with_zeroes_from_any_byte_on_is_made_anew(part, was_stopped):
    """But for files before the last three, at which no start looks."""
    was = small_store(was_stopped=was_stopped)
    paths = was.paths(part)
    for number, path in enumerate(paths):
        for at in cuts(was.files[path], 9):
            if files := zeroed(was.files, path, at):
                is_old = number < len(paths) - 3
                assert len(check(was, files)) <= A_FILE * is_old


@ENDS
@pytest.mark.parametrize("part", ["index", "checkpoint", "lock"])
def test_zeroes_in_other_files_lose_no_message(part, was_stopped):
    was = small_store(was_stopped=was_stopped)
    for path in was.paths(part):
        for at in cuts(was.files[path], 151):
            if files := zeroed(was.files, path, at):
                assert check(was, files) == []


@ENDS
@pytest.mark.parametrize("part", ["commitlog", "consumequeue", "index"])
def test_a_file_that_was_shortened_is_refused_and_nothing_is_changed(part, was_stopped):
    was = small_store(was_stopped=was_stopped)
    for path in was.paths(part):
        for at in cuts(was.files[path], 37)[1:]:
            files = was.files | {path: was.files[path][:at]}
            with machine(files) as host:
                with pytest.raises(StoreError, match=rf"{path} has {at} bytes") as told:
                    host.opened()
                assert str(len(was.files[path])) in str(told.value)
                assert host.files == files


@ENDS
def test_a_file_without_its_size_is_as_good_as_none(was_stopped):
    """So it is where a machine died while it was made."""
    was = small_store(was_stopped=was_stopped)
    after = {
        f"{PATHS.commit_log}/{4800:020d}": b"",
        f"{PATHS.consume_queue('tea', 0)}/{120:020d}": b"",
        f"{PATHS.consume_queue('milk', 0)}/{0:020d}": b"",
        f"{PATHS.index}/20991231000000000": b"",
    }
    assert check(was, was.files | after) == []


@ENDS
@pytest.mark.parametrize("size", [1, 8, 24, 25, 4095, 5000])
def test_a_checkpoint_of_another_size_is_made_anew(size, was_stopped):
    was = small_store(was_stopped=was_stopped)
    data = was.files[PATHS.checkpoint].ljust(size, b"\0")[:size]
    assert check(was, was.files | {PATHS.checkpoint: data}) == []


@ENDS
@pytest.mark.parametrize(
    "part", ["index", "checkpoint", "lock", "consumequeue", *QUEUES]
)
def test_what_can_be_made_from_the_log_may_be_removed(part, was_stopped):
    was = small_store(was_stopped=was_stopped)
    gone = was.paths(part)
    assert check(was, without(was.files, gone)) == []


@ENDS
@pytest.mark.parametrize("part", ["consumequeue", "index"])
def test_any_one_file_that_can_be_made_from_the_log_may_be_removed(part, was_stopped):
    """Or the start says which one to put back."""
    was = small_store(was_stopped=was_stopped)
    for path in was.paths(part):
        files = without(was.files, [path])
        folder, _, name = path.rpartition("/")
        is_between = max(was.paths(folder[7:])) > path > min(was.paths(folder[7:]))
        if part == "consumequeue" and is_between:
            with machine(files) as host:
                with pytest.raises(StoreError, match=f"{folder} lacks {name}: put it"):
                    host.opened()
                assert host.files == files
        else:
            assert check(was, files) == []


@ENDS
def test_a_lost_last_file_of_the_log_is_reported_and_a_lost_middle_one_refused(
    was_stopped,
):
    was = small_store(was_stopped=was_stopped)
    first, middle, last = was.paths("commitlog")
    lost = check(was, without(was.files, [last]))
    assert {one.physical_offset for one in lost} == {3200, 3339}
    files = without(was.files, [middle])
    with machine(files) as host:
        with pytest.raises(StoreError, match=f"lacks {middle[-20:]}: put it back"):
            host.opened()
        assert host.files == files
    with machine(without(was.files, [first])) as host:  # as retention removes it
        assert min(look(host).offsets) == 1735  # of 1600, which is prepared, none


@ENDS
def test_a_lost_log_is_reported_and_the_store_begins_anew(was_stopped):
    was = small_store(was_stopped=was_stopped)
    lost = check(was, without(was.files, was.paths("commitlog")))
    assert lost == was.queued


def without(files, paths):
    """Return the files but for some."""
    return {path: data for path, data in files.items() if path not in paths}
