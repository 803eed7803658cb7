"""The command line: help, wrong usage, and messages by hand on a real cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from click import Context

from rmqlab.classroom.commands import EX_USAGE, rmqlab
from tests.classroom.conftest import run, run_json

COMMANDS = [one for one in rmqlab.list_commands(Context(rmqlab)) if one != "admin"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_has_an_example(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"  rmqlab {command}" in done.stdout


def test_without_a_command_there_is_help():
    done = run()
    assert "rmqlab up 2m-2s-sync" in done.output
    assert all(f"  {command} " in done.output for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [["nosuch"], ["up"], ["kill"], ["send", "orders"], ["list", "--nosuch"]],
)
def test_wrong_usage_ends_with_the_code_that_is_usual_for_it(arguments):
    assert run(*arguments).exit_code == EX_USAGE


def test_admin_has_mqadmins_commands(one_master):
    done = run("admin", "clusterList", "-n", one_master.name_servers)
    assert done.exit_code == 0


def test_what_is_sent_is_consumed(one_master):
    sent = run_json("send", "orders", "one coffee", "--tags", "paid", "--keys", "k7")
    assert sent["status"] == "SEND_OK"
    came = run_json("consume", "orders", "--from-first", "--count", "1")
    assert (came["body"], came["tags"], came["keys"]) == ("one coffee", "paid", "k7")
    assert came["msg_id"] == sent["msg_id"]
    assert f"{came['topic']}@{came['broker']}:{came['queue_id']}" == sent["queue"]


def test_as_many_are_sent_as_one_asks_for_and_each_tells_its_place(one_master):
    lines = run("send", "many", "again", "--count", "5").stdout.splitlines()
    assert len(lines) == len({line.split()[1] for line in lines}) == 5
    assert {line.split()[0] for line in lines} == {"SEND_OK"}


def test_only_the_tags_that_one_asks_for_are_consumed(one_master):
    for tag in ("paid", "open", "sent"):
        run("send", "tagged", f"is {tag}", "--tags", tag)
    wanted = ("--tags", "paid || sent", "--from-first", "--count", "2")
    said = run("consume", "tagged", *wanted).stdout
    assert sorted(line.partition("  ")[2] for line in said.splitlines()) == [
        "is paid",
        "is sent",
    ]


def test_consuming_ends_when_its_time_is_over(one_master):
    run("send", "quiet", "old")
    done = run("consume", "quiet", "--seconds", "0.01", "--group", "late")
    assert (done.stdout, done.exit_code) == ("", 0)


def test_ctrl_c_ends_consuming_in_good_order(one_master):
    run("send", "orders", "before")
    command = [sys.executable, "-m", "rmqlab.cli", "consume", "orders", "--from-first"]
    with subprocess.Popen(
        [*command, "--group", "interrupted", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as consumer:
        assert json.loads(consumer.stdout.readline())["topic"] == "orders"
        os.kill(consumer.pid, signal.SIGINT)
        _, complaints = consumer.communicate()
    assert (consumer.returncode, complaints) == (0, "")


def test_sending_to_nobody_says_what_to_start(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    done = run("send", "orders", "hello")
    assert done.exit_code == 1
    assert "no cluster is up: `rmqlab up 2m-2s-sync` starts one" in done.stderr


def test_a_name_server_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    done = run("send", "orders", "hello", "-n", "127.0.0.1:1")
    assert done.exit_code == 1
    assert "127.0.0.1:1" in done.stderr


def test_what_lint_cannot_read_is_named(tmp_path):
    done = run("lint", str(tmp_path / "nosuch.properties"))
    assert done.exit_code == 1
    assert "nosuch.properties" in done.stderr


def test_lint_in_json_says_file_line_and_next_step():
    done = run("lint", "article", "--json")
    assert done.exit_code == 1
    findings = json.loads(done.stdout)
    assert {"file", "line", "what", "next_step"} == findings[0].keys()
    assert any("Lock failed" in one["next_step"] for one in findings)
