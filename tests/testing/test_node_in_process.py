"""A RocketMQ in the test's own process: what it does, how it dies, what it leaves."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import psutil
import pytest

from rmqlab.client import Producer, SendStatus
from rmqlab.client.sent import SendError
from rmqlab.errors import ConfigError, NotConnected, StoreError
from rmqlab.protocol.message import Message
from rmqlab.testing import AsyncRocketMQ, RocketMQ, node, until, wait_for
from rmqlab.testing.ports import candidates
from tests.support import HOST, free_port

KERNELS_LOWEST_PORT = 32_768
"""Of outgoing connections, on Linux; elsewhere it is higher."""


@asynccontextmanager
async def rocketmq(folder, **settings):
    """Run one with settings by RocketMQ's keys."""
    async with AsyncRocketMQ(folder, settings) as running:
        yield running


def bodies(messages):
    return [one.body for one in messages]


async def test_what_is_sent_is_read_in_the_order_in_which_it_was_stored(tmp_path):
    async with rocketmq(tmp_path) as broker:
        await broker.create_topic("orders", 3)
        async with Producer("shop", broker.name_servers) as producer:
            for number in range(6):
                await producer.send(Message("orders", b"coffee %d" % number))
        await broker.send("orders", "coffee 6", tags="paid")
        found = await broker.messages("orders")
    assert bodies(found) == [b"coffee %d" % number for number in range(7)]
    assert {one.queue_id for one in found} == {0, 1, 2}
    assert found[-1].tags == "paid"


async def test_a_topic_is_read_at_once_though_a_send_has_just_made_it(tmp_path):
    async with rocketmq(tmp_path) as broker:
        assert await broker.messages("orders") == []
        await broker.send("orders", "coffee")
        assert bodies(await broker.messages("orders")) == [b"coffee"]


def test_the_blocking_one_does_the_same_and_has_every_fault(tmp_path):
    with RocketMQ(tmp_path, {"brokerName": "cafe"}) as broker:
        assert broker.send("orders", "coffee").queue.broker_name == "cafe"
        broker.kill()
        broker.restart()
        broker.create_topic("more")
        broker.send("more", b"tea")
        broker.stop()
        broker.restart()
        broker.configure(brokerPermission="4")
        with pytest.raises(SendError):
            broker.send("orders", "nobody takes it")
        assert bodies(broker.wait_for(lambda: broker.messages("more"))) == [b"tea"]
        assert bodies(broker.messages("orders")) == [b"coffee"]


async def test_a_killed_broker_is_away_and_comes_back_with_what_it_took(tmp_path):
    async with rocketmq(tmp_path) as broker:
        address = broker.address
        await broker.send("orders", "coffee")
        await broker.kill()
        with pytest.raises(SendError) as refused:
            await broker.send("orders", "tea")
        assert refused.value.is_definite
        assert await broker.messages("orders") == []
        await broker.restart()
        assert broker.address == address
        await broker.send("orders", "juice")
        assert bodies(await broker.messages("orders")) == [b"coffee", b"juice"]


async def test_only_a_killed_broker_leaves_the_file_that_tells_of_a_crash(tmp_path):
    abort = tmp_path / "abort"
    async with rocketmq(tmp_path) as broker:
        await broker.stop()
        assert not abort.exists()
        await broker.restart()
        await broker.kill()
        assert abort.exists()


async def test_a_killed_broker_answers_nobody_who_waits(tmp_path):
    slow = {"labSendMillis": "60000", "brokerFastFailureEnable": "false"}
    async with (
        rocketmq(tmp_path, **slow) as broker,
        Producer("shop", broker.name_servers) as producer,
    ):
        sends = [producer.send(Message("orders", b"coffee")) for _ in range(2)]
        sending = asyncio.gather(*sends, return_exceptions=True)
        await until(lambda: len(broker.broker.memory.sends) == 1)  # behind the other
        await broker.kill()
        found = await sending
    assert [one.is_definite for one in found] == [False, False]


async def test_settings_are_changed_while_it_runs_and_stay(tmp_path):
    async with rocketmq(tmp_path) as broker:
        await broker.send("orders", "coffee")
        await broker.configure(brokerPermission="4")
        await broker.restart()
        with pytest.raises(SendError, match="No route info"):
            await broker.send("orders", "tea")
        await broker.configure(brokerPermission="6")
        await broker.send("orders", "juice")
        assert len(await broker.messages("orders")) == 2


async def test_a_setting_that_cannot_be_used_is_told_and_forgotten(tmp_path):
    async with rocketmq(tmp_path) as broker:
        with pytest.raises(ConfigError, match="labSendMillis=soon cannot be used"):
            await broker.configure(labSendMillis="soon")
        await broker.restart()
        with pytest.raises(ConfigError, match="brokerColour=red cannot be used"):
            await broker.configure(brokerColour="red")
        with pytest.raises(ConfigError, match="brokerRole=MASTER cannot be used"):
            await AsyncRocketMQ(tmp_path, {"brokerRole": "MASTER"}).start()


async def test_a_synchronous_master_misses_its_slave(tmp_path):
    async with rocketmq(tmp_path, brokerRole="SYNC_MASTER") as broker:
        result = await broker.send("orders", "coffee")
    assert result.status is SendStatus.SLAVE_NOT_AVAILABLE


async def test_what_does_not_run_is_told_by_name(tmp_path):
    async with rocketmq(tmp_path) as broker:
        await broker.kill()
        with pytest.raises(RuntimeError, match=r"restart\(\) it first"):
            await broker.kill()
        with pytest.raises(NotConnected):
            await broker.configure(labSendMillis="1")


def held():
    """Return the tasks, threads and sockets that there are."""
    tasks = {one.get_name() for one in asyncio.all_tasks()}
    threads = {one.name for one in threading.enumerate()}
    return tasks | threads | set(psutil.Process().net_connections())


async def test_nothing_is_left_after_it(tmp_path):
    before, files = held(), psutil.Process().num_fds()
    async with rocketmq(tmp_path, flushDiskType="SYNC_FLUSH") as broker:
        await broker.send("orders", "coffee")
        assert not held() <= before
        await broker.restart()
        await broker.kill()
        await broker.restart()
    await until(lambda: held() <= before)
    assert psutil.Process().num_fds() <= files


async def test_a_start_that_fails_leaves_nothing_either(tmp_path):
    (tmp_path / "file").touch()
    before = held()
    with pytest.raises(StoreError, match="Not a directory"):
        await AsyncRocketMQ(tmp_path / "file").start()
    await until(lambda: held() <= before)


@pytest.mark.parametrize("away", [-2, 0, 1])
async def test_another_port_is_tried_where_one_of_three_is_taken(
    tmp_path, monkeypatch, away
):
    taken, free = free_port(), free_port()
    monkeypatch.setattr(node, "candidates", lambda random: [taken, free])
    nobodys = await asyncio.start_server(lambda *_: None, HOST, taken + away)
    async with nobodys, rocketmq(tmp_path) as broker:
        assert broker.address == f"{HOST}:{free}"


class NotRandom:
    """Yields what there is, in order."""

    def sample(self, ports, count):
        return list(ports)


def test_no_two_brokers_share_a_port_and_the_kernel_gives_none_of_theirs():
    ports = [
        port
        for listening in candidates(NotRandom())
        for port in (listening - 2, listening, listening + 1)
    ]
    assert len(set(ports)) == len(ports)
    assert max(ports) < KERNELS_LOWEST_PORT


def test_waiting_gives_what_came_or_says_what_never_did():
    answers = iter(["", [], "coffee"])
    assert wait_for(lambda: next(answers)) == "coffee"
    with pytest.raises(TimeoutError, match=r"an order gave \[\] even after 0 s"):
        wait_for(list, 0, "an order")


async def test_a_coroutine_waits_for_what_is_awaited_or_not():
    async def answer():
        return next(answers)

    answers = iter(["", "coffee"])
    assert await until(answer) == "coffee"
    assert await until(lambda: "tea") == "tea"
    with pytest.raises(TimeoutError, match="list gave"):
        await until(list, 0)
