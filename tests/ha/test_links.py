"""Master and slave over real connections, each against a scripted other end."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager

import pytest

from rmqlab.errors import DiskFull, StoreError
from rmqlab.ha import master as master_module
from rmqlab.ha.master import HaMaster
from rmqlab.ha.session import PIECE, Piece
from rmqlab.ha.slave import HaSlave
from rmqlab.settings import StoreConfig
from tests.ha.streams import STREAMS, Log, Stream, report
from tests.support import HOST, free_port, until

EACH = pytest.mark.parametrize("name", STREAMS)
FILE_BYTES = 1 << 20
CONFIG = StoreConfig(mapped_file_size_commit_log=FILE_BYTES)
LONG_AGO_S = 3600.0
BOUND_S = 30.0
"""A test that waits in vain fails after so long."""


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


async def ended(reader):
    """Return once the other end has closed the connection, whichever way."""
    with contextlib.suppress(ConnectionResetError):
        await reader.read()


# The master's end


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
        tick_after_silence(slave, sent=True)
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


def tick_after_silence(slave, *, heard=False, sent=False):
    """Have a slave's timer fire as if nothing was heard, or sent, for an hour."""
    slave._timer.cancel()
    slave._heard_at -= LONG_AGO_S * heard
    slave._sent_at -= LONG_AGO_S * sent
    slave._tick()


async def test_a_slave_that_gets_nothing_for_long_gets_a_heartbeat():
    async with (
        master_of(log_of(b"abc")) as master,
        connected(master) as (reader, writer),
    ):
        writer.write(report(1))
        assert await piece_from(reader) == Piece(1, b"bc")
        (slave,) = master.slaves
        tick_after_silence(slave)  # too early for one
        tick_after_silence(slave, sent=True)
        assert await piece_from(reader) == Piece(3, b"")
        tick_after_silence(slave)
        writer.write_eof()
        assert await reader.read() == b""


async def test_a_slave_that_says_nothing_for_long_is_cut_off(caplog):
    async with master_of(log_of(b"abc")) as master, connected(master) as (reader, _):
        (slave,) = master.slaves
        tick_after_silence(slave)
        assert master.slaves == [slave]
        tick_after_silence(slave, heard=True)
        await until(lambda: not master.slaves)
        await ended(reader)
    assert f"slave silent, closing peer={slave}" in caplog.text


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


# The slave's end


class CopyOfLog:
    """Where a slave's pieces go."""

    def __init__(self, end=0) -> None:
        self.end, self.pieces = end, []
        self.refusal = None

    def copy(self, offset, data):
        if self.refusal:
            raise self.refusal
        self.pieces.append(Piece(offset, data))
        self.end = offset + len(data)


class ScriptedMaster:
    """Accepts slaves and does only what a test says."""

    def __init__(self) -> None:
        self.links = asyncio.Queue()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.address = f"{HOST}:{self._server.sockets[0].getsockname()[1]}"
        self._writers = []
        return self

    def _accept(self, reader, writer):
        self._writers.append(writer)
        self.links.put_nowait((reader, writer))

    async def __aexit__(self, *error):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()


@asynccontextmanager
async def slave_of(address, copy=None, **settings):
    """Run a slave that follows the master at `address`."""
    slave = HaSlave(copy or CopyOfLog(), StoreConfig(**settings))
    slave.start()
    slave.follow(address)
    try:
        async with asyncio.timeout(BOUND_S):
            yield slave
    finally:
        await slave.stop()


@EACH
async def test_a_golden_master_is_answered_as_the_real_slave_answered(name):
    stream = Stream(name)
    copy = CopyOfLog(stream.reports[0])
    async with ScriptedMaster() as master, slave_of(master.address, copy):
        reader, writer = await master.links.get()
        said = [await reader.readexactly(8)]
        for piece in stream.pieces:
            writer.write(piece.to_bytes())
            if piece.data:
                said.append(await reader.readexactly(8))
    assert copy.pieces == [one for one in stream.pieces if one.data]
    ends = [one.offset + len(one.data) for one in copy.pieces]
    assert said == [report(offset) for offset in [stream.reports[0], *ends]]
    assert set(said) <= {report(offset) for offset in stream.reports}


async def test_a_slave_says_at_once_how_far_it_is():
    async with ScriptedMaster() as master, slave_of(master.address, CopyOfLog(77)):
        reader, _ = await master.links.get()
        assert await reader.readexactly(8) == report(77)


async def test_pieces_that_come_together_are_reported_once():
    copy = CopyOfLog(10)
    async with ScriptedMaster() as master, slave_of(master.address, copy) as slave:
        reader, _ = await master.links.get()
        await slave.connected.wait()
        slave._link.data_received(
            Piece(10, b"ab").to_bytes() + Piece(12, b"cd").to_bytes()
        )
        slave._link.data_received(Piece(14, b"").to_bytes())  # a heartbeat: no report
        await slave.stop()
        assert await reader.read() == report(10) + report(14)
    assert copy.pieces == [Piece(10, b"ab"), Piece(12, b"cd")]


async def test_a_slave_whose_connection_breaks_comes_back_at_once():
    copy = CopyOfLog()
    async with ScriptedMaster() as master, slave_of(master.address, copy) as slave:
        reader, writer = await master.links.get()
        assert await reader.readexactly(8) == report(0)
        writer.write(Piece(0, b"abc").to_bytes() + Piece(3, b"def").to_bytes()[:14])
        assert await reader.readexactly(8) == report(3)
        writer.close()
        reader, writer = await master.links.get()
        assert await reader.readexactly(8) == report(3)  # half a piece is none
        await slave.connected.wait()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            Piece(7, b"abc").to_bytes(),
            "offset not equal the max phy offset in slave, SLAVE: 3 MASTER: 7",
        ),
        (PIECE.pack(3, -1), "piece of -1 bytes, allowed 0 to"),
    ],
)
async def test_a_slave_that_cannot_go_on_says_why_and_does_not_hurry_back(
    caplog, sent, said
):
    async with (
        ScriptedMaster() as master,
        slave_of(master.address, CopyOfLog(3)) as slave,
    ):
        reader, writer = await master.links.get()
        await reader.readexactly(8)
        writer.write(sent)
        await ended(reader)
        await until(lambda: slave._link is None)
        assert f"master={master.address}: " in caplog.text
        assert said in caplog.text
        assert not slave._woken.is_set()  # only its five seconds bring it back
        await slave.step()
        reader, _ = await master.links.get()
        assert await reader.readexactly(8) == report(3)


async def test_a_slave_whose_disk_is_full_goes_on_where_it_was(caplog):
    copy = CopyOfLog(3)
    copy.refusal = DiskFull("No space left on device")
    async with ScriptedMaster() as master, slave_of(master.address, copy) as slave:
        reader, writer = await master.links.get()
        writer.write(Piece(3, b"abc").to_bytes())
        await until(lambda: "No space left on device" in caplog.text)
        await until(lambda: slave._link is None)
        copy.refusal = None
        await slave.step()
        reader, writer = await master.links.get()
        assert await reader.readexactly(8) == report(3)
        writer.write(Piece(3, b"abc").to_bytes())
        assert await reader.readexactly(8) == report(6)


@pytest.mark.parametrize("address", ["", "nonsense", "host:port", f"{HOST}:1"])
async def test_a_master_that_is_not_there_yet_is_tried_again_later(address):
    slave = HaSlave(CopyOfLog(), StoreConfig())
    slave.address = address
    await slave.step()
    assert slave._link is None
    async with ScriptedMaster() as master:
        slave.follow(master.address)
        await slave.step()
        assert slave.connected.is_set()
        await slave.stop()


async def test_a_slave_that_is_connected_stays_so():
    async with ScriptedMaster() as master, slave_of(master.address) as slave:
        await master.links.get()
        await slave.connected.wait()
        link = slave._link
        slave.follow(master.address)
        await slave.step()
        assert slave._link is link
        assert master.links.empty()


async def test_a_slave_whose_master_moves_goes_with_it():
    async with (
        ScriptedMaster() as old,
        ScriptedMaster() as new,
        slave_of(old.address) as slave,
    ):
        reader, _ = await old.links.get()
        await slave.connected.wait()
        slave.follow(new.address)
        await new.links.get()
        await ended(reader)


async def test_a_master_that_moves_while_its_slave_connects_is_not_missed():
    loop = asyncio.get_running_loop()
    connect, asked, may = loop.create_connection, asyncio.Event(), asyncio.Event()

    async def connect_later(*arguments):
        asked.set()
        await may.wait()
        return await connect(*arguments)

    loop.create_connection = connect_later
    async with (
        ScriptedMaster() as old,
        ScriptedMaster() as new,
        slave_of(old.address) as slave,
    ):
        await asked.wait()
        slave.follow(new.address)
        may.set()
        reader, _ = await new.links.get()
        assert await reader.readexactly(8) == report(0)


async def test_an_address_from_the_settings_is_not_overruled():
    async with ScriptedMaster() as wanted:
        other = f"{HOST}:{free_port()}"
        async with slave_of(other, ha_master_address=wanted.address) as slave:
            slave.wake()
            await wanted.links.get()
            assert slave.address == wanted.address


async def test_a_slave_that_hears_nothing_reports_and_then_gives_up(caplog):
    async with ScriptedMaster() as master, slave_of(master.address) as slave:
        reader, _ = await master.links.get()
        await slave.connected.wait()
        link = slave._link
        assert await reader.readexactly(8) == report(0)
        link._said_at -= 6
        link._timer.cancel()
        link._tick()
        assert await reader.readexactly(8) == report(0)
        link._heard_at -= 21
        link._timer.cancel()
        link._tick()
        await master.links.get()  # it is back
    assert f"master silent, closing master={master.address}" in caplog.text


async def test_a_slave_that_stops_closes_its_connection():
    async with ScriptedMaster() as master:
        async with slave_of(master.address) as slave:
            reader, _ = await master.links.get()
            await slave.connected.wait()
        assert not slave.connected.is_set()
        await ended(reader)
        assert master.links.empty()
