"""What masters and slaves that came apart say, promise and copy."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab.broker.measure import measure
from rmqlab.client import Producer, SendStatus
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import BrokerRole, FlushDiskType
from tests.simulated import now_s, pass_time
from tests.support import AS_GIVEN, make_broker, master_and_slave, name_server, until

pytestmark = pytest.mark.simulated

ORDERS = MessageQueue("orders", "broker-a", 0)
SLAVE, SYNC = BrokerRole.SLAVE, BrokerRole.SYNC_MASTER
FILE_BYTES = 1 << 20


def measured(broker):
    """Return what a broker says of itself."""
    parts = broker.memory, broker.store, broker.ha_master, broker.ha_slave
    return measure(*parts, 0, broker.clock.now_ms())


def log_of(broker, start=0):
    """Return the bytes of a broker's log."""
    files, end = range(start, broker.store.log.end, FILE_BYTES), broker.store.log.end
    return b"".join(
        broker.store.log.read(at, min(FILE_BYTES, end - at)) for at in files
    )


async def send(server, *bodies, **message):
    """Send to broker-a and return the statuses."""
    async with Producer("shop", server.address, AS_GIVEN) as producer:
        return [
            (await producer.send(Message("orders", one, **message), ORDERS)).status
            for one in bodies
        ]


@asynccontextmanager
async def brokers(root, *wanted):
    """Run a name server and these brokers, each (role, id, settings)."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        found = [
            await stack.enter_async_context(
                make_broker(root, server.address, role=role, broker_id=number, **more)
            )
            for role, number, more in wanted
        ]
        await until(lambda: len(found[0].ha_master.slaves) == len(found) - 1)
        yield server, *found


async def test_any_of_several_slaves_is_enough_for_a_sync_master(tmp_path):
    wanted = (SYNC, 0, {}), (SLAVE, 1, {}), (SLAVE, 2, {})
    async with brokers(tmp_path, *wanted) as (server, master, one, two):
        assert await send(server, b"a") == [SendStatus.SEND_OK]
        await until(lambda: log_of(one) == log_of(two) == log_of(master))
        await one.ha_slave.stop()
        await until(lambda: len(master.ha_master.slaves) == 1)
        assert await send(server, b"b") == [SendStatus.SEND_OK]
        assert log_of(two) == log_of(master) != log_of(one)
        one.ha_slave.start()
        one.ha_slave.wake()
        await until(lambda: log_of(one) == log_of(master))


async def test_an_empty_slave_gets_the_masters_last_file_and_what_follows(tmp_path):
    async with brokers(tmp_path, (BrokerRole.ASYNC_MASTER, 0, {})) as (server, master):
        await send(server, *[b"x" * 400_000] * 6)
        start = master.store.log.end - master.store.log.end % FILE_BYTES
        assert start == 2 * FILE_BYTES
        async with make_broker(tmp_path, server.address, role=SLAVE) as slave:
            await until(lambda: slave.store.log.end == master.store.log.end)
            await send(server, *[b"y" * 400_000] * 3)
            await until(lambda: slave.store.log.end == master.store.log.end)
            assert slave.store.log.start == start
            assert log_of(slave, start) == log_of(master, start)


async def test_a_slave_whose_log_started_with_a_heartbeat_finds_it_again(tmp_path):
    async with name_server() as server:
        slave = make_broker(tmp_path, server.address, role=SLAVE)
        async with slave:
            slave.store.copy(2 * FILE_BYTES, b"")
            assert slave.store.log.end == 2 * FILE_BYTES
        again = make_broker(tmp_path, server.address, role=SLAVE)
        async with again:
            assert again.store.log.end == again.store.dispatched == 2 * FILE_BYTES


async def test_a_slave_ahead_of_its_master_is_cut_off_again_and_again(tmp_path, caplog):
    """The master lost its tail; RocketMQ leaves what to do to an operator."""
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        await until(lambda: slave.store.log.end == master.store.log.end)
        slave.store.copy(slave.store.log.end, b"the master does not have this")
        ends = slave.store.log.end, master.store.log.end
        master.ha_master.slaves[0].abort()
        await pass_time(30)
        said = f"offset={ends[0]} greater than local commitLog offset={ends[1]}."
        assert caplog.text.count(said) >= 4
        assert (slave.store.log.end, master.store.log.end) == ends


async def test_a_slave_ahead_makes_a_sync_master_promise_what_it_cannot_keep(tmp_path):
    """As in 4.9.7: how far the fastest slave ever was is all that a master asks."""
    async with master_and_slave(tmp_path, SYNC) as (server, master, slave):
        await send(server, b"a")
        slave.store.copy(slave.store.log.end, b"?" * 10_000)
        master.ha_master.slaves[0].abort()
        await until(lambda: master.ha_master.acked == slave.store.log.end)
        assert await send(server, b"b") == [SendStatus.SEND_OK]
        assert slave.store.log.end > master.store.log.end
        assert log_of(slave).endswith(b"?" * 10_000)


async def test_a_diverged_slave_says_so_and_writes_nothing(tmp_path, caplog):
    """Another master than it had, whose last file starts elsewhere."""
    async with brokers(tmp_path, (BrokerRole.ASYNC_MASTER, 0, {})) as (server, master):
        await send(server, b"a")
        slave = make_broker(tmp_path, server.address, role=SLAVE)
        async with slave:
            await until(lambda: slave.store.log.end == master.store.log.end)
            end = slave.store.log.end
            slave.ha_slave._link.data_received((end + 9).to_bytes(8) + bytes(4))
            said = (
                f"not equal the max phy offset in slave, SLAVE: {end} MASTER: {end + 9}"
            )
            await until(lambda: measured(slave)["haFault"])
            assert said in measured(slave)["haFault"]
            assert said in caplog.text
            assert slave.store.log.end == end
            await slave.ha_slave.step()
            await send(server, b"b")
            await until(lambda: log_of(slave) == log_of(master))
            assert measured(slave)["haFault"] == ""


async def test_a_slave_that_was_away_too_long_is_counted(tmp_path):
    async with brokers(tmp_path, (BrokerRole.ASYNC_MASTER, 0, {})) as (server, master):
        await send(server, b"a")
        slave = make_broker(tmp_path, server.address, role=SLAVE)
        async with slave:
            await until(lambda: slave.store.log.end == master.store.log.end)
            end = slave.store.log.end
        await send(server, *[b"x" * 400_000] * 6)
        master.store.log.files.drop_first()
        again = make_broker(tmp_path, server.address, role=SLAVE)
        async with again:
            await until(lambda: measured(master)["haSlaveStuckCount"] == "1")
            await pass_time(60)  # nobody cuts it off, nothing comes
            assert measured(master)["haSlaveCount"] == "1"
            assert again.store.log.end == end


@pytest.mark.parametrize("kind", [FlushDiskType.SYNC_FLUSH, FlushDiskType.ASYNC_FLUSH])
async def test_only_a_sync_flush_takes_care_of_what_nobody_waits_for(tmp_path, kind):
    settings = {"flush_disk_type": kind, "flush_interval_commit_log": 3_600_000}
    wanted = (BrokerRole.ASYNC_MASTER, 0, settings), (SLAVE, 1, settings)
    async with brokers(tmp_path, *wanted) as (server, master, slave):
        await send(server, b"a", wait_store_ok=False)
        await until(lambda: slave.store.log.end == master.store.log.end)
        await pass_time(1)
        is_sync = kind is FlushDiskType.SYNC_FLUSH
        for one in (master, slave):
            assert (one.store.log.files.flushed == one.store.log.end) is is_sync


async def test_a_labs_setting_brings_the_masters_tables_sooner(tmp_path):
    settings = {"lab_slave_sync_millis": 200}
    async with brokers(tmp_path, (SYNC, 0, {}), (SLAVE, 1, settings)) as nodes:
        server, master, slave = nodes
        await send(server, b"a")
        began = now_s()
        await until(lambda: slave.memory.topics.get("orders"))
        assert now_s() - began < 0.5
        master.memory.offsets.commit("kitchen", "orders", 0, 1)
        await until(lambda: slave.memory.offsets.get("kitchen", "orders", 0) == 1)
        assert now_s() - began < 1


async def test_rocketmqs_interval_is_three_seconds_and_then_ten(tmp_path):
    async with brokers(tmp_path, (SYNC, 0, {}), (SLAVE, 1, {})) as nodes:
        _, master, slave = nodes
        began = now_s()
        for offset, at in ((1, 3), (2, 13), (3, 23)):
            master.memory.offsets.commit("kitchen", "orders", 0, offset)
            got = slave.memory.offsets
            await until(lambda: got.get("kitchen", "orders", 0) == offset)  # noqa: B023
            assert now_s() - began == pytest.approx(at, abs=0.5)


async def test_nobody_is_asked_for_tables_while_no_master_is_known(tmp_path, caplog):
    async with master_and_slave(tmp_path, SYNC) as (_, master, slave):
        await master.stop()
        await slave.registrations[0].step()
        caplog.clear()
        await pass_time(35)
        assert "not copied" not in caplog.text
        await master.start()
        await slave.registrations[0].step()
        assert slave.slave_sync.master
        await asyncio.wait_for(slave.ha_slave.connected.wait(), 10)
