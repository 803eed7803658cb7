"""mqadmin and consumer groups, against brokers and clients of ours in this process."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from rmqlab.client import Producer, PushConsumer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import Message, MessageQueue
from tests.mqadmin.conftest import cluster, rows
from tests.support import address, quick_client, until

HOUR_AGO = "1000"
"""Milliseconds since 1970: long before any message."""


@pytest.fixture
def shop(tmp_path, monkeypatch, mq):
    """Return what runs a cluster with the topic ``orders``, a queue on each master."""

    @asynccontextmanager
    async def run():
        async with cluster(tmp_path) as (server, *brokers):
            monkeypatch.setenv("NAMESRV_ADDR", server.address)
            made = "-c", "DefaultCluster", "-t", "orders", "-r", "1", "-w", "1"
            assert (await mq("updateTopic", *made))[0] == 0
            yield server, *brokers

    return run


@asynccontextmanager
async def baristas(server, master, slave, other, messages=3):
    """Have a group consume messages of broker-a, and the masters know its offsets."""
    made = []
    config = quick_client()
    async with (
        Producer("shop", server.address, config) as producer,
        PushConsumer(
            "baristas",
            server.address,
            made.append,
            config,
            start=ConsumeFrom.FIRST_OFFSET,
        ) as consumer,
    ):
        await consumer.subscribe("orders", "paid || sent")
        for number in range(messages):
            message = Message("orders", b"coffee", tags="paid", keys=f"order-{number}")
            await producer.send(message, MessageQueue("orders", "broker-a", 0))
        await producer.instance.beat()
        await until(lambda: len(made) == messages)
        await until(lambda: len(consumer.queues) == 4)  # with those of the retries
        for queue in consumer.queues:
            if queue.topic == "orders" and consumer._offsets.get(queue) is None:
                consumer._offsets.update(queue, 0)
        await consumer._offsets.save_all()
        await until(lambda: all(_offset(one) is not None for one in (master, other)))
        yield producer, consumer, made


def _offset(broker):
    return broker.memory.offsets.get("baristas", "orders", 0)


def parted(out):
    """Return the rows of a table and, apart, the lines below the first empty one."""
    table, _, rest = out.partition("\n\n")
    return rows(table)[1:], rest.splitlines()


async def test_a_groups_progress_is_told_queue_by_queue_and_summed_up(shop, mq):
    async with shop() as nodes, baristas(*nodes):
        code, out, _ = await mq("consumerProgress", "-g", "baristas")
    queues, sums = parted(out)
    assert code == 0
    ours = [row for row in queues if row[0] == "orders"]
    assert [row[:6] for row in ours] == [
        ["orders", "broker-a", "0", "3", "3", "0"],
        ["orders", "broker-b", "0", "0", "0", "0"],
    ]
    assert sums[0].startswith("Consume TPS: ")
    assert sums[1] == "Diff Total: 0"


async def test_progress_names_the_client_that_has_the_queue(shop, mq):
    async with shop() as nodes, baristas(*nodes) as (_, consumer, _):
        _, out, _ = await mq("consumerProgress", "-g", "baristas", "-s", "true")
    queues, _ = parted(out)
    host = consumer.instance.client_id.split("@")[0]
    assert [row[5] for row in queues if row[0] == "orders"] == [host, host]


async def test_all_groups_stand_in_one_table(shop, mq):
    async with shop() as nodes:
        master = nodes[1]
        async with baristas(*nodes):
            _, online, _ = await mq("consumerProgress")
        await until(lambda: master.memory.clients.consumers("baristas") is None)
        _, offline, _ = await mq("consumerProgress")
    assert rows(online)[1][:5] == ["baristas", "1", "V4_9_7", "PUSH", "CLUSTERING"]
    assert rows(offline)[1][:3] == ["baristas", "0", "OFFLINE"]


async def test_a_group_that_nobody_has_heard_of_is_an_error(shop, mq):
    async with shop():
        code, out, err = await mq("consumerProgress", "-g", "nosuch")
    assert (code, out) == (1, "")
    assert err == (
        "consumerProgress: No topic route info in name server for the topic: "
        "%RETRY%nosuch\n"
    )


async def test_a_groups_consumers_and_their_wishes_are_listed(shop, mq):
    async with shop() as nodes, baristas(*nodes) as (_, consumer, _):
        code, out, _ = await mq("consumerConnection", "-g", "baristas")
        at = "-b", address(nodes[3])
        _, elsewhere, _ = await mq("consumerConnection", "-g", "baristas", *at)
    clients, wishes, ways = out.split("\n\n")
    assert code == 0
    (client,) = rows(clients)[1:]
    assert client[0] == consumer.instance.client_id
    assert client[2:] == ["PYTHON", "V4_9_7"]
    assert wishes.splitlines()[0] == "Below is subscription:"
    assert rows(wishes)[2:] == [["%RETRY%baristas", "*"], "orders paid || sent".split()]
    assert ways == (
        "ConsumeType: CONSUME_PASSIVELY\nMessageModel: CLUSTERING\n"
        "ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET\n"
    )
    assert consumer.instance.client_id in elsewhere


async def test_a_group_of_which_nobody_is_there_is_an_error(shop, mq):
    async with shop() as nodes:
        master = nodes[1]
        async with baristas(*nodes):
            pass
        await until(lambda: master.memory.clients.consumers("baristas") is None)
        code, _, err = await mq("consumerConnection", "-g", "baristas")
    assert code == 1
    assert "the consumer group[baristas] not online" in err


async def test_a_groups_producers_are_listed(shop, mq):
    async with shop() as nodes, baristas(*nodes) as (producer, *_):
        given = "-g", "shop", "-t", "orders"
        code, out, _ = await mq("producerConnection", *given)
        client_id = producer.instance.client_id
    (row,) = rows(out)
    assert code == 0
    assert [row[0], row[1], row[3], row[4]] == ["0001", client_id, "PYTHON", "V4_9_7"]


async def test_producers_that_nobody_knows_are_an_error(shop, mq):
    async with shop():
        code, _, err = await mq("producerConnection", "-g", "nosuch", "-t", "orders")
    assert code == 1
    assert "the producer group[nosuch] not exist" in err


async def test_every_consumer_says_how_it_is_in_a_file(shop, mq, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with shop() as nodes, baristas(*nodes) as (_, consumer, _):
        code, out, _ = await mq("consumerStatus", "-g", "baristas")
        client_id = consumer.instance.client_id
        given = "-g", "baristas", "-i", client_id
        _, sheet, _ = await mq("consumerStatus", *given)
    table, same, rebalance = [
        part.strip() for part in out.split("\n\n") if part.strip()
    ]
    index, who, version, file = rows(table)[1]
    assert code == 0
    assert (index, who, version) == ("1", client_id, "V4_9_7")
    assert same == "Same subscription in the same group of consumer"
    assert rebalance == "Rebalance OK"
    written = [one.read_text() for one in tmp_path.glob(f"*/{client_id}")]
    assert str(next(tmp_path.glob(f"*/{client_id}")).relative_to(tmp_path)) == file
    for text in (sheet, *written):
        assert "SubExpression: paid || sent" in text
        assert "PROP_CONSUME_TYPE                       : CONSUME_PASSIVELY" in text
        (line,) = [
            row
            for row in rows(text)
            if row[:3] == ["orders", "broker-a", "0"] and len(row) == 4
        ]
        assert line[3] == "3"


async def test_clients_that_are_there_are_told_where_to_go_on(shop, mq):
    async with shop() as nodes, baristas(*nodes) as (*_, made):
        given = "-g", "baristas", "-t", "orders", "-s", HOUR_AGO
        code, out, _ = await mq("resetOffsetByTime", *given)
        await until(lambda: len(made) == 6)
        _, told, _ = await mq("consumerProgress", "-g", "baristas")
    said, *table = out.splitlines()
    assert code == 0
    assert said == (
        "rollback consumer offset by specified group[baristas], topic[orders], "
        f"force[true], timestamp(string)[{HOUR_AGO}], timestamp(long)[{HOUR_AGO}]"
    )
    assert [row.split() for row in table[1:]] == [
        ["broker-a", "0", "0"],
        ["broker-b", "0", "0"],
    ]
    assert "broker-a" in told


async def test_offsets_are_set_where_nobody_is_there(shop, mq):
    async with shop() as nodes:
        master = nodes[1]
        async with baristas(*nodes):
            pass
        await until(lambda: master.memory.clients.consumers("baristas") is None)
        given = "-g", "baristas", "-t", "orders", "-s"
        code, back, _ = await mq("resetOffsetByTime", *given, HOUR_AGO)
        assert _offset(master) == 0
        _, stayed, _ = await mq("resetOffsetByTime", *given, "now", "-f", "false")
        assert _offset(master) == 0
        await mq("resetOffsetByTime", *given, "now")
        assert _offset(master) == 3
    said, titles, first, _ = back.splitlines()
    assert code == 0
    assert "by specified consumerGroup[baristas]" in said
    assert titles.split()[-1] == "#rollbackOffset"
    assert first.split() == ["broker-a", "0", "3", "3", "0", "0"]
    assert rows(stayed)[2] == ["broker-a", "0", "3", "0", "3", "0"]


async def test_a_message_is_followed_by_who_has_consumed_it(
    shop, mq, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with shop() as nodes, baristas(*nodes) as (producer, consumer, _):
        unwanted = Message("orders", b"tea", tags="cold")
        await producer.send(unwanted, MessageQueue("orders", "broker-b", 0))
        at = "-t", "orders", "-i", "0", "-o", "0", "-b"
        _, taken, _ = await mq("queryMsgByOffset", *at, "broker-a")
        _, waiting, _ = await mq("queryMsgByOffset", *at, "broker-b")
        consumer._offsets.update(MessageQueue("orders", "broker-b", 0), 1)
        await until(lambda: _offset(nodes[3]) == 1)
        _, filtered, _ = await mq("queryMsgByOffset", *at, "broker-b")
    track = "MessageTrack [consumerGroup=baristas, trackType={}, exceptionDesc=null]"
    assert taken.splitlines()[-1] == track.format("CONSUMED")
    assert waiting.splitlines()[-1] == track.format("NOT_CONSUME_YET")
    assert filtered.splitlines()[-1] == track.format("CONSUMED_BUT_FILTERED")


async def test_what_goes_in_and_out_is_told_topic_by_topic(shop, mq):
    async with shop() as nodes, baristas(*nodes):
        code, out, _ = await mq("statsAll", "-t", "orders")
        _, all_of_them, _ = await mq("statsAll")
    (row,) = rows(out)[1:]
    assert code == 0
    assert row[:3] == ["orders", "baristas", "0"]
    topics = [one[0] for one in rows(all_of_them)[1:]]
    assert "BenchmarkTest" in topics
    assert not any(one.startswith("%RETRY%") for one in topics)


async def test_topics_are_listed_with_the_groups_that_consume_them(shop, mq):
    async with shop() as nodes, baristas(*nodes):
        _, out, _ = await mq("topicList", "-c")
    assert ["DefaultCluster", "orders", "baristas"] in rows(out)
    assert ["DefaultCluster", "TBW102"] in rows(out)


async def test_a_groups_settings_are_changed_on_the_masters(shop, mq):
    async with shop() as (_, master, _, other):
        given = "-g", "baristas", "-r", "3", "-c", "DefaultCluster"
        code, out, _ = await mq("updateSubGroup", *given)
        found = [
            one.memory.groups.find_or_create("baristas", 0) for one in (master, other)
        ]
    assert code == 0
    assert out.splitlines()[:2] == [
        f"create subscription group to {address(one)} success."
        for one in (master, other)
    ]
    assert "groupName=baristas, consumeEnable=true, consumeFromMinEnable=false" in out
    assert [one.retry_max_times for one in found] == [3, 3]


async def test_a_deleted_group_goes_with_its_retries_and_dead_letters(shop, mq):
    async with shop() as nodes:
        master = nodes[1]
        async with baristas(*nodes):
            pass
        given = "-g", "baristas", "-c", "DefaultCluster", "-r", "true"
        code, out, _ = await mq("deleteSubGroup", *given)
        assert master.memory.topics.get("%RETRY%baristas") is None
        assert _offset(master) is None
    where = "in cluster [DefaultCluster] success."
    assert code == 0
    assert out.splitlines()[0] == (
        f"delete subscription group [baristas] from broker [{address(master)}] {where}"
    )
    assert out.splitlines()[2:] == [
        "delete topic [%RETRY%baristas] from cluster [DefaultCluster] success.",
        "delete topic [%RETRY%baristas] from NameServer success.",
        "delete topic [%DLQ%baristas] from cluster [DefaultCluster] success.",
        "delete topic [%DLQ%baristas] from NameServer success.",
    ]


async def test_a_deleted_topic_is_gone_everywhere(shop, mq):
    async with shop() as (_, master, _, other):
        code, out, _ = await mq("deleteTopic", "-t", "orders", "-c", "DefaultCluster")
        found = [one.memory.topics.get("orders") for one in (master, other)]
        missing, _, _ = await mq("topicRoute", "-t", "orders")
    assert code == 0
    assert out == (
        "delete topic [orders] from cluster [DefaultCluster] success.\n"
        "delete topic [orders] from NameServer success.\n"
    )
    assert found == [None, None]
    assert missing == 1
