"""What SYNC_MASTER and SYNC_FLUSH promise, and what is told when they cannot keep it.

In every case the message is in the log and will be consumed.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab.client import Admin, Producer, SendStatus
from rmqlab.ha.session import REPORT
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import BrokerRole, FlushDiskType
from tests.simulated import disk, now_s
from tests.support import HOST, make_broker, master_and_slave, name_server, until

pytestmark = pytest.mark.simulated

ORDERS = MessageQueue("orders", "broker-a", 0)
COFFEE = Message("orders", b"coffee")


HANGS_S = 60.0
"""How long a disk takes that hangs: longer than anybody waits."""


@asynccontextmanager
async def master(root, **settings):
    """Run a name server and a master; yield the master and a producer."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        broker = make_broker(root, server.address, **settings)
        await stack.enter_async_context(broker)
        producer = Producer("shop", server.address)
        yield broker, await stack.enter_async_context(producer)


@asynccontextmanager
async def stalled_slave(broker):
    """Connect to a master as a slave does, and never say how far it is."""
    port = broker.config.listen_port + 1
    _reader, writer = await asyncio.open_connection(HOST, port)
    await broker.ha_master.has_slave.wait()
    try:
        yield writer
    finally:
        writer.close()
        await writer.wait_closed()


async def stored(broker):
    """Return the bodies in the queue, by the store itself."""
    broker.store.dispatch()
    return broker.store.queues.max_offset("orders", 0)


async def test_an_async_master_without_a_slave_says_send_ok(tmp_path):
    async with master(tmp_path) as (_broker, producer):
        result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SEND_OK


async def test_a_sync_master_with_a_slave_says_send_ok_once_the_slave_has_it(tmp_path):
    async with master_and_slave(tmp_path, BrokerRole.SYNC_MASTER) as nodes:
        server, broker, slave = nodes
        async with Producer("shop", server.address) as producer:
            result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SEND_OK
        assert slave.store.log.end == broker.store.log.end > 0


async def test_a_sync_master_without_a_slave_says_slave_not_available(tmp_path):
    async with master(tmp_path, role=BrokerRole.SYNC_MASTER) as (broker, producer):
        result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SLAVE_NOT_AVAILABLE
        assert await stored(broker) == 1


async def test_a_sync_master_with_a_stalled_slave_says_flush_slave_timeout(tmp_path):
    async with (
        master(tmp_path, role=BrokerRole.SYNC_MASTER) as (broker, producer),
        stalled_slave(broker),
    ):
        began = now_s()
        result = await producer.send(COFFEE, ORDERS, timeout_s=10)
        assert now_s() - began == pytest.approx(3, abs=0.1)
        assert result.status is SendStatus.FLUSH_SLAVE_TIMEOUT
        assert await stored(broker) == 1


async def test_a_slave_that_reports_again_ends_the_waiting(tmp_path):
    settings = {"role": BrokerRole.SYNC_MASTER, "slave_timeout": 30_000}
    async with (
        master(tmp_path, **settings) as (broker, producer),
        stalled_slave(broker) as slave,
    ):
        sending = asyncio.create_task(producer.send(COFFEE, ORDERS, timeout_s=30))
        await until(lambda: broker.store.log.end)
        slave.write(REPORT.pack(broker.store.log.end))
        assert (await sending).status is SendStatus.SEND_OK


async def test_a_slave_that_is_hopelessly_behind_counts_as_not_available(tmp_path):
    settings = {"role": BrokerRole.SYNC_MASTER, "ha_slave_fallbehind_max": 1}
    async with (
        master(tmp_path, **settings) as (broker, producer),
        stalled_slave(broker),
    ):
        result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SLAVE_NOT_AVAILABLE


async def test_a_message_that_need_not_wait_does_not_wait_for_the_slave(tmp_path):
    settings = {"role": BrokerRole.SYNC_MASTER, "slave_timeout": 30_000}
    async with (
        master(tmp_path, **settings) as (broker, producer),
        stalled_slave(broker),
    ):
        message = Message("orders", b"tea", wait_store_ok=False)
        result = await producer.send(message, ORDERS)
        assert result.status is SendStatus.SEND_OK


async def test_a_sync_flush_is_answered_once_the_log_is_on_the_disk(tmp_path):
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    settings["flush_interval_commit_log"] = 3_600_000  # nobody waits for that
    async with master(tmp_path, **settings) as (broker, producer):
        result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SEND_OK
        assert broker.store.log.files.flushed == broker.store.log.end


async def test_a_disk_that_hangs_makes_a_sync_flush_say_flush_disk_timeout(tmp_path):
    disk().flush_s = HANGS_S
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    async with master(tmp_path, **settings) as (broker, producer):
        began = now_s()
        result = await producer.send(COFFEE, ORDERS, timeout_s=10)
        assert now_s() - began == pytest.approx(5, abs=0.1)
        assert result.status is SendStatus.FLUSH_DISK_TIMEOUT
        assert await stored(broker) == 1


async def test_a_disk_that_hangs_does_not_stop_the_broker_from_answering(tmp_path):
    disk().flush_s = HANGS_S
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    async with master(tmp_path, sync_flush_timeout=90_000, **settings) as nodes:
        broker, producer = nodes
        sending = asyncio.create_task(producer.send(COFFEE, ORDERS, timeout_s=90))
        async with Admin(broker.config.namesrv_addr) as admin:
            info = await admin.runtime_info(f"{HOST}:{broker.config.listen_port}")
        assert info["haSlaveCount"] == "0"
        assert not sending.done()
        assert (await sending).status is SendStatus.SEND_OK


async def test_a_disk_that_hangs_is_nothing_to_an_async_flush(tmp_path):
    disk().flush_s = HANGS_S
    async with master(tmp_path) as (broker, producer):
        result = await producer.send(COFFEE, ORDERS)
        assert result.status is SendStatus.SEND_OK
        assert broker.store.log.files.flushed == 0


async def test_of_two_failures_the_slaves_is_told(tmp_path):
    settings = {
        "role": BrokerRole.SYNC_MASTER,
        "flush_disk_type": FlushDiskType.SYNC_FLUSH,
    }
    disk().flush_s = HANGS_S
    async with (
        master(tmp_path, **settings) as (broker, producer),
        stalled_slave(broker),
    ):
        result = await producer.send(COFFEE, ORDERS, timeout_s=10)
        assert result.status is SendStatus.FLUSH_SLAVE_TIMEOUT


async def test_a_broker_that_stops_answers_who_still_waits(tmp_path):
    settings = {"role": BrokerRole.SYNC_MASTER, "slave_timeout": 30_000}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        broker = make_broker(tmp_path, server.address, **settings)
        await broker.start()
        producer = Producer("shop", server.address)
        await stack.enter_async_context(producer)
        await stack.enter_async_context(stalled_slave(broker))
        sending = asyncio.create_task(producer.send(COFFEE, ORDERS, timeout_s=30))
        await until(lambda: len(broker._dispatch.copied))
        await broker.stop()
        assert (await sending).status is SendStatus.FLUSH_SLAVE_TIMEOUT


@pytest.mark.parametrize("role", [BrokerRole.ASYNC_MASTER, BrokerRole.SYNC_MASTER])
async def test_many_sends_at_once_are_all_acknowledged_and_all_stored(tmp_path, role):
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    async with master_and_slave(tmp_path, role, **settings) as (server, _broker, _):
        async with Producer("shop", server.address) as producer:
            await producer.send(COFFEE, ORDERS)
            messages = [Message("orders", b"%d" % number) for number in range(50)]
            sends = (producer.send(one, ORDERS) for one in messages)
            results = await asyncio.gather(*sends)
        assert {one.status for one in results} == {SendStatus.SEND_OK}
        assert sorted(one.queue_offset for one in results) == list(range(1, 51))
