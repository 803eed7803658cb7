"""Our sessions against what a real master and a real slave said to each other."""

from __future__ import annotations

import pytest

from rmqlab.ha.session import PIECE, Diverged, MasterSession, SlaveSession
from tests.ha.streams import EACH, Stream, drain, sha256
from tests.store.shelf import log_files, opened
from tests.support import golden_archive


def chunks(data, size):
    return (data[at : at + size] for at in range(0, len(data), size))


def changes(values):
    """Return the values without immediate repetitions."""
    return [b for a, b in zip([None, *values], values, strict=False) if a != b]


@EACH
def test_a_golden_stream_is_read_as_the_pieces_that_it_is(name):
    stream = Stream(name)
    pieces = SlaveSession(stream.reports[0]).receive(stream.to_slave)
    found = [(one.offset, len(one.data), sha256(one.data)) for one in pieces]
    assert found == [
        (one["physicalOffset"], one["size"], one["bodySha256"])
        for one in stream.transfers
    ]


@EACH
def test_a_golden_piece_read_and_written_again_is_the_same_bytes(name):
    stream = Stream(name)
    pieces = SlaveSession(stream.reports[0]).receive(stream.to_slave)
    assert b"".join(one.to_bytes() for one in pieces) == stream.to_slave


@EACH
def test_golden_reports_are_read_as_what_the_slave_said(name):
    stream = Stream(name)
    log = stream.master_log()
    log.end = 1 << 40
    session = MasterSession(log, stream.file_size)
    said = []
    for chunk in chunks(stream.to_master, 8):
        assert session.receive(chunk)
        said.append(session.acked)
    assert said == stream.reports


@EACH
def test_our_master_sends_what_the_real_one_sent(name):
    """Piece by piece and byte by byte; heartbeats come by the clock, not by the log."""
    stream = Stream(name)
    wanted = [one for one in stream.pieces if one.data]
    log = stream.master_log()
    log.end = stream.known_end
    session = MasterSession(log, stream.file_size)
    session.receive(stream.to_master[:8])
    sent = drain(session)
    assert len(sent) > 5
    for piece in wanted[len(sent) :]:  # what came while they were connected
        log.end = piece.offset + len(piece.data)
        sent += drain(session)
    assert sent == wanted
    assert session.receive(stream.to_master[8:])
    assert session.acked == stream.reports[-1] == log.end
    assert session.heartbeat().to_bytes() == stream.to_slave[-PIECE.size :]


@EACH
def test_our_slave_reports_what_the_real_one_reported(name):
    stream = Stream(name)
    session = SlaveSession(stream.reports[0])
    said = [session.report()]
    for piece in stream.pieces:
        session.receive(piece.to_bytes())
        said.append(session.report())
    assert changes(said) == changes(list(chunks(stream.to_master, 8)))


@EACH
@pytest.mark.parametrize("size", [1, 11, 12, 13, 32_780, 1 << 20])
def test_a_golden_stream_is_the_same_pieces_however_it_is_cut(name, size):
    stream = Stream(name)
    session = SlaveSession(stream.reports[0])
    found = [
        one for part in chunks(stream.to_slave, size) for one in session.receive(part)
    ]
    assert found == stream.pieces


@EACH
def test_our_slave_writes_the_log_that_the_real_one_wrote(name, tmp_path):
    """`slaveFiles` counts one more: RocketMQ makes the next file ahead of its time."""
    stream = Stream(name)
    assert stream.facts["slaveEqualsMasterInSharedFiles"]
    settings = {"mapped_file_size_commit_log": stream.file_size}
    with opened(tmp_path, **settings) as store:
        if stream.reports[0]:
            _fill(store, stream)
        session = SlaveSession(store.log.end)
        for part in chunks(stream.to_slave, 5000):
            for piece in session.receive(part):
                if piece.data:
                    store.copy(piece.offset, piece.data)
            while store.dispatch():
                pass
        assert store.log.end == store.dispatched == stream.reports[-1]
    made = [path.name for path in log_files(tmp_path)]
    assert made == stream.facts["slaveFiles"][: len(made)]
    for path in log_files(tmp_path):
        start = int(path.name)
        used = min(stream.reports[-1] - start, stream.file_size)
        folder = f"ha-{stream.facts['version']}-master/commitlog"
        theirs = golden_archive("ha")[f"{folder}/{path.name}"]
        assert path.read_bytes() == theirs[:used].ljust(stream.file_size, b"\0")


def _fill(store, stream):
    """Give a store what the slave had before it was away: not the first file."""
    log = stream.master_log()
    log.end = stream.reports[0]
    at = stream.file_size
    while data := log.read(at, stream.file_size):
        store.copy(at, data)
        at += len(data)


@EACH
@pytest.mark.parametrize("by", [-1, 1])
def test_a_golden_stream_is_refused_by_a_slave_whose_log_ends_elsewhere(name, by):
    stream = Stream(name)
    at = stream.transfers[0]["physicalOffset"]
    session = SlaveSession(at + by)
    with pytest.raises(Diverged, match=f"SLAVE: {at + by} MASTER: {at}$"):
        session.receive(stream.to_slave)
    assert session.report() == (at + by).to_bytes(8)


@EACH
def test_golden_reports_are_refused_by_a_master_that_lost_its_end(name):
    """It came back without what it had sent; its slave has that."""
    stream = Stream(name)
    log = stream.master_log()
    log.end = stream.reports[-1] - 1
    session = MasterSession(log, stream.file_size)
    for chunk in chunks(stream.to_master, 8):
        if int.from_bytes(chunk) <= log.end:
            assert session.receive(chunk)
    with pytest.raises(Diverged, match=f"local commitLog offset={log.end}"):
        session.receive(stream.to_master[-8:])
    assert session.acked <= log.end
