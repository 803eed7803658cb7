"""mqadmin: RocketMQ's commands, flags, columns and exit codes, as a process would."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from rmqlab import mqadmin
from rmqlab.client import Producer
from rmqlab.protocol.bodies import TopicTable
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.routing import RegisterBroker
from tests.mqadmin.conftest import cluster, rows
from tests.support import HOST, address, free_port, name_server

LOADED = re.compile(r"\d+\.\d\d\(\d+,\d+ms\)|-")
UNMEASURED = ["-"] * 6


async def test_cluster_list_has_a_row_for_every_broker(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, other):
        code, out, _ = await mq("clusterList", "-n", server.address)
    assert code == 0
    assert [row[:5] for row in rows(out)[1:]] == [
        ["DefaultCluster", "broker-a", "0", address(master), "V4_9_7"],
        ["DefaultCluster", "broker-a", "1", address(slave), "V4_9_7"],
        ["DefaultCluster", "broker-b", "0", address(other), "V4_9_7"],
    ]
    assert all(LOADED.fullmatch(one) for row in rows(out)[1:] for one in row[5:7])


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
    assert rows(out)[1:] == [["c", "broker-x", "0", at, *UNMEASURED]]


async def test_topic_list_has_every_topic_once(tmp_path, mq):
    async with cluster(tmp_path) as (server, *_):
        code, out, _ = await mq("topicList", "-n", server.address)
    topics = out.split()
    assert code == 0
    assert {"TBW102", "broker-a", "broker-b", "DefaultCluster"} <= set(topics)
    assert len(topics) == len(set(topics))


async def test_topic_route_is_what_fastjson_prints_pretty(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, _):
        code, out, _ = await mq("topicRoute", "-n", server.address, "-t", "broker-a")
    assert code == 0
    assert out == (
        '{\n\t"brokerDatas":[\n\t\t{\n'
        f'\t\t\t"brokerAddrs":{{0:"{address(master)}",1:"{address(slave)}"\n\t\t\t}},\n'
        '\t\t\t"brokerName":"broker-a",\n\t\t\t"cluster":"DefaultCluster"\n'
        '\t\t}\n\t],\n\t"filterServerTable":{},\n\t"queueDatas":[\n\t\t{\n'
        '\t\t\t"brokerName":"broker-a",\n\t\t\t"perm":7,\n'
        '\t\t\t"readQueueNums":1,\n\t\t\t"topicSysFlag":0,\n'
        '\t\t\t"writeQueueNums":1\n\t\t}\n\t]\n}\n'
    )


async def test_topic_route_as_a_list_ends_with_the_sums(tmp_path, mq):
    async with cluster(tmp_path) as (server, master, slave, other):
        arguments = "-n", server.address, "-t", "BenchmarkTest", "--list"
        code, out, _ = await mq("topicRoute", *arguments)
    titles, first, second, rule, total = out.splitlines()
    assert code == 0
    assert titles.split()[0] == "#ClusterName"
    both = f"{{0={address(master)}, 1={address(slave)}}}"
    assert first.split(maxsplit=2)[2].split("  ")[0] == both
    assert second.split() == (
        ["DefaultCluster", "broker-b", f"{{0={address(other)}}}", "1024", "1024", "6"]
    )
    assert set(rule) == {"-"}
    assert total.split() == ["Total:", "2", "2048", "2048"]


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
        ((), "updateTopic: one of the arguments -b/--brokerAddr -c/--clusterName is"),
        (("-b", "h:1", "-c", "c"), "-c/--clusterName: not allowed with argument -b"),
        (("-c", "shop"), "'shop' is unknown; known: DefaultCluster"),
        (("-c", "DefaultCluster", "-w", "many"), "invalid int value: 'many'"),
        (("-c", "DefaultCluster", "-o", "yes"), "invalid truth value: 'yes'"),
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
    assert err == (
        "clusterList: no name server is given: -n host:port;… or NAMESRV_ADDR\n"
    )


async def test_the_environment_may_name_the_name_servers(tmp_path, mq, monkeypatch):
    async with name_server() as server:
        monkeypatch.setenv("NAMESRV_ADDR", server.address)
        assert (await mq("topicList"))[0] == 0


async def test_an_unknown_command_has_rocketmqs_text_and_the_next_step(mq):
    code, _, err = await mq("makeCoffee")
    assert code == 1
    assert err == (
        "makeCoffee: The sub command makeCoffee not exist. See 'mqadmin help'.\n"
    )


@pytest.mark.parametrize("arguments", [(), ("help",)])
async def test_without_a_command_all_are_listed(mq, arguments):
    code, out, _ = await mq(*arguments)
    assert code == 0
    listed = [line.split()[0] for line in out.splitlines()[1:-2]]
    assert listed == list(mqadmin.COMMANDS)


@pytest.mark.parametrize("arguments", [("help", "sendMessage"), ("sendMessage", "-h")])
async def test_a_commands_help_is_rocketmqs(mq, arguments):
    code, out, _ = await mq(*arguments)
    assert code == 0
    usage, wrapped, *flags = out.splitlines()
    assert usage == (
        "usage: mqadmin sendMessage [-b <arg>] [-c <arg>] [-h] [-i <arg>] [-k <arg>] "
        "[-m <arg>] [-n <arg>] -p <arg> -t"
    )
    assert wrapped == "       <arg>"
    assert flags == [
        " -b,--broker <arg>           Send message to target broker",
        " -c,--tags <arg>             Message tags",
        " -h,--help                   Print help",
        " -i,--qid <arg>              Send message to target queue",
        " -k,--key <arg>              Message keys",
        " -m,--msgTraceEnable <arg>   Message Trace Enable, Default: false",
        (
            " -n,--namesrvAddr <arg>      Name server address list, eg: "
            "'192.168.0.1:9876;192.168.0.2:9876'"
        ),
        " -p,--body <arg>             UTF-8 string format of the message body",
        " -t,--topic <arg>            Topic name",
    ]


async def test_of_the_flags_of_a_target_the_help_says_that_one_must_be_given(mq):
    _, out, _ = await mq("help", "brokerStatus")
    assert out.splitlines()[0] == (
        "usage: mqadmin brokerStatus -b <arg> | -c <arg> [-h] [-n <arg>]"
    )


@pytest.mark.parametrize("name", mqadmin.COMMANDS)
async def test_the_help_of_every_command_names_each_flag_once(mq, name):
    code, out, _ = await mq("help", name)
    assert code == 0
    flags = mqadmin.COMMANDS[name].flags
    lines = [line for line in out.splitlines() if line.startswith(" -")]
    assert len(lines) == len(flags) + 2
    assert lines == sorted(lines, key=str.lower)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["topicRoute"], "the following arguments are required: -t/--topic"),
        (["topicList", "-x"], "unrecognized arguments: -x"),
        (["brokerStatus", "-b"], "argument -b/--brokerAddr: expected one argument"),
        (["topicRoute", "--top", "x"], "required: -t/--topic"),
        (["resetOffsetByTime", *"-g g -t t -s noon".split()], "value: 'noon'"),
    ],
)
async def test_a_usage_error_says_in_one_line_what_is_wrong(mq, arguments, why):
    code, out, err = await mq(*arguments)
    assert (code, out) == (1, "")
    assert why in err
    assert err.endswith(f"See 'mqadmin help {arguments[0]}'.\n")
    assert err.count("\n") == 1


def test_who_reads_only_the_beginning_hears_no_complaint():
    """As `mqadmin help | head -1`: the pipe's reading end is gone at once."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as broken:
        done = subprocess.run(
            [sys.executable, "-m", "rmqlab.mqadmin", "help"],
            stdout=broken,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")
