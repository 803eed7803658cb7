"""Old files go by themselves, and a full disk refuses sends until it has room again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from rmqlab.broker.services.cleaning import Cleaning
from rmqlab.client import Admin, Producer, SendStatus
from rmqlab.client.push import PushConsumer
from rmqlab.client.sent import SendError
from rmqlab.clock import ManualClock
from rmqlab.errors import ConfigError, StoreError
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import BrokerRole, FlushDiskType
from tests.simulated import disk, here, now_s, pass_time
from tests.store.shelf import bodies, make_store, record
from tests.support import (
    AS_GIVEN,
    address,
    make_broker,
    master_and_slave,
    name_server,
    quick_client,
    until,
)

pytestmark = pytest.mark.simulated

HOUR_MS = 3_600_000
ORDERS = MessageQueue("orders", "broker-a", 0)
SMALL = {"mapped_file_size_commit_log": 40_000, "mapped_file_size_consume_queue": 400}
IN_A_FILE = 3


class Rig:
    """A store and its cleaning, whose steps are taken by hand."""

    def __init__(self, **settings) -> None:
        self.clock = ManualClock(0)
        self.store = make_store("/data", here().disk, **SMALL | settings)
        self.store.open()
        self.service = Cleaning(self.store, self.clock)

    def put(self, files=1):
        """Put messages that fill so many files of the log, and begin another."""
        for _ in range(files * IN_A_FILE + 1):
            now_ms = self.clock.now_ms()
            assert self.store.put(record(b"x" * 11_000, store_timestamp=now_ms)).record
            self.store.dispatch()

    def use(self, ratio):
        """Have the disk so full."""
        disk().capacity_bytes = disk().used_bytes / ratio

    @property
    def files(self):
        return len(self.store.log.files.file_starts)

    async def round(self):
        """Take steps until a round is over; return the pauses between them."""
        pauses = []
        while True:
            await self.service.step()
            if self.service.interval_s == 10:
                return pauses
            pauses.append(self.service.interval_s)


@asynccontextmanager
async def rigged(**settings):
    rig = Rig(**settings)
    yield rig
    await rig.store.close()


# Which files go, and when


async def test_at_the_hour_old_files_go_and_never_the_last():
    async with rigged(file_reserved_time=2) as rig:
        rig.put(2)
        rig.clock.advance(4 * HOUR_MS - 1)
        await rig.round()
        assert rig.files == 3
        rig.clock.advance(1)
        assert await rig.round() == [0.1, 0.1]
        assert rig.files == 1
        rig.clock.advance(24 * HOUR_MS)
        assert await rig.round() == []
        assert bodies(rig.store, offset=6) == [b"x" * 11_000]


async def test_what_is_younger_than_fileReservedTime_stays():  # noqa: N802
    async with rigged(file_reserved_time=2, delete_when="02;04") as rig:
        rig.put(2)
        rig.clock.advance(HOUR_MS)
        rig.put(2)
        rig.clock.advance(HOUR_MS)
        await rig.round()
        assert rig.store.log.start == 2 * 40_000
        rig.clock.advance(2 * HOUR_MS)
        await rig.round()
        assert rig.files == 1


async def test_a_round_takes_ten_files_at_most():
    async with rigged(file_reserved_time=0, delete_when="00") as rig:
        rig.put(13)
        assert (await rig.round())[:10] == [0.1] * 10
        assert rig.store.log.start == 10 * 40_000
        await rig.round()
        assert rig.files == 1


async def test_files_of_queues_go_after_those_of_the_log():
    settings = {
        "file_reserved_time": 0,
        "delete_when": "00",
        "delete_commit_log_files_interval": 1000,
        "delete_consume_queue_files_interval": 2000,
    }
    async with rigged(**settings) as rig:
        rig.put(8)
        assert rig.store.queues.find("orders", 0).files.start == 0
        assert await rig.round() == [1.0] * 8 + [2.0]
        assert rig.store.queues.find("orders", 0).files.start == 400


async def test_files_of_the_index_go_last():
    settings = {"file_reserved_time": 0, "delete_when": "00", "max_index_num": 3}
    async with rigged(**settings) as rig:
        for n in range(8):
            keys = b"KEYS\x01k%d\x02" % n
            one = record(b"x" * 11_000, properties=keys, store_timestamp=0)
            assert rig.store.put(one).record
            rig.store.dispatch()
        assert len(rig.store.index._files) == 4
        await rig.round()
        assert rig.store.log.start == 2 * 40_000
        assert len(rig.store.index._files) == 1
        assert rig.store.reading.by_key("orders", "k7", 9, 0, 1 << 62)


async def test_what_a_crash_left_of_queues_goes_in_the_first_round():
    async with rigged() as rig:
        rig.put(8)
        for _ in range(8):
            rig.store.drop_oldest_log_file()
        assert await rig.round() == [0.1]
        assert rig.store.queues.find("orders", 0).files.start == 400


@pytest.mark.parametrize(("ratio", "left"), [(0.74, 3), (0.80, 2)])
async def test_a_disk_that_fills_up_makes_old_files_go_at_any_hour(ratio, left):
    async with rigged(file_reserved_time=2) as rig:
        rig.put(1)
        rig.clock.advance(HOUR_MS)
        rig.put(1)
        rig.clock.advance(HOUR_MS)
        rig.use(ratio)
        await rig.round()
        assert rig.files == left


@pytest.mark.parametrize(("forcibly", "left"), [(True, 7), (False, 8)])
async def test_a_disk_that_is_nearly_full_makes_young_files_go_until_it_is_not(
    forcibly, left
):
    async with rigged(clean_file_forcibly_enable=forcibly) as rig:
        rig.put(7)
        rig.use(0.89)
        await rig.round()
        assert rig.files == left
        assert not rig.store.is_disk_full


async def test_a_file_that_cannot_be_removed_is_tried_again_later():
    async with rigged(file_reserved_time=0, delete_when="00") as rig:
        rig.put(1)
        disk().fail("remove", 1)
        with pytest.raises(StoreError, match="cannot remove"):
            await rig.round()
        rig.clock.advance(120_000 - 1)
        rig.use(0.95)
        await rig.round()
        assert (rig.files, rig.store.is_disk_full) == (2, True)  # it does look
        rig.clock.advance(1)
        await rig.round()
        assert rig.files == 1


async def test_a_disk_that_cannot_be_asked_is_taken_for_roomy(monkeypatch):
    def fail(path):
        raise StoreError("no")

    async with rigged() as rig:
        rig.put(1)
        monkeypatch.setattr(rig.store._disk, "used_ratio", fail)
        await rig.round()
        assert str(rig.store.disk_use()) == "CL: -1.00 CQ: -1.00 INDEX: -1.00"
        assert (rig.files, rig.store.is_disk_full) == (2, False)


def test_hours_that_are_none_keep_a_broker_from_starting():
    with pytest.raises(ConfigError, match="deleteWhen=4h cannot be used"):
        Cleaning(make_store("/data", here(), delete_when="4h"), ManualClock())


# A full disk


@asynccontextmanager
async def master(tmp_path, **settings):
    """Run a name server and a master; yield master, producer and admin."""
    async with name_server() as server:
        broker = make_broker(tmp_path, server.address, **SMALL | settings)
        async with (
            broker,
            Producer("shop", server.address, AS_GIVEN) as producer,
            Admin(server.address) as admin,
        ):
            yield broker, producer, admin


async def send(producer, body=b"coffee"):
    return (await producer.send(Message("orders", body), ORDERS)).status


async def read(admin, start=0):
    return [one.body async for one in admin.messages(ORDERS, start=start)]


async def test_a_full_disk_refuses_sends_serves_pulls_and_takes_sends_again(
    tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    async with master(tmp_path) as (_broker, producer, admin):
        assert await send(producer, b"before") is SendStatus.SEND_OK
        await pass_time(65)
        disk().capacity_bytes = disk().used_bytes / 0.92
        await pass_time(10)
        used = disk().used_ratio
        for _ in range(3):
            with pytest.raises(SendError) as error:
                await send(producer)
        assert (
            "CODE: 14  DESC: service not available now. It may be caused by one of the "
            f"following reasons: the broker's disk is full [CL: {used:5.2f} "
            f"CQ: {used:5.2f} INDEX: {used:5.2f}], messages are put to the slave, "
            "message store has been shut down, etc.  BROKER: "
        ) in str(error.value)
        await pass_time(60)
        assert await read(admin) == [b"before"]
        disk().capacity_bytes *= 2
        await pass_time(10)
        assert await send(producer, b"after") is SendStatus.SEND_OK
        assert await read(admin) == [b"before", b"after"]
    said = [one.message for one in caplog.records if "disk" in one.message]
    assert [one.partition(" used=")[0] for one in said] == [
        "disk full, sends are refused",
        "disk has room again",
    ]


async def test_a_disk_that_fills_up_makes_room_by_itself(tmp_path):
    async with master(tmp_path) as (broker, producer, admin):
        for _ in range(30):
            await send(producer, b"x" * 11_000)
        disk().capacity_bytes = disk().used_bytes / 0.95
        await pass_time(75)
        assert await send(producer, b"after") is SendStatus.SEND_OK
        first = broker.store.queues.min_offset("orders", 0)
        assert first > 0
        assert (await read(admin))[-1] == b"after"
        assert len(await read(admin)) == 31 - first


@pytest.mark.parametrize("kind", list(FlushDiskType))
async def test_a_disk_without_any_room_is_told_and_nothing_is_lost(tmp_path, kind):
    async with master(tmp_path, flush_disk_type=kind) as (_broker, producer, admin):
        sent = [b"%d" % n * 5000 for n in range(3)]
        for body in sent:
            await send(producer, body)
        disk().capacity_bytes = disk().used_bytes
        for _ in range(3):
            with pytest.raises(SendError, match=r"CODE: 14 .*No space left on device"):
                await send(producer, b"y" * 9000)
        disk().capacity_bytes *= 2
        assert await send(producer, b"after") is SendStatus.SEND_OK
        assert await read(admin) == [*sent, b"after"]


async def test_a_disk_that_fails_is_told_and_nothing_is_lost(tmp_path):
    async with master(tmp_path) as (_broker, producer, admin):
        await send(producer, b"before")
        disk().fail("write")
        why = "CODE: 1  DESC: the message is not stored: cannot write"
        with pytest.raises(SendError, match=why):
            await send(producer)
        disk().fail("write", 0)
        assert await send(producer, b"after") is SendStatus.SEND_OK
        assert await read(admin) == [b"before", b"after"]


async def test_a_send_is_answered_once_a_flush_after_failed_ones_kept_it(tmp_path):
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    async with master(tmp_path, **settings) as (broker, producer, _admin):
        await send(producer, b"before")
        disk().fail("flush", 2)
        assert await send(producer) is SendStatus.SEND_OK
        assert broker.store.log.files.flushed == broker.store.log.end


async def test_sends_do_not_hurry_a_disk_whose_flush_failed(tmp_path, monkeypatch):
    settings = {"flush_disk_type": FlushDiskType.SYNC_FLUSH}
    async with master(tmp_path, **settings) as (broker, producer, _admin):
        await send(producer, b"before")
        flush, tries = broker.store.flush_log, []

        async def count():
            tries.append(now_s())
            return await flush()

        monkeypatch.setattr(broker.store, "flush_log", count)
        disk().fail("flush", 3)
        sends = [asyncio.create_task(send(producer)) for _ in range(9)]
        for _ in range(20):
            await pass_time(0.05)
            sends.append(asyncio.create_task(send(producer)))
        assert set(await asyncio.gather(*sends)) == {SendStatus.SEND_OK}
        pauses = [after - before for before, after in pairwise(tries[:4])]
        assert min(pauses) >= 0.5


async def test_a_disk_that_fails_for_long_is_said_once_and_everything_is_done_later(
    tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    async with master(tmp_path) as (broker, producer, admin):
        await send(producer, b"before")
        broker.store.put(record(b"sleeps"))
        disk().fail("write")
        disk().fail("flush")
        broker.memory.offsets.commit("kitchen", "orders", 0, 1)
        await pass_time(600)
        said = [one.message for one in caplog.records if one.levelno > logging.INFO]
        assert len(said) < 8, said
        assert not any(one.exc_info for one in caplog.records)
        disk().fail("write", 0)
        disk().fail("flush", 0)
        await pass_time(70)
        assert await read(admin) == [b"before", b"sleeps"]
        assert broker.store.log.files.flushed == broker.store.log.end
        assert broker.store.checkpoint.queues_ms > 0
        folder = broker.store.paths.config("consumerOffset.json")
        assert "orders@kitchen" in here().disk.read_text(folder)


# Others who read what was removed


async def test_a_consumer_that_was_away_goes_on_at_what_is_left(tmp_path):
    settings = {"file_reserved_time": 0, "delete_when": "00"}
    async with master(tmp_path, **settings) as (broker, producer, _admin):
        for n in range(12):
            await send(producer, b"%02d" % n * 5500)
        broker.memory.offsets.commit("kitchen", "orders", 0, 1)
        await pass_time(65)
        low = broker.store.queues.min_offset("orders", 0)
        assert low > 1
        got = []
        consumer = PushConsumer(
            "kitchen",
            broker.config.namesrv_addr,
            lambda one: got.append(one.queue_offset),
            quick_client(),
        )
        async with consumer:
            await consumer.subscribe("orders")
            await until(lambda: len(got) == 12 - low)
        assert sorted(got) == list(range(low, 12))


async def test_a_slave_that_needs_what_was_removed_gets_nothing_and_breaks_nothing(
    tmp_path, caplog
):
    settings = SMALL | {"file_reserved_time": 0, "delete_when": "00"}
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER, **settings) as nodes:
        server, broker, slave = nodes
        async with Producer("shop", server.address, AS_GIVEN) as producer:
            await send(producer, b"first")
            await until(lambda: slave.store.log.end == broker.store.log.end)
            await slave.stop()
            for _ in range(12):
                await send(producer, b"x" * 11_000)
            await pass_time(65)
            assert broker.store.log.start > slave.store.log.end
            again = make_broker(
                tmp_path, server.address, role=BrokerRole.SLAVE, **settings
            )
            async with again:
                await again.ha_slave.connected.wait()
                await pass_time(30)
                assert again.ha_slave.connected.is_set()
                assert again.store.log.end == slave.store.log.end
                assert await send(producer) is SendStatus.SEND_OK
            assert not [one for one in caplog.records if one.exc_info]
            await slave.start()


async def test_a_slave_removes_its_own_old_files(tmp_path):
    settings = SMALL | {"file_reserved_time": 0, "delete_when": "00"}
    async with master_and_slave(tmp_path, BrokerRole.ASYNC_MASTER, **settings) as nodes:
        server, broker, slave = nodes
        async with (
            Producer("shop", server.address, AS_GIVEN) as producer,
            Admin(server.address) as admin,
        ):
            for _ in range(12):
                await send(producer, b"x" * 11_000)
            await until(lambda: slave.store.log.end == broker.store.log.end)
            await pass_time(70)
            assert slave.store.log.start == broker.store.log.start > 0
            await send(producer, b"after")
            await until(lambda: slave.store.log.end == broker.store.log.end)
            await pass_time(1)
            low = slave.store.queues.min_offset("orders", 0)
            there = admin.messages(ORDERS, address(slave), low)
            found = [one.body async for one in there]
            assert found[-1] == b"after"
