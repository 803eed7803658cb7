"""A producer: queues in turn, another broker after a failure, and what is certain."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from rmqlab.client import Producer, SendStatus
from rmqlab.client.sent import STORED, TRIED_AGAIN, SendError
from rmqlab.errors import RemoteError
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import UNIQ_KEY, Message, MessageQueue, split_properties
from tests.client.brokers import HANGS_UP, QUEUES, SILENT, cluster, coffee, fakes
from tests.support import name_server, until

pytestmark = pytest.mark.simulated


async def test_the_queues_of_all_brokers_are_taken_in_turn(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, *_):
        queues = [(await producer.send(coffee())).queue for _ in range(8)]
    names = ["broker-a", "broker-b"]
    everywhere = [
        MessageQueue("orders", name, number) for name in names for number in range(2)
    ]
    assert queues[:4] == queues[4:]
    assert sorted(queues[:4]) == everywhere


async def test_a_message_for_a_queue_goes_there(tmp_path):
    queue = MessageQueue("orders", "broker-b", 1)
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, *_):
        found = {(await producer.send(coffee(), queue)).queue for _ in range(3)}
    assert found == {queue}


async def test_the_result_says_where_the_message_is(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        queue = MessageQueue("orders", "broker-a", 1)
        first, second = [await producer.send(coffee(), queue) for _ in range(2)]
        at = int(second.offset_msg_id[16:], 16)
        record = broker.store.reading.record_at(at)
    assert (first.queue_offset, second.queue_offset) == (0, 1)
    assert split_properties(record.properties.decode())[UNIQ_KEY] == second.msg_id


async def test_tags_keys_and_properties_are_stored(tmp_path):
    message = coffee()
    message.properties["colour"] = "blau ☕"
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        result = await producer.send(message)
        record = broker.store.reading.record_at(int(result.offset_msg_id[16:], 16))
    found = split_properties(record.properties.decode())
    assert found == {
        "TAGS": "paid",
        "KEYS": "order-7",
        "colour": "blau ☕",
        UNIQ_KEY: result.msg_id,
        "CLUSTER": "DefaultCluster",
    }


async def test_a_new_topic_is_made_with_the_clients_number_of_queues(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        await producer.send(Message("payments", b"1"))
        assert broker.memory.topics.get("payments").write_queue_nums == 4


async def test_a_broker_that_is_gone_is_stepped_over(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, gone, _):
        await producer.send(coffee())
        await gone.stop()
        results = [await producer.send(coffee()) for _ in range(6)]
        await gone.start()
    assert {one.queue.broker_name for one in results} == {"broker-b"}
    assert {one.status for one in results} == {SendStatus.SEND_OK}


async def test_a_message_for_a_queue_of_a_broker_that_is_gone_fails_for_certain(
    tmp_path,
):
    queue = MessageQueue("orders", "broker-a", 0)
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, gone, _):
        await producer.send(coffee())
        await gone.stop()
        with pytest.raises(SendError, match=r"Send \[1\] times, still failed") as told:
            await producer.send(coffee(), queue)
        await gone.start()
    assert told.value.is_definite


async def test_a_broker_name_without_a_master_fails_for_certain(tmp_path):
    queue = MessageQueue("orders", "broker-x", 0)
    async with cluster(tmp_path, "broker-a") as (producer, _):
        with pytest.raises(SendError, match=r"broker-x\] has no master now") as told:
            await producer.send(coffee(), queue)
    assert told.value.is_definite


@pytest.mark.parametrize("failure", [*sorted(TRIED_AGAIN), HANGS_UP])
async def test_after_a_failure_another_broker_is_asked(failure):
    async with fakes(failure, ResponseCode.SUCCESS) as (producer, bad, good):
        results = [await producer.send(coffee()) for _ in range(4)]
    assert {one.queue.broker_name for one in results} == {"broker-b"}
    assert len(bad.asked) > 0
    assert len(good.asked) == 4


async def test_a_message_keeps_its_id_when_it_is_tried_again():
    async with fakes(ResponseCode.SYSTEM_ERROR) as (producer, bad):
        with pytest.raises(SendError):
            await producer.send(coffee())
    ids = {split_properties(asked.properties)[UNIQ_KEY] for asked in bad.asked}
    assert (len(bad.asked), len(ids)) == (3, 1)


async def test_a_message_that_its_sender_sends_again_keeps_its_id(tmp_path):
    message = coffee()
    async with cluster(tmp_path, "broker-a") as (producer, _):
        first, second = [await producer.send(message) for _ in range(2)]
    assert first.msg_id == second.msg_id


async def test_no_attempt_follows_another_at_the_same_broker_where_there_are_two():
    error = ResponseCode.SYSTEM_ERROR
    async with fakes(error, error) as (producer, first, second):
        with pytest.raises(SendError) as told:
            await producer.send(coffee())
    assert sorted([len(first.asked), len(second.asked)]) == [1, 2]
    a, b = "broker-a", "broker-b"
    (sent,) = re.findall(r"BrokersSent: \[(.*?)\]", str(told.value))
    assert sent.split(", ") in ([a, b, a], [b, a, b])


@pytest.mark.parametrize("retries", [0, 5])
async def test_how_often_is_a_setting(retries):
    answers = fakes(ResponseCode.SYSTEM_ERROR, retry_times_when_send_failed=retries)
    async with answers as (producer, bad):
        with pytest.raises(SendError, match=rf"Send \[{retries + 1}\] times"):
            await producer.send(coffee())
        assert len(bad.asked) == retries + 1


@pytest.mark.parametrize(
    "code", [ResponseCode.MESSAGE_ILLEGAL, ResponseCode.SYSTEM_BUSY]
)
async def test_a_refusal_that_no_broker_would_mend_is_not_tried_again(code):
    async with fakes(code) as (producer, bad):
        with pytest.raises(RemoteError, match="so it is") as told:
            await producer.send(coffee())
    assert told.value.code == code
    assert told.value.is_definite
    assert len(bad.asked) == 1


@pytest.mark.parametrize("code", sorted(STORED))
async def test_a_message_that_is_stored_less_safely_is_a_status_and_no_failure(code):
    async with fakes(code) as (producer, broker):
        result = await producer.send(coffee())
    assert result.status.value == code
    assert len(broker.asked) == 1


@pytest.mark.parametrize(
    ("answers", "is_definite"),
    [
        ([ResponseCode.SYSTEM_ERROR], True),
        ([ResponseCode.SYSTEM_ERROR, ResponseCode.NO_PERMISSION], True),
        ([HANGS_UP], False),
        ([ResponseCode.SYSTEM_ERROR, HANGS_UP], False),
        ([HANGS_UP, ResponseCode.SYSTEM_ERROR], False),
    ],
)
async def test_a_failure_is_certain_only_where_every_attempt_was_answered(
    answers, is_definite
):
    async with fakes(*answers) as (producer, *_):
        with pytest.raises(SendError) as told:
            await producer.send(coffee())
    assert told.value.is_definite == is_definite


async def test_the_time_is_for_all_attempts_together():
    async with fakes(SILENT, SILENT) as (producer, *silent):
        with pytest.raises(SendError, match=r"Send \[1\] times") as told:
            await producer.send(coffee(), timeout_s=1)
        await until(lambda: any(one.asked for one in silent))
    assert not told.value.is_definite


async def test_a_topic_without_a_route_fails_for_certain_and_says_what_to_do():
    async with name_server() as server, Producer("shop", server.address) as producer:
        with pytest.raises(SendError, match="No route info of this topic, ord") as told:
            await producer.send(coffee())
    assert told.value.is_definite
    assert "autoCreateTopicEnable" in str(told.value)


async def test_queues_that_may_not_be_written_are_left_alone(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, closed, _):
        closed.memory.topics.put(TopicConfig("orders", QUEUES, QUEUES, perm=4), 1)
        await closed.registrations[0].step()
        results = [await producer.send(coffee()) for _ in range(4)]
    found = Counter(one.queue.broker_name for one in results)
    assert found == {"broker-b": 4}


async def test_a_topic_that_nobody_may_write_to_is_made_nowhere_else(tmp_path):
    async with cluster(tmp_path, "broker-a", "broker-b") as (producer, *brokers):
        for broker in brokers:
            broker.memory.topics.put(TopicConfig("orders", QUEUES, QUEUES, perm=4), 1)
            await broker.registrations[0].step()
        with pytest.raises(SendError, match="No route info of this topic") as told:
            await producer.send(coffee())
    assert told.value.is_definite


async def test_a_topic_may_be_written_to_again_as_soon_as_a_name_server_says_so(
    tmp_path,
):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        broker.memory.topics.put(TopicConfig("orders", QUEUES, QUEUES, perm=4), 1)
        await broker.registrations[0].step()
        with pytest.raises(SendError):
            await producer.send(coffee())
        broker.memory.topics.put(TopicConfig("orders", QUEUES, QUEUES, perm=6), 1)
        await broker.registrations[0].step()
        sent = await producer.send(coffee())
    assert sent.status is SendStatus.SEND_OK


async def test_a_producer_that_closes_is_forgotten_by_its_brokers(tmp_path):
    async with cluster(tmp_path, "broker-a") as (producer, broker):
        await producer.send(coffee())
        await producer.instance.beat()
        assert broker.memory.clients._producers
        await producer.close()
        assert broker.memory.clients._producers == {}


async def begin_with(broker, producer):
    """Have it be a broker's turn."""
    queues = await producer._delivery.queues("orders")
    first = queues.index(MessageQueue("orders", broker.name, 0))
    producer._delivery._turns._turn = first - 1


async def test_a_refusal_after_an_attempt_without_an_answer_is_not_certain():
    async with fakes(HANGS_UP, ResponseCode.SYSTEM_BUSY) as (producer, silent, busy):
        await begin_with(silent, producer)
        with pytest.raises(SendError, match=r"CODE: 2 .*BROKER: ") as told:
            await producer.send(coffee())
    assert [len(one.asked) for one in (silent, busy)] == [1, 1]
    assert not told.value.is_definite


@pytest.mark.parametrize(("retries", "asked"), [(False, [1, 0]), (True, [1, 1])])
async def test_another_broker_is_asked_for_safety_only_on_request(retries, asked):
    key = "retry_another_broker_when_not_store_o_k"
    answers = ResponseCode.SLAVE_NOT_AVAILABLE, ResponseCode.SUCCESS
    async with fakes(*answers, **{key: retries}) as (producer, unsafe, safe):
        await begin_with(unsafe, producer)
        result = await producer.send(coffee())
    assert [len(one.asked) for one in (unsafe, safe)] == asked
    expected = SendStatus.SEND_OK if retries else SendStatus.SLAVE_NOT_AVAILABLE
    assert result.status is expected


async def test_where_no_broker_is_safe_the_last_result_counts():
    answers = [ResponseCode.SLAVE_NOT_AVAILABLE] * 2
    settings = {"retry_another_broker_when_not_store_o_k": True}
    async with fakes(*answers, **settings) as (producer, *brokers):
        result = await producer.send(coffee())
    assert result.status is SendStatus.SLAVE_NOT_AVAILABLE
    assert sum(len(one.asked) for one in brokers) == 1 + 2


async def sends_that_fail(count, **settings):
    """Send past one broker that is silent; return the failures, and who was asked."""
    failed = 0
    async with fakes(SILENT, ResponseCode.SUCCESS, **settings) as (producer, *brokers):
        for _ in range(count):
            try:
                await producer.send(coffee())
            except SendError:
                failed += 1
        return failed, [len(one.asked) for one in brokers]


async def test_a_silent_broker_costs_a_send_for_each_of_its_queues():
    failed, (silent, sound) = await sends_that_fail(8)
    assert (failed, silent, sound) == (4, 4, 4)


async def test_with_send_latency_fault_enable_it_costs_one_and_is_left_alone():
    failed, (silent, sound) = await sends_that_fail(8, send_latency_fault_enable=True)
    assert (failed, silent) == (1, 1)
    assert sound == 7


async def test_where_all_brokers_failed_the_least_bad_one_is_asked():
    settings = {"send_latency_fault_enable": True}
    async with fakes(SILENT, SILENT, **settings) as (producer, *brokers):
        for _ in range(3):
            with pytest.raises(SendError):
                await producer.send(coffee())
        assert sum(len(one.asked) for one in brokers) == 3
        assert all(one.asked for one in brokers)
