"""Broadcasting: every member has every message, and its own offsets in a file."""

from __future__ import annotations

import pytest

from rmqlab.client import Consumed
from rmqlab.client.instance import ClientInstance
from rmqlab.client.local_offsets import LocalOffsets
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.place import OwnFiles, Place
from rmqlab.errors import StoreError
from rmqlab.protocol import fastjson
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import ClientConfig
from tests.client.kitchen import ALL_QUEUES, NUMBERS, lab, share
from tests.simulated import disk, pass_time
from tests.support import until

FIRST = ALL_QUEUES[0]
TEXT = """{
	"offsetTable":{{
			"brokerName":"broker-a",
			"queueId":0,
			"topic":"orders"
		}:7
	}
}"""
BROADCAST = {"broadcasting": True, "start": ConsumeFrom.FIRST_OFFSET}


def named(name):
    return {"config": {"instance_name": name}, **BROADCAST}


@pytest.mark.simulated
async def test_every_member_has_every_queue_and_every_message(tmp_path):
    came = {"one": [], "two": []}
    async with (
        lab(tmp_path) as it,
        it.consumer(lambda one: came["one"].append(one.body), **named("one")) as one,
        it.consumer(lambda one: came["two"].append(one.body), **named("two")) as two,
    ):
        for consumer in (one, two):
            await consumer.subscribe("orders")
        await it.send(*NUMBERS)
        await until(lambda: all(len(bodies) == 20 for bodies in came.values()))
        assert share(one) == share(two) == ALL_QUEUES
        assert sorted(came["one"]) == sorted(came["two"]) == sorted(NUMBERS)


@pytest.mark.simulated
async def test_a_member_goes_on_where_its_last_process_was(tmp_path):
    async with lab(tmp_path) as it:
        for body in (b"before", b"after"):
            async with it.consumer(**BROADCAST) as consumer:
                await consumer.subscribe("orders")
                await it.send(body, queue=FIRST)
                await until(lambda body=body: body in it.came)
        assert it.came == [b"before", b"after"]
        assert it.broker.memory.offsets.get("kitchen", "orders", 0) is None
    text = (
        disk()
        .mount()
        .read_text("~/.rocketmq_offsets/test@DEFAULT/kitchen/offsets.json")
    )
    assert '"queueId":0' in text


@pytest.mark.simulated
async def test_one_of_another_name_begins_as_a_new_group_does(tmp_path):
    async with lab(tmp_path) as it:
        for name in ("one", "two"):
            async with it.consumer(**named(name)) as consumer:
                await consumer.subscribe("orders")
                if name == "one":
                    await it.send(b"coffee")
                await it.until_came(1 if name == "one" else 2)
    assert it.came == [b"coffee", b"coffee"]


@pytest.mark.simulated
@pytest.mark.parametrize("orderly", [False, True])
async def test_what_is_not_consumed_is_not_sent_back(tmp_path, orderly):
    tries = []

    def listen(message):
        tries.append(message.body)
        if message.body == b"bad" and len(tries) < 3:
            return Consumed.RECONSUME_LATER
        return None

    async with lab(tmp_path) as it:
        async with it.consumer(listen, orderly=orderly, **BROADCAST) as consumer:
            await consumer.subscribe("orders")
            await it.send(b"bad", b"next", queue=FIRST)
            await pass_time(120)
            assert len(it.broker.memory.locks) == 0
        assert it.broker.store.queues.max_offset("SCHEDULE_TOPIC_XXXX", 2) == 0
    assert tries == ([b"bad"] * 3 if orderly else [b"bad"]) + [b"next"]


def offsets(root):
    config = ClientConfig(instance_name="one", local_offset_store_dir=str(root))
    instance = ClientInstance("h:1", config, Place(host="here", files=OwnFiles()))
    return LocalOffsets(instance, "kitchen")


async def test_the_file_lies_where_rocketmqs_does_and_says_the_same(tmp_path):
    await offsets(tmp_path).write({FIRST: 7})
    file = tmp_path / "here@one/kitchen/offsets.json"
    assert fastjson.loads(file.read_text()) == fastjson.loads(TEXT)


async def test_offsets_are_read_back_and_added_to(tmp_path):
    await offsets(tmp_path).write({FIRST: 7})
    await offsets(tmp_path).write({ALL_QUEUES[1]: 3})
    found = offsets(tmp_path)
    asked = [*ALL_QUEUES[:3], MessageQueue("teas", "broker-a", 0)]
    assert [await found.read(queue) for queue in asked] == [7, 3, None, None]


async def test_of_a_broken_file_the_backup_counts(tmp_path):
    for offset in (5, 7):
        await offsets(tmp_path).write({FIRST: offset})
    file = tmp_path / "here@one/kitchen/offsets.json"
    file.write_text(TEXT[:40])
    assert await offsets(tmp_path).read(FIRST) == 5
    file.with_name("offsets.json.bak").write_text("[]")
    with pytest.raises(StoreError, match="and its backup are no offsets"):
        await offsets(tmp_path).read(FIRST)
