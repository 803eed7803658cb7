"""What recovery says of what it cut: nothing, a torn message, or sound ones lost."""

from __future__ import annotations

import logging

import pytest

from rmqlab.protocol.record import size_of
from rmqlab.store import damage
from rmqlab.store.damage import Damage
from tests.store.shelf import (
    bodies,
    kill,
    letters,
    log_files,
    opened,
    record,
    zero_from,
)

SIZE = size_of(record(b"a"))
FIRST = "0" * 20
FILE_BYTES = 10 * SIZE + 8
SMALL = {"mapped_file_size_commit_log": FILE_BYTES}


def write(path, at: int, data: bytes) -> None:
    """Change bytes of a file."""
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def found(root, **settings) -> Damage | None:
    """Return what a start after a crash says."""
    with opened(root, **settings) as store:
        return store.found.damage


def test_of_a_log_that_ends_with_a_message_nothing_is_said(tmp_path):
    kill(tmp_path, *letters())
    assert found(tmp_path) is None


def test_a_torn_last_message_is_no_message_that_was_lost(tmp_path, caplog):
    kill(tmp_path, *letters())
    zero_from(log_files(tmp_path)[0], 3 * SIZE - 4)
    with caplog.at_level(logging.WARNING):
        assert found(tmp_path) == Damage(FIRST, 2 * SIZE, 0)
    assert [one.levelname for one in caplog.records] == ["WARNING"]


def test_sound_messages_behind_a_damaged_one_are_counted_and_told(tmp_path, caplog):
    kill(tmp_path, *letters(b"abcdef"))
    write(log_files(tmp_path)[0], 2 * SIZE + 4, b"\0\0\0\0")  # the magic of the third
    with caplog.at_level(logging.ERROR), opened(tmp_path) as store:
        assert store.found.damage == Damage(FIRST, 2 * SIZE, 3)
        assert bodies(store) == [b"a", b"b"]
    assert caplog.messages == [
        f"log cut file={FIRST} offset={2 * SIZE} sound_messages_behind=3"
    ]
    assert found(tmp_path) is None  # the second start finds nothing more


def test_messages_of_later_files_are_counted_too(tmp_path):
    kill(tmp_path, *letters(bytes(range(25))), **SMALL)
    write(log_files(tmp_path)[0], 4, b"\0\0\0\0")
    assert found(tmp_path, **SMALL) == Damage(FIRST, 0, 24)


def test_what_only_looks_like_a_message_is_not_counted(tmp_path):
    kill(tmp_path, *letters(b"abc"))
    write(log_files(tmp_path)[0], SIZE + 4, b"\0\0\0\0")
    write(log_files(tmp_path)[0], 2 * SIZE, b"\xda\xa3\x20\xa7".center(SIZE, b"\1"))
    assert found(tmp_path) == Damage(FIRST, SIZE, 0)


@pytest.mark.parametrize("window", [1, 7, SIZE, SIZE + 1, 1 << 20])
def test_no_message_is_missed_where_one_look_ends_and_the_next_begins(
    tmp_path, monkeypatch, window
):
    monkeypatch.setattr(damage, "WINDOW_BYTES", window)
    monkeypatch.setattr(damage, "MOST_ZEROES", 1000)
    kill(tmp_path, *letters(b"abcdef"))
    write(log_files(tmp_path)[0], 4, b"\0\0\0\0")
    assert found(tmp_path) == Damage(FIRST, 0, 5)


def test_looking_ends_where_zeroes_go_on_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(damage, "WINDOW_BYTES", 100)
    monkeypatch.setattr(damage, "MOST_ZEROES", 10 * SIZE)
    kill(tmp_path, *letters(bytes(range(50))))
    write(log_files(tmp_path)[0], 2 * SIZE, bytes(20 * SIZE))
    assert found(tmp_path) is None
