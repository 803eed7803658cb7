"""The doctor: what it says of a machine that lacks something."""

from __future__ import annotations

import shutil
import socket
from collections import namedtuple

import psutil
import pytest

from rmqlab.classroom import doctor
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK
from tests.classroom.conftest import run, run_json

Memory = namedtuple("Memory", "available")  # noqa: PYI024 - as psutil's
Disk = namedtuple("Disk", "free")  # noqa: PYI024 - as shutil's


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))


def found(what):
    return [one for one in doctor.examine() if one.what == what]


def test_on_this_machine_the_course_can_run():
    assert [one for one in doctor.examine() if one.state == "broken"] == []
    assert {one["what"] for one in run_json("doctor")} >= {"Python", "disk", "Docker"}


@pytest.mark.parametrize(
    ("patch", "what", "next_step"),
    [
        ((doctor, "OLDEST_PYTHON", (9, 0)), "Python", "install Python 3.11"),
        ((doctor, "LIBRARIES", ("nosuch",)), "libraries", "pip install 'rmqlab[lab]'"),
        ((shutil, "disk_usage", lambda _: Disk(1)), "disk", "free at least 1 GiB"),
        ((psutil, "virtual_memory", lambda: Memory(1)), "memory", "close something"),
    ],
)
def test_what_the_course_needs_is_broken_where_it_lacks(
    monkeypatch, patch, what, next_step
):
    monkeypatch.setattr(*patch)
    [finding] = found(what)
    assert finding.state == "broken"
    assert next_step in finding.next_step
    done = run("doctor")
    assert done.exit_code == 1
    assert next_step in done.stdout


@pytest.mark.skipif(not HAS_LOOPBACK_NETWORK, reason="hosts share one address here")
def test_who_holds_a_port_of_the_article_on_every_address_is_named(monkeypatch):
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(doctor, "ARTICLE_PORTS", (port,))
        [finding] = found("ports")
    assert finding.state == "broken"
    assert f"port {port} is held by process" in finding.found


def test_a_docker_that_does_not_answer_is_absent_not_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nosuch.sock")
    [finding] = found("Docker")
    assert (finding.state, finding.found) == ("absent", "no daemon answers")
    assert "--runtime docker" in finding.next_step


def test_a_java_that_is_not_there_is_absent_not_broken(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    [finding] = found("Java")
    assert finding.state == "absent"
