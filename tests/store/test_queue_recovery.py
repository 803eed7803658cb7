"""Consume queues that a crash lost, cut or tore are made anew from the log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rmqlab.protocol.record import size_of
from tests.store.shelf import (
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
