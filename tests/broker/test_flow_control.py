"""Sends that wait: in which order, how long, and what they are told."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import asynccontextmanager, suppress

import pytest

from rmqlab.broker.tables.send_queue import SendQueue
from rmqlab.client import Admin, Producer
from rmqlab.errors import Refused, RemoteError
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.messaging import GetMaxOffset, SendMessageV2
from rmqlab.remoting import RemotingClient
from tests.broker.desk import Peer
from tests.simulated import now_s, pass_time
from tests.support import address, make_broker, name_server

TOPIC = "broker-a"
"""A topic that the broker has from its start."""


@asynccontextmanager
async def slow_broker(tmp_path, **settings):
    """Run a broker where a send takes 60 ms, and a client that asks it."""
    broker = make_broker(tmp_path, **{"lab_send_millis": 60, **settings})
    client = RemotingClient()
    async with broker:
        yield Asked(broker, client)
        await client.close()


class Asked:
    """Asks a broker, and notes what it answers and when."""

    def __init__(self, broker, client) -> None:
        self.broker, self.client = broker, client

    async def send(self, body):
        """Return how a send ended, as code, remark and the second when."""
        header = SendMessageV2("shop", TOPIC, "TBW102", 4, 0, 0, 0, 0)
        to = address(self.broker)
        answer = await self.client.call(to, header, str(body).encode(), 60)
        return answer.code, answer.remark, round(now_s(), 2)

    async def burst(self, count):
        """Send so many at once, and return how each ended, in their order."""
        return await asyncio.gather(*(self.send(body) for body in range(count)))

    def stored(self):
        """Return the bodies in the log, in their order."""
        log = self.broker.store.log
        return [int(one.body) for one in log.scan(log.start)]


@pytest.mark.simulated
async def test_each_send_takes_its_time_and_they_are_stored_in_their_order(tmp_path):
    async with slow_broker(tmp_path) as one:
        began = now_s()
        answers = await one.burst(4)
        took = [round(at - began, 2) for _, _, at in answers]
        assert [code for code, _, _ in answers] == [0] * 4
        assert took == pytest.approx([0.06, 0.12, 0.18, 0.24], abs=0.01)
        assert one.stored() == [0, 1, 2, 3]


@pytest.mark.simulated
async def test_who_waited_200_ms_is_told_so_and_its_message_is_not_stored(tmp_path):
    async with slow_broker(tmp_path) as one:
        answers = await one.burst(8)
        remarks = [remark for code, remark, _ in answers if code]
        assert [code for code, _, _ in answers] == [0] * 4 + [2] * 4
        assert re.fullmatch(
            r"\[TIMEOUT_CLEAN_QUEUE\]broker busy, start flow control for a while, "
            r"period in queue: 20\dms, size of queue: 3",
            remarks[0],
        )
        sizes = [int(remark.rpartition(" ")[2]) for remark in remarks]
        assert sizes == [3, 2, 1, 0]
        assert one.stored() == [0, 1, 2, 3]


@pytest.mark.simulated
async def test_a_broker_that_does_not_fail_fast_lets_all_wait(tmp_path):
    async with slow_broker(tmp_path, broker_fast_failure_enable=False) as one:
        assert [code for code, _, _ in await one.burst(20)] == [0] * 20
        assert one.stored() == list(range(20))


@pytest.mark.simulated
async def test_how_long_a_send_may_wait_is_a_setting(tmp_path):
    async with slow_broker(tmp_path, wait_time_mills_in_send_queue=500) as one:
        codes = Counter(code for code, _, _ in await one.burst(20))
        assert codes == {0: 9, 2: 11}


@pytest.mark.simulated
async def test_where_too_many_wait_the_next_are_refused_at_once(tmp_path):
    async with slow_broker(tmp_path, send_thread_pool_queue_capacity=2) as one:
        began = now_s()
        answers = await one.burst(5)
        assert [code for code, _, _ in answers] == [0, 0, 0, 2, 2]
        assert answers[-1][1] == "[OVERLOAD]system busy, start flow control for a while"
        assert answers[-1][2] - began < 0.05


@pytest.mark.simulated
async def test_while_one_send_takes_more_than_a_second_all_others_are_refused(tmp_path):
    settings = {"lab_send_millis": 3000, "wait_time_mills_in_send_queue": 5000}
    async with slow_broker(tmp_path, **settings) as one:
        waiting = asyncio.gather(one.send(0), one.send(1))
        await pass_time(1.1)
        late = await one.send(2)
        (first, _, _), (second, remark, _) = await waiting
        assert (first, second, late[0]) == (0, 2, 2)
        assert re.fullmatch(
            r"\[PCBUSY_CLEAN_QUEUE\]broker busy, start flow control for a while, "
            r"period in queue: 10\d\dms, size of queue: 0",
            remark,
        )
        assert late[1] == "[REJECTREQUEST]system busy, start flow control for a while"
        assert one.stored() == [0]


@pytest.mark.simulated
async def test_a_send_that_nobody_waits_for_is_dropped_in_silence(tmp_path):
    async with slow_broker(tmp_path) as one:
        header = SendMessageV2("shop", TOPIC, "TBW102", 4, 0, 0, 0, 0)
        for body in range(8):
            to = address(one.broker)
            await one.client.tell(to, header, str(body).encode())
        await pass_time(5)
        assert one.stored() == [0, 1, 2, 3]


@pytest.mark.simulated
async def test_other_requests_do_not_wait_behind_sends(tmp_path):
    async with slow_broker(tmp_path) as one:
        waiting = asyncio.ensure_future(one.burst(4))
        await pass_time(0.01)
        began = now_s()
        await one.client.ask(address(one.broker), GetMaxOffset(TOPIC, 0))
        assert now_s() - began < 0.05
        await waiting


@pytest.mark.simulated
async def test_a_broker_made_slow_while_it_runs_is_fast_again_in_the_same_order(
    tmp_path,
):
    async with slow_broker(tmp_path, lab_send_millis=0) as one:
        began = now_s()
        await one.send(0)
        assert now_s() - began < 0.05
        one.broker.config.lab_send_millis = 100
        waiting = asyncio.ensure_future(one.burst(4))
        await pass_time(0.05)
        one.broker.config.lab_send_millis = 0
        assert (await one.send(4))[0] == 0
        assert [code for code, _, _ in await waiting] == [0] * 4
        assert one.stored() == [0, 0, 1, 2, 3, 4]
        assert len(one.broker.memory.sends) == 0


@pytest.mark.simulated
async def test_a_refused_send_is_refused_when_its_turn_comes(tmp_path):
    async with slow_broker(tmp_path) as one:
        header = SendMessageV2("shop", "no such", "TBW102", 4, 0, 0, 0, 0)
        with pytest.raises(RemoteError, match="illegal characters"):
            await one.client.ask(address(one.broker), header, b"x")
        assert (await one.send(1))[0] == 0


@pytest.mark.simulated
async def test_an_answer_to_a_question_of_the_brokers_is_no_send(tmp_path):
    async with slow_broker(tmp_path) as one:
        waiting = asyncio.ensure_future(one.send(0))
        await pass_time(0.01)
        answer = Frame(RequestCode.SEND_MESSAGE, flag=Flag.RESPONSE)
        with suppress(Refused):
            one.broker._admission.handle(answer, Peer())
        assert len(one.broker.memory.sends) == 0
        await waiting


@pytest.mark.simulated
async def test_run_time_info_tells_how_many_wait_and_how_long(tmp_path):
    async with name_server() as server:
        broker = make_broker(tmp_path, server.address, lab_send_millis=100)
        async with broker, Admin(server.address) as admin:
            one = Asked(broker, admin.instance.remoting)
            waiting = asyncio.ensure_future(one.burst(4))
            await pass_time(0.05)
            info = await admin.runtime_info(address(broker))
            await waiting
            assert info["sendThreadPoolQueueSize"] == "3"
            assert info["sendThreadPoolQueueCapacity"] == "10000"
            assert 45 <= int(info["sendThreadPoolQueueHeadWaitTimeMills"]) <= 60


@pytest.mark.simulated
async def test_a_producer_is_told_and_does_not_try_again(tmp_path):
    queue = MessageQueue(TOPIC, "broker-a", 0)
    async with name_server() as server:
        broker = make_broker(tmp_path, server.address, lab_send_millis=150)
        async with broker, Producer("shop", server.address) as producer:
            sends = (producer.send(Message(TOPIC, b"0"), queue) for _ in range(3))
            ends = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(one).__name__ for one in ends] == ["SendResult"] * 2 + ["RemoteError"]
    assert ends[-1].code == ResponseCode.SYSTEM_BUSY


@pytest.mark.simulated
async def test_a_broker_that_stops_leaves_nobody_waiting(tmp_path):
    async with slow_broker(tmp_path, lab_send_millis=5000) as one:
        waiting = asyncio.ensure_future(one.burst(3))
        await pass_time(0.01)
        await one.broker.stop()
        with pytest.raises(Exception, match="broke before the answer"):
            await waiting
        await one.broker.start()
        assert (await one.send(9))[0] == 0
        assert one.stored() == [9]


def test_a_queue_is_first_in_first_out_and_knows_its_heads_age():
    queue = SendQueue()
    assert (queue.take(), queue.head_wait_ms(99), len(queue)) == (None, 0, 0)
    assert queue.add("a", 10, capacity=2)
    assert queue.add("b", 20, capacity=2)
    assert not queue.add("c", 30, capacity=2)
    assert (queue.head_wait_ms(35), len(queue)) == (25, 2)
    assert (queue.take(), queue.head_wait_ms(35)) == ("a", 15)
