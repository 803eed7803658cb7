"""Hosts on which nodes are started by typing their commands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from rmqlab.classroom import by_hand, registry
from rmqlab.classroom.runtime import ClusterError

HOSTS = {"host1": "192.168.157.128", "host2": "192.168.157.129"}
LEAVE = """
import json, os, signal
from rmqlab.classroom.by_hand import by_hand
left = by_hand("x", host1="10.0.0.1").type("host1", "mqnamesrv")
print(json.dumps(left.started), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    """Return two hosts with nothing on them."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    found = by_hand.by_hand("x", **HOSTS)
    yield found
    found.close()


def test_what_is_typed_runs_on_its_host_and_ends_with_ctrl_c(hosts):
    at = hosts.addresses["host2"]
    name_server = hosts.type("host2", "mqnamesrv")
    assert (name_server.exit_code, "boot success" in name_server.text) == (None, True)
    hosts.write("host2", "conf/a.properties", f"brokerIP1={at}\nbrokerName=mine\n")
    hosts.type("host2", f"mqbroker -c conf/a.properties -n {at}:9876")
    asked = hosts.type("host1", f"mqadmin clusterList -n {at}:9876")
    assert f"{at}:10911" in asked.text
    assert repr(asked).startswith("host1$ mqadmin clusterList")
    assert "broker started name=mine" in hosts.read(
        "host2", "logs/rocketmqlogs/broker.log"
    )
    name_server.interrupt()
    assert repr(name_server).endswith("\nexit code 0")


def test_a_command_that_fails_shows_why(hosts):
    typed = hosts.type("host1", "mqbroker -c nowhere")
    assert repr(typed) == (
        "host1$ mqbroker -c nowhere\n"
        "cannot read nowhere: No such file or directory\n"
        "exit code 255"
    )


@pytest.mark.parametrize(
    ("host", "command"), [("host3", "mqnamesrv"), ("host1", "rm -r x")]
)
def test_only_rocketmqs_commands_run_and_only_on_hosts(hosts, host, command):
    with pytest.raises(ClusterError, match="there are host1, host2, and mqnamesrv"):
        hosts.type(host, command)


def test_a_lab_that_is_run_again_finds_its_hosts_empty(hosts):
    hosts.write("host1", "a", "text")
    again = by_hand.by_hand("x", **HOSTS)
    assert list((again.folder / "host1").iterdir()) == []
    again.close()


def test_what_a_killed_notebook_left_is_ended_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    left = subprocess.run(
        [sys.executable, "-c", LEAVE], stdout=subprocess.PIPE, check=False
    )
    assert left.returncode == -signal.SIGKILL
    node = json.loads(left.stdout)
    assert registry.is_process(node["pid"], node["started"])
    by_hand.by_hand("x", host1="10.0.0.1").close()
    assert not registry.is_process(node["pid"], node["started"])


@pytest.mark.parametrize("rubbish", ["{", "7", json.dumps({"nodes": []})])
def test_rubbish_where_the_terminals_are_written_down_is_passed_over(hosts, rubbish):
    hosts.close()
    (hosts.folder / by_hand.STARTED).write_text(rubbish)
    by_hand.by_hand("x", **HOSTS).close()
    assert (hosts.folder / "host1").is_dir()
