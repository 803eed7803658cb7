"""Both ends of replication by their rules, without a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.errors import WireError
from rmqlab.ha.session import (
    MAX_PIECE_BYTES,
    PIECE,
    Diverged,
    MasterSession,
    Piece,
    SlaveSession,
)
from tests.ha.streams import BATCH_BYTES, Log, drain, report

FILE_BYTES = 1000


def small_log(end):
    data = bytes(n % 251 for n in range(3 * FILE_BYTES))
    files = {at: data[at : at + FILE_BYTES] for at in range(0, len(data), FILE_BYTES)}
    log = Log(files, FILE_BYTES)
    log.end = end
    return log


def a_master(end=2500):
    return MasterSession(small_log(end), FILE_BYTES)


# A master's rules


def test_nothing_is_sent_before_the_slave_has_said_how_far_it_is():
    session = a_master()
    assert not session.receive(report(7)[:7])
    assert (session.next_piece(BATCH_BYTES), session.heartbeat()) == (None, None)
    assert session.acked == -1


def test_a_slave_gets_what_follows_its_report():
    session = a_master()
    session.receive(report(1990))
    pieces = drain(session)
    assert [(one.offset, len(one.data)) for one in pieces] == [(1990, 10), (2000, 500)]
    assert pieces[0].data == bytes(n % 251 for n in range(1990, 2000))


def test_a_slave_without_a_log_gets_only_the_masters_last_file():
    session = a_master()
    session.receive(report(0))
    assert [one.offset for one in drain(session)] == [2000]


def test_a_piece_is_no_longer_than_the_batch_size():
    session = a_master()
    session.receive(report(2000))
    assert [len(session.next_piece(200).data) for _ in range(3)] == [200, 200, 100]


def test_what_the_log_grows_by_is_sent_next():
    log = small_log(2500)
    session = MasterSession(log, FILE_BYTES)
    session.receive(report(2500))
    assert drain(session) == []
    log.end = 2600
    assert drain(session) == [Piece(2500, log.read(2500, 100))]


def test_of_several_reports_only_the_last_counts():
    session = a_master()
    session.receive(report(100))
    assert session.receive(report(200) + report(300) + report(400)[:3])
    assert session.acked == 300
    assert session.receive(report(400)[3:])
    assert session.acked == 400


def test_a_later_report_moves_no_piece():
    """The slave acknowledges; where it is fed from was settled at the start."""
    session = a_master()
    session.receive(report(2000))
    drain(session)
    session.receive(report(1))
    assert drain(session) == []


def test_a_first_report_beyond_the_masters_end_gets_heartbeats_only():
    session = a_master()
    session.receive(report(9999))
    assert drain(session) == []
    assert session.heartbeat() == Piece(9999, b"")


def test_a_later_report_beyond_the_masters_end_is_refused_with_rocketmqs_words():
    session = a_master()
    session.receive(report(2500))
    with pytest.raises(
        Diverged,
        match=r"request offset=2501 greater than local commitLog offset=2500\.",
    ):
        session.receive(report(2501))


def test_a_slave_that_asks_for_a_removed_file_gets_heartbeats_only():
    log = small_log(2500)
    del log.files[0]
    session = MasterSession(log, FILE_BYTES)
    assert session.lacking == 0
    session.receive(report(10))
    assert drain(session) == []
    assert session.heartbeat() == Piece(10, b"")
    assert session.lacking == FILE_BYTES - 10


@given(some.lists(some.integers(-(2**63), 2**63 - 1), min_size=1), some.data())
def test_any_reports_cut_at_any_place_are_taken_or_refused(offsets, data):
    stream = b"".join(map(report, offsets))
    cut = data.draw(some.integers(0, len(stream)))
    session = a_master()
    try:
        for part in (stream[:cut], stream[cut:]):
            session.receive(part)
            drain(session)
    except Diverged:
        return
    assert session.acked == offsets[-1]


# A slave's rules


def test_an_empty_slave_takes_the_log_from_wherever_it_comes():
    session = SlaveSession(0)
    assert session.receive(Piece(2000, b"").to_bytes()) == [Piece(2000, b"")]
    assert session.report() == report(2000)
    assert session.receive(Piece(2000, b"abc").to_bytes()) == [Piece(2000, b"abc")]
    assert session.report() == report(2003)


@pytest.mark.parametrize("data", [b"", b"abc"])
@pytest.mark.parametrize("offset", [0, 999, 1001, 2**62])
def test_a_piece_that_does_not_continue_the_log_is_refused(offset, data):
    session = SlaveSession(1000)
    with pytest.raises(
        Diverged,
        match="master pushed offset not equal the max phy offset in slave, "
        f"SLAVE: 1000 MASTER: {offset}$",
    ):
        session.receive(Piece(offset, data).to_bytes())


def test_a_piece_that_does_not_continue_is_refused_before_its_bytes_come():
    with pytest.raises(Diverged):
        SlaveSession(1000).receive(PIECE.pack(7, 32_768))


@pytest.mark.parametrize("size", [-1, -(2**31), MAX_PIECE_BYTES + 1, 2**31 - 1])
def test_an_impossible_size_is_refused_before_anything_is_kept(size):
    with pytest.raises(
        WireError, match=f"piece of {size} bytes, allowed 0 to {MAX_PIECE_BYTES}"
    ):
        SlaveSession(1000).receive(PIECE.pack(1000, size))


def test_the_largest_piece_is_taken():
    data = bytes(MAX_PIECE_BYTES)
    assert SlaveSession(0).receive(Piece(0, data).to_bytes()) == [Piece(0, data)]


@given(some.lists(some.binary(max_size=40)), some.data())
def test_any_pieces_cut_at_any_place_are_the_same(bodies, data):
    pieces, at = [], 500
    for body in bodies:
        pieces.append(Piece(at, body))
        at += len(body)
    stream = b"".join(one.to_bytes() for one in pieces)
    cut = data.draw(some.integers(0, len(stream)))
    session = SlaveSession(500)
    assert session.receive(stream[:cut]) + session.receive(stream[cut:]) == pieces
    assert session.report() == report(at)


@given(some.binary(max_size=60))
def test_random_bytes_are_pieces_or_refused(data):
    session = SlaveSession(1000)
    try:
        pieces = session.receive(data)
    except (WireError, Diverged):
        return
    assert all(one.offset >= 1000 for one in pieces)


@given(some.lists(some.integers(0, 300), max_size=12), some.integers(1, 400))
def test_a_master_and_a_slave_end_with_the_same_log(growths, batch):
    log = small_log(0)
    master, slave = MasterSession(log, FILE_BYTES), SlaveSession(0)
    master.receive(slave.report())
    copied = bytearray()
    for growth in growths:
        log.end = min(log.end + growth, 3 * FILE_BYTES)
        while piece := master.next_piece(batch):
            for got in slave.receive(piece.to_bytes()):
                assert got.offset == len(copied)
                copied += got.data
            assert master.receive(slave.report())
    assert bytes(copied) == b"".join(log.files.values())[: log.end]
    assert master.acked == log.end
