"""An index that was lost, or that a crash made doubtful, is made anew from the log."""

from __future__ import annotations

import shutil

import pytest

from tests.store.shelf import NOW_MS, kill, opened, record, stop

MANY = 2500
"""More than one step of the dispatcher takes."""


def keyed(number: int, **fields):
    keys = b"KEYS\x01k%d" % number
    return record(b"%d" % number, properties=keys, **fields)


def found(store, number: int) -> list[bytes]:
    wanted = store.reading.by_key("orders", f"k{number}", 32, 0, NOW_MS)
    return [one.body for one in wanted]


def is_found(store, *numbers: int) -> bool:
    return all(found(store, one) == [b"%d" % one] for one in numbers)


def test_keys_are_found_after_a_stop(tmp_path):
    stop(tmp_path, *map(keyed, range(3)))
    with opened(tmp_path) as store:
        assert is_found(store, 0, 1, 2)
        store.put(keyed(3))
        store.dispatch()
        assert is_found(store, 0, 1, 2, 3)


@pytest.mark.parametrize("end", [stop, kill])
def test_an_index_whose_folder_is_gone_is_made_anew_in_steps(tmp_path, end):
    end(tmp_path, *map(keyed, range(MANY)))
    shutil.rmtree(tmp_path / "index")
    with opened(tmp_path) as store:
        assert is_found(store, 0, 999)  # what one step makes is there at once
        assert found(store, MANY - 1) == []
        steps = 0
        while store.catch_up_index():
            steps += 1
        assert steps == 2
        assert is_found(store, 0, 999, 1000, MANY - 1)


def test_what_comes_while_the_index_is_made_anew_is_found_when_its_turn_comes(tmp_path):
    stop(tmp_path, *map(keyed, range(MANY)))
    shutil.rmtree(tmp_path / "index")
    with opened(tmp_path) as store:
        store.put(keyed(MANY))
        store.dispatch()
        assert found(store, MANY) == []
        while store.catch_up_index():
            pass
        assert is_found(store, 0, MANY - 1, MANY)
        store.put(keyed(MANY + 1))
        store.dispatch()
        assert is_found(store, MANY + 1)


def test_after_a_kill_every_key_is_found_once(tmp_path):
    kill(tmp_path, *map(keyed, range(20)))
    with opened(tmp_path) as store:
        assert is_found(store, *range(20))


def test_the_index_goes_on_over_the_end_of_a_log_file(tmp_path):
    small = {"mapped_file_size_commit_log": 1000}
    stop(tmp_path, *map(keyed, range(40)), **small)
    with opened(tmp_path, **small) as store:
        for number in range(40, 60):
            store.put(keyed(number))
            store.dispatch()
            assert is_found(store, number)
        assert is_found(store, *range(60))


def test_a_broker_may_have_no_index(tmp_path):
    with opened(tmp_path, message_index_enable=False) as store:
        store.put(keyed(0))
        store.dispatch()
        assert not store.catch_up_index()
        assert found(store, 0) == []
    assert not (tmp_path / "index").exists()


def test_an_index_that_was_switched_off_for_a_while_lacks_nothing_afterwards(tmp_path):
    stop(tmp_path, keyed(0))
    stop(tmp_path, keyed(1), message_index_enable=False)
    stop(tmp_path, keyed(2))
    with opened(tmp_path) as store:
        assert is_found(store, 0, 1, 2)
