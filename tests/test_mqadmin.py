"""mqadmin: RocketMQ's commands, flags, columns and exit codes, as a process would."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab import mqadmin
from rmqlab.client import Producer
from rmqlab.protocol.bodies import TopicTable
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.routing import RegisterBroker
from rmqlab.settings import BrokerRole
from tests.support import HOST, address, free_port, make_broker, name_server

UNMEASURED = ["-"] * 5


@asynccontextmanager
async def cluster(root):
    """Run a name server, two masters and a slave of the first."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        brokers = [
            make_broker(root, server.address),
            make_broker(root, server.address, role=BrokerRole.SLAVE),
            make_broker(root, server.address, "broker-b"),
        ]
        for broker in brokers:
            await stack.enter_async_context(broker)
        yield server, *brokers


@pytest.fixture
def mq(capsys):
    """Return a function that runs a command: its exit code, output and errors."""

    async def run(*arguments):
        code = await asyncio.to_thread(mqadmin.run, list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def rows(text):
    return [line.split() for line in text.splitlines()]


async def test_cluster_list_has_a_row_for_every_broker(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, other):
        code, out, _ = await mq("clusterList", "-n", server.address)
    assert code == 0
    assert rows(out)[1:] == [
        ["DefaultCluster", "broker-a", "0", address(master), "V4_9_7", *UNMEASURED],
        ["DefaultCluster", "broker-a", "1", address(slave), "V4_9_7", *UNMEASURED],
        ["DefaultCluster", "broker-b", "0", address(other), "V4_9_7", *UNMEASURED],
    ]


async def test_cluster_list_has_rocketmqs_columns(tmp_path, mq):
    async with cluster(tmp_path) as (server, *_):
        _, out, _ = await mq("clusterList", "-n", server.address)
    assert out.splitlines()[0] == (
        "#Cluster Name     #Broker Name            #BID  #Addr                  "
        "#Version                #InTPS(LOAD)       #OutTPS(LOAD) #PCWait(ms) "
        "#Hour #SPACE"
    )


async def test_a_broker_that_does_not_answer_keeps_its_row_in_the_cluster_list(mq):
    at = f"{HOST}:{free_port()}"
    header = RegisterBroker("broker-x", at, "c", f"{HOST}:1", 0)
    async with name_server() as server:
        server.routes.register(header, TopicTable(), "connection", 0)
        code, out, _ = await mq("clusterList", "-n", server.address)
    assert code == 0
    assert rows(out)[1:] == [["c", "broker-x", "0", at, "-", *UNMEASURED]]


async def test_topic_list_has_every_topic_once(tmp_path, mq):
    async with cluster(tmp_path) as (server, *_):
        code, out, _ = await mq("topicList", "-n", server.address)
    topics = out.split()
    assert code == 0
    assert {"TBW102", "broker-a", "broker-b", "DefaultCluster"} <= set(topics)
    assert len(topics) == len(set(topics))


async def test_topic_route_is_json(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, _):
        code, out, _ = await mq("topicRoute", "-n", server.address, "-t", "broker-a")
    assert code == 0
    route = json.loads(out)
    addresses = {"0": address(master), "1": address(slave)}
    assert [one["brokerAddrs"] for one in route["brokerDatas"]] == [addresses]
    (queues,) = route["queueDatas"]
    assert (queues["brokerName"], queues["readQueueNums"], queues["perm"]) == (
        "broker-a",
        1,
        7,
    )


async def test_the_route_of_an_unknown_topic_is_an_error(tmp_path, mq):
    async with cluster(tmp_path) as (server, *_):
        code, out, err = await mq("topicRoute", "-n", server.address, "-t", "orders")
    assert (code, out) == (1, "")
    assert err == (
        "topicRoute: No topic route info in name server for the topic: orders\n"
    )


async def test_topic_status_has_a_row_for_every_queue(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, *_):
        arguments = "-n", server.address, "-t", "orders", "-r", "2", "-w", "2"
        await mq("updateTopic", *arguments, "-b", address(master))
        async with Producer("shop", server.address) as producer:
            queue = MessageQueue("orders", "broker-a", 1)
            await producer.send(Message("orders", b"coffee"), queue)
        master.store.dispatch()
        code, out, _ = await mq("topicStatus", *arguments[:4])
    titles, empty, full = out.splitlines()
    assert code == 0
    assert titles == (
        "#Broker Name                      #QID  #Min Offset           "
        "#Max Offset             #Last Updated"
    )
    assert empty.split() == ["broker-a", "0", "0", "0"]
    assert full.split()[:4] == ["broker-a", "1", "0", "1"]
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    assert re.fullmatch(moment, " ".join(full.split()[4:]))


async def test_update_topic_creates_it_on_one_broker(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, _, other):
        at = address(master)
        arguments = "-t", "orders", "-b", at, "-r", "3", "-w", "5", "-p", "4"
        code, out, _ = await mq("updateTopic", "-n", server.address, *arguments)
        assert other.memory.topics.get("orders") is None
    assert code == 0
    assert out == (
        f"create topic to {at} success.\n"
        "TopicConfig [topicName=orders, readQueueNums=3, writeQueueNums=5, perm=R--, "
        "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false]\n"
    )


async def test_update_topic_creates_it_on_every_master_of_a_cluster(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, other):
        arguments = "-n", server.address, "-t", "orders", "-c", "DefaultCluster"
        code, out, _ = await mq("updateTopic", *arguments)
        found = [broker.memory.topics.get("orders") for broker in (master, other)]
    assert code == 0
    assert [one.write_queue_nums for one in found] == [8, 8]
    assert out.count("success.") == 2
    assert address(slave) not in out


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ((), "updateTopic: give either -b, a broker's address, or -c"),
        (("-b", "h:1", "-c", "c"), "updateTopic: give either -b, a broker's address"),
        (("-c", "shop"), "no master in cluster 'shop'; clusters known: DefaultCluster"),
        (("-c", "DefaultCluster", "-w", "many"), "updateTopic: invalid literal"),
        (("-c", "DefaultCluster", "-t", "two words"), "contains illegal characters"),
    ],
)
async def test_an_update_topic_that_cannot_be_done_says_why(tmp_path, mq, flags, why):
    async with cluster(tmp_path) as (server, *_):
        arguments = "-n", server.address, "-t", "orders", *flags
        code, _, err = await mq("updateTopic", *arguments)
    assert code == 1
    assert why in err


async def test_broker_status_has_a_line_for_each_measurement(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, *_):
        await master.ha_master.has_slave.wait()
        arguments = "-n", server.address, "-b", address(master)
        code, out, _ = await mq("brokerStatus", *arguments)
    found = dict(line.split(":", 1) for line in out.splitlines())
    assert code == 0
    assert found["haSlaveCount".ljust(32)] == " 1"
    assert found["brokerVersionDesc".ljust(32)] == " V4_9_7"


async def test_a_broker_that_is_away_is_an_error_that_names_it(mq):
    at = f"{HOST}:{free_port()}"
    code, _, err = await mq("brokerStatus", "-n", "", "-b", at)
    assert code == 1
    assert err.startswith(f"brokerStatus: connect to {at} failed")


async def test_a_name_server_that_is_away_is_an_error_that_names_it(mq):
    at = f"{HOST}:{free_port()}"
    code, _, err = await mq("clusterList", "-n", at)
    assert code == 1
    assert err.startswith(f"clusterList: no name server answered: connect to {at}")


async def test_without_a_name_server_the_error_says_so(mq, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    code, _, err = await mq("clusterList")
    assert code == 1
    assert err.startswith("clusterList: no name server answered: none is given.")


async def test_the_environment_may_name_the_name_servers(tmp_path, mq, monkeypatch):
    async with name_server() as server:
        monkeypatch.setenv("NAMESRV_ADDR", server.address)
        assert (await mq("topicList"))[0] == 0


async def test_an_unknown_command_has_rocketmqs_text_and_a_usage_errors_code(mq):
    code, _, err = await mq("makeCoffee")
    assert (code, err) == (64, "The sub command makeCoffee not exist.\n")


@pytest.mark.parametrize("arguments", [(), ("help",)])
async def test_without_a_command_all_are_listed(mq, arguments):
    code, out, _ = await mq(*arguments)
    assert code == 0
    listed = [line.split()[0] for line in out.splitlines()[1:-2]]
    assert listed == list(mqadmin.COMMANDS)


@pytest.mark.parametrize("command", mqadmin.COMMANDS)
def test_help_names_a_commands_flags(command, capsys):
    with pytest.raises(SystemExit) as told:
        mqadmin.run(["help", command])
    said = capsys.readouterr().out
    assert told.value.code == 0
    flags = [f"-{flag.short} " for flag in mqadmin.COMMANDS[command].flags]
    assert all(flag in said for flag in ["-n ", *flags])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["topicRoute"], "the following arguments are required: -t"),
        (["topicList", "-x"], "unrecognized arguments: -x"),
        (["brokerStatus", "-b"], "argument -b: expected one argument"),
    ],
)
def test_a_usage_error_says_what_is_wrong_and_exits_with_64(arguments, why, capsys):
    with pytest.raises(SystemExit) as told:
        mqadmin.run(arguments)
    assert told.value.code == 64
    assert why in capsys.readouterr().err
