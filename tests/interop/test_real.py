"""What the tests with real nodes stand on: processes that end, and reasons."""

from __future__ import annotations

import asyncio
import signal
import sys

import psutil
import pytest

from tests.interop.jars import VARIABLE, NotReady, prepare
from tests.interop.real import running

CHATTY = "print('boot success', flush=True); import time; time.sleep(600)"


def python(code):
    return [sys.executable, "-c", code]


async def test_a_node_that_does_not_start_says_why(tmp_path):
    (tmp_path / "broker.log").write_text("the disk is gone\n")
    node = running(python("print('no good')"), tmp_path)
    with pytest.raises(AssertionError, match=r"no good[^$]*the disk is gone"):
        await node.__aenter__()


async def test_a_node_ends_with_its_test_and_so_does_what_it_started(tmp_path):
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHATTY!r}])"
    async with running(python(code), tmp_path) as node:
        parent = psutil.Process(node.pid)
        (child,) = parent.children()
    assert not parent.is_running()
    # An orphan's end is told to nobody here: it may be seen as a zombie.
    await asyncio.to_thread(psutil.wait_procs, [child], 30)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


async def test_a_node_that_is_stopped_by_a_signal_can_still_be_ended(tmp_path):
    async with running(python(CHATTY), tmp_path) as node:
        node.signal(signal.SIGSTOP)
    assert not psutil.pid_exists(node.pid)


def programs(folder, monkeypatch, **scripts):
    """Have a machine with these programs and no other."""
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv(VARIABLE, str(folder / "jars"))


JDK_17 = {"java": "echo 'openjdk version \"17.0.1\"'", "javac": ""}


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({}, "javac is not there: install a JDK, 8 to 17"),
        ({"javac": ""}, "has no java: install a JDK, 8 to 17"),
        (JDK_17, "nor is mvn there"),
        (JDK_17 | {"mvn": "echo '[ERROR] no network'; exit 1"}, "failed: .* network"),
    ],
)
def test_a_machine_that_cannot_run_rocketmq_is_told_what_it_lacks(
    there, reason, tmp_path, monkeypatch
):
    programs(tmp_path, monkeypatch, **there)
    with pytest.raises(NotReady, match=reason):
        prepare("4.9.7")
