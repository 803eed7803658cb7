"""A slave over real connections, against masters that do what a test says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rmqlab.errors import DiskFull
from rmqlab.ha.session import PIECE, Piece
from rmqlab.ha.slave import HaSlave
from rmqlab.settings import StoreConfig
from tests.ha.streams import BOUND_S, EACH, Stream, ended, report
from tests.simulated import now_s, pass_time
from tests.support import HOST, free_port, until

pytestmark = pytest.mark.simulated


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
    copy.pieces = [one for one in copy.pieces if one.data]
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
        began = now_s()
        writer.close()
        reader, writer = await master.links.get()
        assert now_s() - began < 0.1
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


async def test_an_address_from_the_settings_is_tried_at_once_and_not_overruled():
    async with ScriptedMaster() as wanted:
        other = f"{HOST}:{free_port()}"
        async with slave_of(other, ha_master_address=wanted.address) as slave:
            began = now_s()
            await wanted.links.get()
            assert now_s() - began < 0.1
            assert slave.address == wanted.address


async def test_where_no_master_is_heard_a_slave_does_not_hurry_back(caplog):
    """As at a port for clients: what a slave says is no frame there."""
    async with ScriptedMaster() as port, slave_of(port.address) as slave:
        began = now_s()
        for seconds in (0, 5, 10):
            _, writer = await port.links.get()
            assert now_s() - began == pytest.approx(seconds, abs=0.1)
            writer.close()
        await until(lambda: slave.fault)
        assert caplog.text.count("ended before a master was heard") == 1
        async with ScriptedMaster() as master:
            slave.follow(master.address)
            await master.links.get()
            assert now_s() - began == pytest.approx(10, abs=0.1)


async def test_a_slave_that_hears_nothing_reports_and_then_gives_up(caplog):
    async with ScriptedMaster() as master, slave_of(master.address):
        reader, _ = await master.links.get()
        began = now_s()
        for seconds in (0, 6, 12, 18):
            assert await reader.readexactly(8) == report(0)
            assert now_s() - began == pytest.approx(seconds, abs=0.1)
        await master.links.get()  # it is back
        assert now_s() - began == pytest.approx(25, abs=0.1)
    assert f"master silent, closing master={master.address}" in caplog.text


async def test_a_master_that_speaks_again_in_time_is_followed_on():
    copy = CopyOfLog()
    async with ScriptedMaster() as master, slave_of(master.address, copy) as slave:
        _, writer = await master.links.get()
        await slave.connected.wait()
        link = slave._link
        for offset in (0, 3, 6):
            await pass_time(19)
            writer.write(Piece(offset, b"abc").to_bytes())
        await pass_time(19)
        assert copy.end == 9
        assert slave._link is link


async def test_a_slave_that_stops_closes_its_connection():
    async with ScriptedMaster() as master:
        async with slave_of(master.address) as slave:
            reader, _ = await master.links.get()
            await slave.connected.wait()
        assert not slave.connected.is_set()
        await ended(reader)
        assert master.links.empty()


async def test_a_master_that_is_away_is_missed_in_words_and_once(caplog):
    caplog.set_level("INFO", "rmqlab.ha.slave")
    away = f"{HOST}:{free_port()}"
    async with slave_of(away):
        await pass_time(21)
    lines = [
        one.getMessage() for one in caplog.records if one.name == "rmqlab.ha.slave"
    ]
    assert lines == [f"no master at {away}: nobody listens there"]


async def test_a_master_address_too_short_to_be_one_counts_as_none():
    slave = HaSlave(CopyOfLog(), StoreConfig(ha_master_address="h:1"))
    assert slave.address == ""
    slave.follow("h1:10912")
    assert slave.address == "h1:10912"


async def test_a_name_server_that_knows_no_master_makes_a_slave_forget_none():
    slave = HaSlave(CopyOfLog(), StoreConfig())
    slave.follow("h1:10912")
    slave.follow("")
    assert slave.address == "h1:10912"


async def test_a_slaves_fault_is_known_until_it_goes_on():
    copy = CopyOfLog(3)
    async with ScriptedMaster() as master, slave_of(master.address, copy) as slave:
        _, writer = await master.links.get()
        writer.write(Piece(7, b"").to_bytes())
        await until(lambda: slave.fault)
        assert slave.fault.endswith("SLAVE: 3 MASTER: 7")
        _, writer = await master.links.get()  # five seconds later
        assert slave.fault
        writer.write(Piece(3, b"").to_bytes())
        await until(lambda: not slave.fault)


async def test_an_empty_slave_starts_its_log_where_the_first_heartbeat_says():
    copy = CopyOfLog()
    async with ScriptedMaster() as master, slave_of(master.address, copy):
        reader, writer = await master.links.get()
        assert await reader.readexactly(8) == report(0)
        writer.write(Piece(2000, b"").to_bytes())
        await until(lambda: copy.end == 2000)
        writer.close()
        reader, _ = await master.links.get()
        assert await reader.readexactly(8) == report(2000)
