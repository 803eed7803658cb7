"""The real RocketMQ on this machine: what is said where it, or what it needs, lacks."""

from __future__ import annotations

from collections import namedtuple

import psutil
import pytest

from rmqlab.classroom import doctor, release
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.release import HOME_VARIABLE, find
from rmqlab.classroom.runtime import ClusterError

Memory = namedtuple("Memory", "available")  # noqa: PYI024 - as psutil's
JARS = "rocketmq-broker-4.9.7.jar", "rocketmq-namesrv-4.9.7.jar"
JAVA_17 = """echo 'openjdk version "17.0.1"' >&2"""


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Return a folder that is said to be a release; no other program is there."""
    folder = tmp_path / "release"
    folder.mkdir()
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "clusters"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def put(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def put_java(folder, says=JAVA_17):
    (folder / "java").write_text(f"#!/bin/sh\n{says}\n")
    (folder / "java").chmod(0o755)


@pytest.mark.parametrize("inside", ["", "lib"])
def test_an_unpacked_release_is_found_and_so_is_a_folder_of_jars(
    home, tmp_path, inside
):
    put(home / inside, *JARS, "rocketmq-client-4.9.7.jar")
    put_java(tmp_path)
    found = find()
    assert (found.version, found.class_path) == ("4.9.7", f"{home / inside}/*")
    command = found.command(tmp_path, "Main", "-c", "file")
    assert command[0] == str(tmp_path / "java")
    assert command[-5:] == ["-cp", f"{home / inside}/*", "Main", "-c", "file"]


@pytest.mark.parametrize(
    ("jars", "reason"),
    [
        ([], "neither there nor in its lib is a rocketmq-broker"),
        (["rocketmq-broker-5.1.0.jar"], r"has RocketMQ 5.1.0, and only 4.4 and 4.9"),
        (["rocketmq-broker-4.90.0.jar"], r"has RocketMQ 4.90.0, and only"),
        ([JARS[0]], "lacks rocketmq-namesrv-4.9.7.jar"),
        ([*JARS, "rocketmq-broker-4.4.0.jar"], "the jars of 4.4.0 and 4.9.7"),
    ],
)
def test_what_is_no_release_that_is_known_is_refused(home, tmp_path, jars, reason):
    put(home, *jars)
    put_java(tmp_path)
    with pytest.raises(ClusterError, match=reason):
        find()


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("""echo 'version "21"'""", "'version \"21\"', no good for RocketMQ 4"),
        (
            """echo 'version "1.7.0"'""",
            "no good for .*: install a JDK, 8 to 17",
        ),
        ("", "says 'nothing'"),
    ],
)
def test_a_java_that_is_too_new_or_too_old_is_refused(home, tmp_path, says, reason):
    put(home, *JARS)
    put_java(tmp_path, says)
    with pytest.raises(ClusterError, match=reason):
        find()


def test_java_home_is_asked_first(home, tmp_path, monkeypatch):
    put(home, *JARS)
    put_java(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(ClusterError, match=r"jdk has no java: .*have JAVA_HOME name"):
        find()
    put(tmp_path / "jdk")
    put(tmp_path / "jdk" / "bin")
    put_java(tmp_path / "jdk" / "bin", """echo 'version "1.8.0_402"'""")
    assert find().java == str(tmp_path / "jdk" / "bin" / "java")


def test_a_cluster_says_at_once_what_it_lacks(home):
    put(home, *JARS)
    with pytest.raises(ClusterError, match="this machine has no java"):
        Cluster.up("1m", runtime="rocketmq")


def test_too_little_memory_is_told_before_anything_is_started(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1 << 30))
    with pytest.raises(ClusterError, match=r"6 nodes .* need 1.5 GiB .* 1.0 are left"):
        release.check_memory(6)
    release.check_memory(4)


def findings():
    return {one.what: one for one in doctor.examine()}


def test_the_doctor_says_what_the_real_one_needs(home, tmp_path, monkeypatch):
    assert findings()["Java"].state == "absent"
    assert findings()["RocketMQ"].state == "broken"
    put(home, *JARS)
    put_java(tmp_path)
    assert findings()["Java"].found == str(tmp_path / "java")
    assert findings()["RocketMQ"].found == f"4.9.7 in {home}"
    monkeypatch.delenv(HOME_VARIABLE)
    assert "have ROCKETMQ_HOME name" in findings()["RocketMQ"].next_step
