"""A master over real connections, against slaves that do what a test says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.errors import StoreError
from rmqlab.ha import master as master_module
from rmqlab.ha.master import HaMaster
from rmqlab.ha.session import PIECE, Piece
from rmqlab.settings import StoreConfig
from tests.ha.streams import BOUND_S, EACH, Log, Stream, ended, report
from tests.simulated import now_s, pass_time
from tests.support import HOST, until

pytestmark = pytest.mark.simulated

FILE_BYTES = 1 << 20
CONFIG = StoreConfig(mapped_file_size_commit_log=FILE_BYTES)


def log_of(*files):
    """Return a log of these whole files."""
    log = Log({n * FILE_BYTES: data for n, data in enumerate(files)}, FILE_BYTES)
    log.end = sum(map(len, files))
    return log


@asynccontextmanager
async def master_of(log, config=CONFIG):
    """Run a master; `told` are the offsets up to which a slave has the log."""
    told = []
    master = HaMaster(log, config, told.append)
    master.told = told
    master.port = await master.listen(0)
    try:
        async with asyncio.timeout(BOUND_S):
            yield master
    finally:
        await master.stop()


@asynccontextmanager
async def connected(master):
    """Connect to a master as a slave does; yield reader and writer."""
    count = len(master.slaves)
    reader, writer = await asyncio.open_connection(HOST, master.port)
    await until(lambda: len(master.slaves) > count)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def piece_from(reader):
    """Read one piece."""
    offset, size = PIECE.unpack(await reader.readexactly(PIECE.size))
    return Piece(offset, await reader.readexactly(size))


@EACH
async def test_a_golden_slave_is_sent_what_the_real_master_sent(name):
    stream = Stream(name)
    wanted = [one for one in stream.pieces if one.data]
    log = stream.master_log()
    log.end = stream.known_end
    config = StoreConfig(mapped_file_size_commit_log=stream.file_size)
    async with (
        master_of(log, config) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(stream.to_master[:8])
        for piece in wanted:
            if log.end < piece.offset + len(piece.data):
                log.end = piece.offset + len(piece.data)
                master.grew()
            assert await piece_from(reader) == piece
        writer.write(stream.to_master[8:])
        await until(lambda: master.acked == stream.reports[-1])
        assert master.told[-1] == stream.reports[-1]


async def test_a_master_says_nothing_before_its_slave_does():
    async with master_of(log_of(b"abc")) as master, connected(master) as (reader, _):
        master.grew()
        (slave,) = master.slaves
        await pass_time(15)
        assert slave.acked == -1
    assert await reader.read() == b""


async def test_what_the_log_grows_by_is_sent_at_once():
    log = log_of(b"abcdef")
    log.end = 3
    async with master_of(log) as master, connected(master) as (reader, writer):
        writer.write(report(1))
        assert await piece_from(reader) == Piece(1, b"bc")
        log.end = 6
        master.grew()
        master.grew()
        assert await piece_from(reader) == Piece(3, b"def")


async def test_every_slave_has_its_own_place_and_the_fastest_counts():
    async with (
        master_of(log_of(b"abcdef")) as master,
        connected(master) as (_, first),
        connected(master) as (reader, second),
    ):
        second.write(report(4))
        assert await piece_from(reader) == Piece(4, b"ef")
        first.write(report(2))
        await until(lambda: [one.acked for one in master.slaves] == [2, 4])
        assert (master.acked, master.told) == (4, [4])
        first.write(report(6))
        await until(lambda: master.acked == 6)
        assert master.told == [4, 6]


async def test_how_far_slaves_were_is_remembered_when_they_are_gone():
    async with master_of(log_of(b"abc")) as master:
        async with connected(master) as (_, writer):
            writer.write(report(3))
            await until(lambda: master.acked == 3)
            assert master.is_reachable(3)
        await until(lambda: not master.slaves)
        assert not master.has_slave.is_set()
        assert not master.is_reachable(3)
        assert master.acked == 3
        async with connected(master) as (_, writer):
            assert master.has_slave.is_set()
            writer.write(report(1))
            await until(lambda: master.slaves[0].acked == 1)
            assert master.acked == 3


async def test_a_slave_too_far_behind_does_not_count_as_reachable():
    config = StoreConfig(ha_slave_fallbehind_max=100)
    async with master_of(log_of(b"abc"), config) as master, connected(master):
        assert master.is_reachable(99)
        assert not master.is_reachable(100)


async def test_a_slave_that_reports_more_than_there_is_is_cut_off(caplog):
    async with (
        master_of(log_of(b"abc")) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(report(3))
        await until(lambda: master.acked == 3)
        writer.write(report(4))
        await until(lambda: not master.slaves)
        await ended(reader)
    assert "request offset=4 greater than local commitLog offset=3." in caplog.text


async def test_a_slave_that_gets_nothing_for_long_gets_a_heartbeat():
    async with (
        master_of(log_of(b"abc")) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(report(1))
        assert await piece_from(reader) == Piece(1, b"bc")
        began = now_s()
        assert await piece_from(reader) == Piece(3, b"")
        assert 5 < now_s() - began < 6.1
        assert await piece_from(reader) == Piece(3, b"")
        assert 10 < now_s() - began < 12.1


async def test_a_slave_that_says_nothing_for_long_is_cut_off(caplog):
    async with master_of(log_of(b"abc")) as master, connected(master) as (reader, _):
        (slave,) = master.slaves
        await pass_time(20)
        assert master.slaves == [slave]
        await pass_time(1.1)
        assert master.slaves == []
        await ended(reader)
    assert f"slave silent, closing peer={slave}" in caplog.text


async def test_a_slave_that_speaks_again_in_time_stays():
    async with master_of(log_of(b"abc")) as master, connected(master) as (_, writer):
        (slave,) = master.slaves
        for _ in range(3):
            await pass_time(19)
            writer.write(report(3))
        await pass_time(1)
        assert master.acked == 3
        assert master.slaves == [slave]


async def test_a_slave_slower_than_its_master_costs_no_memory():
    files = [bytes([n]) * FILE_BYTES for n in range(12)]
    async with (
        master_of(log_of(*files)) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(report(1))
        (slave,) = master.slaves
        await until(lambda: slave._is_full)
        waiting = slave._transport.get_write_buffer_size()
        assert waiting < master_module.WRITE_BUFFER_BYTES + 2 * 32_768
        got = bytearray(files[0][:1])
        while len(got) < 12 * FILE_BYTES:
            piece = await piece_from(reader)
            assert piece.offset == len(got)
            got += piece.data
        assert got == b"".join(files)


async def test_a_log_that_cannot_be_read_costs_the_connection_only(caplog):
    class BrokenLog(Log):
        def read(self, offset, size):
            raise StoreError("cannot read the disk")

    log = BrokenLog({}, FILE_BYTES)
    log.end = 100
    async with master_of(log) as master, connected(master) as (reader, writer):
        writer.write(report(1))
        await ended(reader)
        await until(lambda: not master.slaves)
        async with connected(master):
            assert len(master.slaves) == 1
    assert "cannot read the disk" in caplog.text


async def test_a_master_that_stops_cuts_its_slaves_off_and_listens_no_more():
    async with master_of(log_of(b"abc")) as master, connected(master) as (reader, _):
        await master.stop()
        assert master.slaves == []
        await ended(reader)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, master.port)


async def test_a_taken_port_is_an_error_of_the_master():
    async with master_of(log_of(b"")) as master:
        other = HaMaster(log_of(b""), CONFIG, print)
        with pytest.raises(OSError, match="in use"):
            await other.listen(master.port)
        await other.stop()


async def test_a_slave_that_needs_what_was_removed_is_told_of_once(caplog):
    log = log_of(b"a" * FILE_BYTES, b"bc")
    del log.files[0]
    async with (
        master_of(log) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(report(FILE_BYTES - 7))
        assert await piece_from(reader) == Piece(FILE_BYTES - 7, b"")  # and no more
        writer.write(report(FILE_BYTES - 7))
        await until(lambda: master.stuck == master.slaves)
        said = f"it needs 7 bytes more than are left, the log starts at {FILE_BYTES=}"
        assert caplog.text.count(said.replace("FILE_BYTES", "offset")) == 1


async def test_a_slave_that_has_all_or_is_fed_is_not_stuck():
    async with (
        master_of(log_of(b"abc")) as master,
        connected(master) as (reader, writer),
    ):
        assert master.stuck == []  # it has said nothing yet
        writer.write(report(1))
        assert await piece_from(reader) == Piece(1, b"bc")
        assert master.stuck == []
