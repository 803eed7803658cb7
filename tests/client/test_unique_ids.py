"""Message ids: RocketMQ's format, out of which tools read the time."""

from __future__ import annotations

import re
import struct
import time
from datetime import UTC
from random import Random

import pytest

from rmqlab.client.unique_ids import UniqueIds

LAYOUT = struct.Struct(">4sHIIH")
CENTRAL_EUROPE = "CET-1CEST,M3.5.0,M10.5.0/3"
PID = 70_000
"""More than the id has room for."""
NOON_MS = 1_700_000_000_000


def parts(unique_id):
    """Return address, pid, random part, milliseconds of the month, and counter."""
    return LAYOUT.unpack(bytes.fromhex(unique_id))


@pytest.fixture
def zone(monkeypatch):
    """Return a function that moves this process to another time zone."""

    def move(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("here", ["UTC0", CENTRAL_EUROPE, "PST8", "NZST-12"])
def test_a_zone_that_is_given_counts_wherever_the_machine_is(zone, here):
    zone(here)
    new_year_ms = 1_704_067_200_000  # 2024, at Greenwich
    ids = UniqueIds(Random(1), PID, UTC)
    moments = [new_year_ms - 1, new_year_ms]
    assert [parts(ids.next(at))[3] for at in moments] == [31 * 86_400_000 - 1, 0]


def test_an_id_is_32_hexadecimal_digits():
    assert re.fullmatch(r"[0-9A-F]{32}", UniqueIds(Random(1), PID).next(NOON_MS))


def test_an_id_names_the_process():
    address, pid, *_ = parts(UniqueIds(Random(1), PID).next(NOON_MS))
    assert (address, pid) == (bytes((127, 0, 0, 1)), PID & 0xFFFF)


def test_no_two_ids_of_a_millisecond_are_alike():
    ids = UniqueIds(Random(1), PID)
    assert len({ids.next(NOON_MS) for _ in range(10_000)}) == 10_000


def test_no_two_producers_of_a_process_make_the_same_ids():
    one, other = (UniqueIds(Random(seed), PID).next(NOON_MS) for seed in (1, 2))
    assert one != other


def test_the_counter_begins_anew_after_65535():
    ids = UniqueIds(Random(1), PID)
    counts = [parts(ids.next(NOON_MS))[4] for _ in range(65_537)]
    assert counts[-3:] == [65_535, 0, 1]


@pytest.mark.parametrize(
    ("month", "first", "last"),
    [
        ("with 28 days", (2023, 2, 1), (2023, 3, 1)),
        ("December", (2023, 12, 1), (2024, 1, 1)),
        ("in which summer time begins", (2024, 3, 1), (2024, 4, 1)),
        ("in which summer time ends", (2024, 10, 1), (2024, 11, 1)),
    ],
)
def test_a_month_begins_at_its_first_midnight(zone, month, first, last):
    zone(CENTRAL_EUROPE)
    start_ms, end_ms = (
        int(time.mktime((*day, 0, 0, 0, 0, 0, -1)) * 1000) for day in (first, last)
    )
    ids = UniqueIds(Random(1), PID)
    moments = [start_ms, end_ms - 1, end_ms]
    assert [parts(ids.next(at))[3] for at in moments] == [0, end_ms - 1 - start_ms, 0]
    late = UniqueIds(Random(1), PID)  # began after the clocks were changed
    assert parts(late.next(end_ms - 1))[3] == end_ms - 1 - start_ms
