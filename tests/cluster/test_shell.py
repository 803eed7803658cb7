"""Clusters from the shell: a detached owner, its messages, and what `down` ends."""

from __future__ import annotations

import json
import os
import signal
import socket

import psutil
import pytest

from rmqlab.classroom import registry
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK
from tests.cluster.conftest import are_gone, shell, shell_json

NODE_KEYS = {"name", "host", "role", "address", "pid"}


def test_up_in_json_says_where_everything_is(home):
    up = shell_json("up", "1m", "--name", "mine")  # it would hang on a held stream
    assert set(up) == {"name", "runtime", "name_servers", "startup_s", "nodes"}
    assert (up["name"], up["runtime"]) == ("mine", "local")
    assert [node["name"] for node in up["nodes"]] == ["namesrv1", "broker-a"]
    for node in up["nodes"]:
        assert node.keys() == NODE_KEYS
        assert psutil.pid_exists(node["pid"])
    assert up["name_servers"] == up["nodes"][0]["address"]
    assert up["startup_s"] > 0

    status = shell_json("status")
    assert status["nodes"][1]["state"] == "usable"
    assert shell("down").stdout == "mine: down\n"
    assert are_gone(node["pid"] for node in up["nodes"])


def test_each_verb_says_what_became_of_the_node(home):
    shell_json("up", "1m")
    said = [shell(verb, "broker-a").stdout for verb in (
        "kill", "restart", "pause", "resume", "stop",
    )]  # fmt: skip
    states = ("killed", "usable", "paused", "usable", "stopped")
    assert said == [f"broker-a: {state}\n" for state in states]


def test_down_ends_paused_nodes_too(home):
    up = shell_json("up", "1m")
    shell("pause", "broker-a")
    shell("pause", "namesrv1")
    assert shell("down").returncode == 0
    assert are_gone(node["pid"] for node in up["nodes"])


def test_down_cleans_up_after_an_owner_that_was_killed(home):
    up = shell_json("up", "1m")
    shell("pause", "broker-a")  # it will not notice that its owner is gone
    broker = up["nodes"][1]["pid"]
    os.kill(registry.read_state("1m")["pid"], signal.SIGKILL)

    down = shell("down")
    assert down.returncode == 0
    assert "its owner was gone already; ended" in down.stdout
    assert "broker-a" in down.stdout
    assert are_gone([broker])
    assert shell("down").stdout == "no cluster is up\n"


def test_a_second_up_says_what_runs_already(home):
    shell_json("up", "1m")
    again = shell("up", "1m")
    assert again.returncode == 1
    for part in ("'1m' is up already", "rmqlab down --name 1m", "--name"):
        assert part in again.stderr


@pytest.mark.skipif(not HAS_LOOPBACK_NETWORK, reason="hosts share one address here")
def test_a_taken_port_names_who_holds_it(home):
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        up = shell("up", "1m", "--set", f"listenPort={port}")
    assert up.returncode == 1
    assert f"port {port} is held by process {os.getpid()}" in up.stdout
    assert "rmqlab lint" not in up.stdout  # the files are right


def test_one_of_several_clusters_must_be_named(home):
    with Cluster.up("1m", name="one"), Cluster.up("1m", name="two"):
        status, down = shell("status"), shell("down")
        named = shell_json("status", "--name", "two")
        everything = shell_json("status", "--all")
    assert status.returncode == down.returncode == 1
    assert "--name takes one of: one, two" in status.stderr
    assert "which cluster? There are one, two" in down.stderr
    assert named["name"] == "two"
    assert [one["name"] for one in everything] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "3m"], "no topology '3m': there are 1m"),
        (["up", "1m", "--runtime", "cloud"], "no runtime 'cloud' yet"),
        (["up", "1m", "--set", "listenPort"], "write KEY=VALUE"),
        (["status"], "no cluster is up: `rmqlab up 2m-2s-sync` starts one"),
        (["kill", "broker-a", "--name", "x"], "no cluster is up"),
        (["down", "--name", "x"], "cluster 'x' is not up"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(home, arguments, said):
    done = shell(*arguments)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_articles_folder_comes_up_in_part_and_says_why(home):
    up = shell("up", "article", "--json")
    assert up.returncode == 1
    nodes = {node["name"]: node for node in json.loads(up.stdout)["nodes"]}
    for name in ("broker-a-s", "broker-b-s"):
        assert nodes[name].keys() == NODE_KEYS | {"state", "why"}
        assert "Lock failed,MQ already started" in nodes[name]["why"]
    for options in ([], ["--json"]):
        assert "Lock failed,MQ already started" in shell("status", *options).stdout


def test_what_files_do_wrong_is_said_to_be_lints_business(home):
    up = shell("up", "article")
    assert up.returncode == 1
    assert "broker-a-s failed: Lock failed,MQ already started" in up.stdout
    assert "`rmqlab lint article` says what is to be mended" in up.stdout
    assert "up in" not in up.stdout


def test_a_nodes_log_is_shown_though_it_is_dead(home):
    shell_json("up", "1m")
    shell("kill", "broker-a")
    shown = shell("logs", "broker-a", "--lines", "200")
    assert shown.returncode == 0
    assert "registered name_server=" in shown.stdout
    inside = shell("exec", "broker-a", "--", "ls", "-l")
    assert inside.returncode == 1
    assert "no container but a process" in inside.stderr
    assert "just run 'ls -l'" in inside.stderr
