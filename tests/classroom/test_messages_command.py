"""`rmqlab send` and `rmqlab consume` by hand, on a real cluster."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys

import pytest

from rmqlab.client.blocking import BlockingProducer
from rmqlab.protocol.message import Message
from tests.classroom.conftest import run, run_json


@pytest.fixture(autouse=True)
def interruptible():
    """Have processes know Ctrl-C, even where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def consumer(*arguments):
    """Run `rmqlab consume` in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "rmqlab.cli", "consume", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Else a busy machine's slow steps would be among the complaints.
        env=os.environ | {"PYTHONASYNCIODEBUG": ""},
    ) as process:
        yield process


def bodies(done):
    """Return what was shown of each message, sorted."""
    return sorted(line.partition("  ")[2] for line in done.stdout.splitlines())


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


def test_what_is_not_shown_is_left_to_the_group(one_master):
    for number in range(8):
        run("send", "portions", f"{number}")
    asked = ("portions", "--group", "hungry", "--from-first", "--seconds", "20")
    counts = ("1", "3", "4")
    portions = [bodies(run("consume", *asked, "--count", one)) for one in counts]
    assert [len(one) for one in portions] == [1, 3, 4]
    assert sorted(itertools.chain(*portions)) == [f"{number}" for number in range(8)]


def test_two_groups_get_everything_each(one_master):
    run("send", "news", "to all", "--count", "3")
    for group in ("one", "two"):
        asked = ("--group", group, "--from-first", "--count", "3")
        assert bodies(run("consume", "news", *asked)) == ["to all"] * 3


def test_ctrl_c_ends_consuming_in_good_order(one_master):
    run("send", "orders", "before")
    arguments = ("--from-first", "--group", "interrupted", "--json")
    with consumer("orders", *arguments) as process:
        assert json.loads(process.stdout.readline())["topic"] == "orders"
        os.kill(process.pid, signal.SIGINT)
        _, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")


def test_ctrl_c_loses_nothing_that_was_not_shown(one_master):
    run("send", "flood", "drop", "--count", "200")
    asked = ("flood", "--group", "swimmers", "--from-first", "--json")
    with consumer(*asked) as process:
        shown = {process.stdout.readline()}
        os.kill(process.pid, signal.SIGINT)
        shown.update(process.stdout)
    with consumer(*asked, "--seconds", "20") as process:
        while len(shown) < 200 and (line := process.stdout.readline()):
            shown.add(line)
        os.kill(process.pid, signal.SIGINT)
    assert len(shown) == 200


def test_a_reader_that_goes_away_ends_consuming(one_master):
    # More than a pipe holds: the consumer must still have something to say.
    run("send", "pipes", "x" * 1000, "--count", "300")
    with consumer("pipes", "--group", "plumbers", "--from-first") as process:
        process.stdout.readline()
        process.stdout.close()
        complaints = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in complaints


def test_a_body_that_is_no_text_is_shown_all_the_same(one_master):
    with one_master.producer() as producer:
        BlockingProducer.send(producer, Message("bytes", b"\xff\x00"))
    came = run_json("consume", "bytes", "--from-first", "--count", "1")
    assert came["body"] == "\N{REPLACEMENT CHARACTER}\0"


def test_a_topics_name_that_no_broker_takes_is_explained(one_master):
    done = run("send", "a b", "hello")
    assert done.exit_code == 1
    assert "illegal characters" in done.stderr


def test_a_body_that_no_broker_takes_is_explained(one_master):
    done = run("send", "orders", "")
    assert done.exit_code == 1
    assert "the message body length is zero. Send a byte at least" in done.stderr


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


def test_consuming_from_nobody_says_what_to_start(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    done = run("consume", "orders", "--count", "1")
    assert done.exit_code == 1
    assert "no cluster is up: `rmqlab up 2m-2s-sync` starts one" in done.stderr


@pytest.mark.parametrize("command", [["send", "t", "x"], ["consume", "t"]])
def test_a_cluster_that_is_not_up_is_named_with_those_that_are(one_master, command):
    done = run(*command, "--name", "nosuch")
    assert done.exit_code == 1
    assert "cluster 'nosuch' is not up" in done.stderr
    assert one_master.name in done.stderr
