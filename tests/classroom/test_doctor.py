"""The doctor: what it says of a machine that lacks something."""

from __future__ import annotations

import errno
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


def test_a_home_that_cannot_be_made_is_broken_and_says_what_to_set(
    monkeypatch, tmp_path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "file" / "home"))
    [finding] = found("disk")
    assert (finding.state, finding.next_step) == (
        "broken",
        "set RMQLAB_HOME to a folder that you may write to",
    )
    assert "Not a directory" in finding.found


def test_a_loopback_that_is_down_is_broken(monkeypatch):
    class NoSocket(socket.socket):
        def bind(self, address):
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(doctor.socket, "socket", NoSocket)
    finding = next(doctor._network())
    assert (finding.what, finding.state) == ("loopback", "broken")
    assert "ip link set lo up" in finding.next_step


def test_ports_that_nobody_holds_are_ok(monkeypatch):
    monkeypatch.setattr(doctor, "ARTICLE_PORTS", ())
    [finding] = found("ports")
    assert finding.state == "ok"


@pytest.mark.parametrize(
    ("running", "told"), [([], "up: none"), (["a", "b"], "up: a, b")]
)
def test_which_clusters_are_up_is_told(monkeypatch, running, told):
    monkeypatch.setattr(doctor.registry, "running", lambda: running)
    [finding] = found("clusters")
    assert (finding.state, finding.found) == ("ok", told)


def test_what_is_absent_lets_the_course_run(monkeypatch):
    absent = doctor.Finding("Java", "absent", "none", "install [it]")
    monkeypatch.setattr(doctor, "examine", lambda: [absent])
    done = run("doctor")
    assert done.exit_code == 0
    assert "install [it]" in done.stdout
    assert run_json("doctor") == [absent._asdict()]
