"""`rmqlab admin`: mqadmin's rows as tables, as JSON, and again and again."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom.commands import EX_USAGE, admin
from rmqlab.mqadmin import COMMANDS
from tests.classroom.conftest import run, run_json

LOAD = {
    *("cluster", "broker", "broker_id", "address", "version", "in_tps", "send_queue"),
    *("send_wait_ms", "out_tps", "pull_queue", "pull_wait_ms", "page_cache_wait_ms"),
    *("hours", "space"),
}


@pytest.fixture(autouse=True)
def _no_name_servers_in_the_environment(monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)


def test_the_cluster_that_is_up_is_asked_without_a_flag(one_master):
    found = run_json("admin", "clusterList")
    (broker,) = found["brokers"]
    assert set(broker) == LOAD
    assert (broker["broker"], broker["broker_id"]) == ("broker-a", 0)


def test_name_servers_may_be_given_as_to_mqadmin(one_master, monkeypatch, tmp_path):
    at = one_master.name_servers
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))  # where no cluster is up
    assert run("admin", "clusterList", "-n", at).exit_code == 0
    monkeypatch.setenv("NAMESRV_ADDR", at)
    assert run("admin", "clusterList").exit_code == 0


def test_without_a_cluster_the_error_says_how_to_start_one(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    done = run("admin", "clusterList")
    assert done.exit_code == 1
    assert "no cluster is up" in done.stderr


def test_rows_are_a_table_with_rocketmqs_columns(one_master):
    done = run("admin", "clusterList")
    titles, _, line = [one for one in done.stdout.splitlines() if one.strip()]
    assert done.exit_code == 0
    assert titles.split("  ")[0].strip() == "cluster"
    assert "in tps (load)" in titles
    assert "broker-a" in line


def test_a_column_that_nobody_fills_is_left_out(one_master):
    (broker,) = run_json("admin", "clusterList")["brokers"]
    done = run("admin", "brokerStatus", "-b", broker["address"])
    assert "address" not in done.stdout.splitlines()[1]
    done = run("admin", "brokerStatus", "-c", broker["cluster"])
    assert "address" in done.stdout.splitlines()[1]


def test_rows_of_several_kinds_are_named_in_json(one_master):
    found = run_json("admin", "topicRoute", "-t", "BenchmarkTest", "-l")
    (queues,) = found["brokers"]
    assert (queues["read_queues"], queues["perm"]) == (1024, 6)
    assert list(queues["addresses"]) == ["0"]
    assert found["total"] == [
        {"brokers": 1, "read_queues": 1024, "write_queues": 1024},
    ]


def test_a_kind_without_rows_is_there_all_the_same(one_master):
    found = run_json("admin", "statsAll", "-t", "nosuch")
    assert found == {"topics": []}
    done = run("admin", "statsAll", "-t", "nosuch")
    assert "accumulation" in done.stdout


def test_a_route_is_standard_json(one_master):
    (route,) = run_json("admin", "topicRoute", "-t", "TBW102")["route"]
    assert set(route) == {"brokerDatas", "filterServerTable", "queueDatas"}
    assert list(route["brokerDatas"][0]["brokerAddrs"]) == ["0"]


def test_what_is_said_stands_between_the_tables(one_master):
    (broker,) = run_json("admin", "clusterList")["brokers"]
    done = run("admin", "updateTopic", "-b", broker["address"], "-t", "teas")
    first, settings = done.stdout.splitlines()
    assert done.exit_code == 0
    assert first.startswith("create topic to ")
    assert settings.startswith("TopicConfig [topicName=teas, ")
    assert settings.endswith("]")


def test_watching_looks_again_until_ctrl_c(one_master, monkeypatch):
    waited = []

    def wait(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(admin.time, "sleep", wait)
    done = run("admin", "topicList", "--watch", "2", "--json")
    assert done.exit_code == 0
    assert waited == [2, 2, 2]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 3
    assert {"topic": "TBW102"} in lines[0]["topics"]


def test_watching_goes_on_when_a_round_fails(one_master, monkeypatch):
    rounds = []

    def wait(seconds):
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(admin.time, "sleep", wait)
    done = run("admin", "topicStatus", "-t", "nosuch", "--watch", "0.5")
    text = "No topic route info in name server for the topic: nosuch"
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [text] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["makeCoffee"],
        ["topicRoute"],
        ["topicList", "-x"],
        ["topicList", "--watch", "0"],
        ["help", "makeCoffee"],
    ],
)
def test_wrong_usage_is_told_and_asks_nobody(arguments):
    done = run("admin", *arguments)
    assert done.exit_code == EX_USAGE
    assert "Error: " in done.stderr


def test_a_command_that_fails_is_one_line_and_the_exit_code(one_master):
    done = run("admin", "topicStatus", "-t", "nosuch")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: No topic route info in name server for the topic: nosuch\n"
    )


@pytest.mark.parametrize("arguments", [["help", "topicRoute"], ["topicRoute", "-h"]])
def test_a_commands_help_is_mqadmins(arguments):
    done = run("admin", *arguments)
    assert done.exit_code == 0
    assert done.stdout.startswith("usage: mqadmin topicRoute [-h] [-l]")


def test_help_lists_all_commands():
    done = run("admin", "help")
    assert done.exit_code == 0
    assert all(f"   {name} " in done.stdout for name in COMMANDS)
