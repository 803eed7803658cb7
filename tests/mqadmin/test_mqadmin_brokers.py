"""mqadmin against brokers of ours in this process: what it prints, what it changes."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import pytest

from rmqlab.client import Producer
from rmqlab.protocol.bodies import TopicTable
from rmqlab.protocol.codes import READ_WRITE
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.routing import RegisterBroker
from tests.mqadmin.conftest import cluster, rows
from tests.support import HOST, address, free_port


@pytest.fixture
def shop(tmp_path, monkeypatch, mq):
    """Return what runs a cluster with the topic ``orders``, two queues a master."""

    @asynccontextmanager
    async def run():
        async with cluster(tmp_path) as (server, *brokers):
            monkeypatch.setenv("NAMESRV_ADDR", server.address)
            made = "-c", "DefaultCluster", "-t", "orders", "-r", "2", "-w", "2"
            assert (await mq("updateTopic", *made))[0] == 0
            yield server, *brokers

    return run


async def sold(server, *brokers):
    """Store two coffees and a tea in a queue of broker-a; return what was sent."""
    sent = []
    async with Producer("shop", server.address) as producer:
        for body, tags in ((b"coffee", "paid"), (b"coffee", None), (b"tea", "sent")):
            message = Message("orders", body, tags=tags, keys=f"order-{len(sent)}")
            where = MessageQueue("orders", "broker-a", 0)
            sent.append(await producer.send(message, where))
    for broker in brokers:
        broker.store.dispatch()
    return sent


async def test_a_message_is_sent_to_the_queue_that_is_chosen(shop, mq):
    async with shop():
        target = "-t", "orders", "-b", "broker-b", "-i", "1"
        code, out, _ = await mq("sendMessage", *target, "-p", "tea", "-k", "k1 k2")
        titles, line = out.splitlines()
        assert code == 0
        assert titles == (
            "#Broker Name                      #QID  #Send Result            #MsgId"
        )
        assert re.fullmatch(r"broker-b +1 +SEND_OK +[0-9A-F]{32}", line)


async def test_a_message_is_sent_to_any_queue_of_a_broker(shop, mq):
    async with shop():
        sent = [
            await mq("sendMessage", "-t", "orders", "-b", "broker-b", "-p", "tea")
            for _ in range(3)
        ]
        assert {rows(out)[1][0] for _, out, _ in sent} == {"broker-b"}


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("-i", "1"), "Broker name must be set if the queue is chosen!"),
        (("-b", "broker-a", "-i", "9"), "those that can: orders@broker-a:0, orders@"),
        (("-m", "true"), "leave -m out"),
    ],
)
async def test_a_message_that_cannot_be_sent_so_is_an_error(shop, mq, flags, why):
    async with shop():
        code, out, err = await mq("sendMessage", "-t", "orders", "-p", "tea", *flags)
        assert (code, out) == (1, "")
        assert why in err


async def test_every_message_of_a_topic_is_printed_queue_by_queue(shop, mq):
    async with shop() as running:
        first, second, third = await sold(*running)
        code, out, _ = await mq("printMsg", "-t", "orders")
        lines = out.splitlines()
        assert code == 0
        assert lines[0] == (
            "minOffset=0, maxOffset=3, "
            "MessageQueue [topic=orders, brokerName=broker-a, queueId=0]"
        )
        assert [line.split()[1] for line in lines[1:4]] == [
            one.msg_id for one in (first, second, third)
        ]
        assert "queueOffset=1, sysFlag=0, bornTimestamp=" in lines[2]
        assert "body=[116, 101, 97], transactionId='null'}] BODY: tea" in lines[3]
        assert lines[4] == "-" * 56
        assert out.count("minOffset=") == 4


async def test_only_messages_with_the_tag_are_printed_and_why_there_are_no_more(
    shop, mq
):
    async with shop() as running:
        await sold(*running)
        _, out, _ = await mq(
            "printMsg", "-t", "orders", "-s", "none || sent", "-d", "false"
        )
        (line,) = [one for one in out.splitlines() if one.startswith("MSGID")]
        assert line.endswith("BODY: NOT PRINT BODY")
        _, out, _ = await mq("printMsg", "-t", "orders", "-s", "none")
        assert (
            "MessageQueue [topic=orders, brokerName=broker-a, queueId=0] no matched "
            "msg. status=NO_MATCHED_MSG, offset=3"
        ) in out.splitlines()


async def test_a_charset_that_nobody_knows_is_an_error(shop, mq):
    async with shop() as running:
        await sold(*running)
        code, _, err = await mq("printMsg", "-t", "orders", "-c", "morse")
        assert code == 1
        assert "unknown encoding: morse" in err


async def test_a_message_is_found_by_its_key(shop, mq):
    async with shop() as running:
        _, second, _ = await sold(*running)
        code, out, _ = await mq("queryMsgByKey", "-t", "orders", "-k", "order-1")
        assert code == 0
        assert rows(out)[1:] == [[second.msg_id, "0", "1"]]


async def test_a_key_that_no_message_has_is_an_error(shop, mq):
    async with shop():
        code, out, err = await mq("queryMsgByKey", "-t", "orders", "-k", "order-9")
        assert (code, out) == (1, "")
        assert "query message by key finished, but no message" in err


def bodies_below(monkeypatch, folder):
    monkeypatch.setattr("tempfile.tempdir", str(folder))


@pytest.mark.parametrize(
    ("command", "flags", "first"),
    [
        ("queryMsgById", lambda sent: ("-i", sent.offset_msg_id), "OffsetID:"),
        (
            "queryMsgByUniqueKey",
            lambda sent: ("-i", sent.msg_id, "-t", "orders"),
            "Topic:",
        ),
        (
            "queryMsgByOffset",
            lambda sent: ("-t", "orders", "-b", "broker-a", "-i", "0", "-o", "2"),
            "OffsetID:",
        ),
    ],
)
async def test_a_message_is_shown_with_its_body_in_a_file(
    shop, mq, tmp_path, monkeypatch, command, flags, first
):
    async with shop() as running:
        bodies_below(monkeypatch, tmp_path)
        *_, sent = await sold(*running)
        code, out, _ = await mq(command, *flags(sent))
        assert code == 0
        assert out.startswith(first)
        shown = dict(
            line.split(maxsplit=1) for line in out.splitlines() if ":  " in line
        )
        assert shown["Topic:"] == "orders"
        assert shown["Tags:"] == "[sent]"
        assert shown["Keys:"] == "[order-2]"
        path = out.split("Message Body Path:")[1].split()[0]
        assert path == str(tmp_path / "rocketmq" / "msgbodys" / sent.msg_id)
    assert [one.read_bytes() for one in tmp_path.glob("rocketmq/*/*")] == [b"tea"]


async def test_a_sender_cannot_choose_where_a_body_is_written(
    shop, mq, tmp_path, monkeypatch
):
    async with shop() as running:
        bodies_below(monkeypatch, tmp_path)
        server, *_ = running
        async with Producer("shop", server.address) as producer:
            message = Message("orders", b"x", properties={"UNIQ_KEY": "../../escaped"})
            sent = await producer.send(message, MessageQueue("orders", "broker-a", 0))
        code, out, _ = await mq("queryMsgById", "-i", sent.offset_msg_id)
        assert code == 0
        assert not list(tmp_path.glob("**/escaped"))
        assert out.count(sent.offset_msg_id) == 2  # as its id, and as the file's name


async def test_what_is_no_offset_id_is_an_error_with_the_next_step(shop, mq):
    async with shop():
        code, _, err = await mq("queryMsgById", "-i", "nosuch")
        assert code == 1
        assert "'nosuch' is no offset id" in err
        assert "queryMsgByUniqueKey" in err


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("-b", "broker-a", "-i", "0", "-o", "7"), "which has 0 to before 0"),
        (("-b", "broker-x", "-i", "0", "-o", "0"), "but on broker-a, broker-b"),
    ],
)
async def test_an_offset_at_which_nothing_is_is_an_error(shop, mq, flags, why):
    async with shop():
        code, _, err = await mq("queryMsgByOffset", "-t", "orders", *flags)
        assert code == 1
        assert why in err


async def test_a_message_is_sent_once_more(shop, mq):
    async with shop() as running:
        first, *_ = await sold(*running)
        code, out, _ = await mq("queryMsgById", "-i", first.offset_msg_id, "-s", "true")
        said, result = out.splitlines()
        assert code == 0
        assert said == f"prepare resend msg. originalMsgId={first.offset_msg_id}"
        assert f"SendResult [sendStatus=SEND_OK, msgId={first.msg_id}, " in result


async def test_a_permission_is_changed_on_one_broker_and_its_queues_stay(shop, mq):
    async with shop() as running:
        _, master, _, other = running
        arguments = "-t", "orders", "-p", "4", "-b", address(master)
        code, out, _ = await mq("updateTopicPerm", *arguments)
        assert code == 0
        assert out == (
            f"update topic perm from 6 to 4 in {address(master)} success.\n"
            "TopicConfig [topicName=orders, readQueueNums=2, writeQueueNums=2, "
            "perm=R--, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false].\n"
        )
        assert other.memory.topics.get("orders").perm == READ_WRITE
        _, out, _ = await mq("updateTopicPerm", *arguments)
        assert out == "new perm equals to the old one!\n"


async def test_a_permission_is_changed_on_the_masters_of_a_cluster(shop, mq):
    async with shop() as running:
        arguments = "-t", "orders", "-p", "2", "-c", "DefaultCluster"
        code, out, _ = await mq("updateTopicPerm", *arguments)
        masters = [address(one) for one in (running[1], running[3])]
        assert code == 0
        assert out.splitlines() == [
            f"update topic perm from 6 to 2 in {one} success." for one in masters
        ]


async def test_a_permission_on_a_broker_without_the_topic_is_an_error(shop, mq):
    async with shop() as running:
        slave = address(running[2])
        code, _, err = await mq(
            "updateTopicPerm", "-t", "orders", "-p", "2", "-b", slave
        )
        assert code == 1
        assert "broker not exit or broker is not master!" in err


async def test_an_order_topics_queues_are_known_to_the_name_servers(shop, mq):
    async with shop() as running:
        server, master, *_ = running
        arguments = "-t", "sorted", "-o", "true", "-w", "3"
        _, out, _ = await mq("updateTopic", *arguments, "-c", "DefaultCluster")
        conf = "set cluster orderConf. isOrder=true, orderConf=[broker-a:3;broker-b:3]"
        assert conf in out.splitlines()
        arguments = "-t", "sorted", "-o", "true", "-w", "5"
        _, out, _ = await mq("updateTopic", *arguments, "-b", address(master))
        conf = "set broker orderConf. isOrder=true, orderConf=[broker-a:5]"
        assert conf in out.splitlines()
        kept = server.kv.get("ORDER_TOPIC_CONFIG", "sorted")
        assert kept == "broker-a:5;broker-b:3"


async def test_nobody_may_write_to_a_broker_until_everybody_may_again(shop, mq):
    async with shop() as running:
        server = running[0]
        code, out, _ = await mq("wipeWritePerm", "-b", "broker-b")
        said = (
            f"wipe write perm of broker[broker-b] in name server[{server.address}] OK, "
        )
        assert code == 0
        assert re.fullmatch(re.escape(said) + r"\d+\n", out)
        _, out, _ = await mq("topicRoute", "-t", "orders", "-l")
        assert [row[-1] for row in rows(out)[1:3]] == ["6", "4"]
        _, out, _ = await mq("addWritePerm", "-b", "broker-b")
        assert out.startswith("add write perm of broker[broker-b] in name server[")
        _, out, _ = await mq("topicRoute", "-t", "orders", "-l")
        assert [row[-1] for row in rows(out)[1:3]] == ["6", "6"]


async def test_the_brokers_of_a_cluster_are_measured_one_after_the_other(shop, mq):
    async with shop() as running:
        code, out, _ = await mq("brokerStatus", "-c", "DefaultCluster")
        asked = list(dict.fromkeys(row[0] for row in rows(out)))
        assert code == 0
        assert asked == [address(one) for one in running[1:]]


async def test_the_settings_of_a_cluster_stand_below_whose_they_are(shop, mq):
    async with shop() as running:
        _, master, slave, other = running
        code, out, _ = await mq("getBrokerConfig", "-c", "DefaultCluster")
        titles = [line for line in out.splitlines() if line.startswith("===")]
        mine = address(master)
        assert code == 0
        assert titles == [
            f"============Master: {mine}============",
            f"============My Master: {mine}=====Slave: {address(slave)}============",
            f"============Master: {address(other)}============",
        ]
        assert "brokerRole                                        =  SLAVE" in out


async def test_a_topics_clusters_are_named(shop, mq):
    async with shop():
        assert (await mq("topicClusterList", "-t", "orders"))[:2] == (
            0,
            "DefaultCluster\n",
        )


async def test_a_setting_is_changed_on_one_broker_and_on_all_masters(shop, mq):
    async with shop() as running:
        _, master, _, other = running
        key = "-k", "fileReservedTime", "-v"
        code, out, _ = await mq("updateBrokerConfig", *key, "71", "-b", address(master))
        assert (code, out) == (0, f"update broker config success, {address(master)}\n")
        code, out, _ = await mq(
            "updateBrokerConfig", *key, "70", "-c", "DefaultCluster"
        )
        assert (code, out.count("success")) == (0, 2)
        _, out, _ = await mq("getBrokerConfig", "-b", address(other))
    line = next(one for one in out.splitlines() if one.startswith("fileReservedTime"))
    assert line.split() == ["fileReservedTime", "=", "70"]


async def test_a_master_that_is_away_keeps_no_other_from_a_new_setting(shop, mq):
    gone = f"{HOST}:{free_port()}"
    header = RegisterBroker("broker-0", gone, "DefaultCluster", f"{HOST}:1", 0)
    async with shop() as running:
        running[0].routes.register(header, TopicTable(), "connection", 0)
        key = "-k", "fileReservedTime", "-v", "70"
        code, out, err = await mq("updateBrokerConfig", *key, "-c", "DefaultCluster")
    assert (code, out.count("success")) == (1, 2)
    assert f"connect to {gone} failed" in err
