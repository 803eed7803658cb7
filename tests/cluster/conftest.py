"""Clusters: a home of their own for each test, the shell's `rmqlab`, and Docker."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from tests import daemon

BOUND_S = 60


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Return the folder of this test's clusters; nobody else sees them."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    yield tmp_path
    shell("down", "--all")


@pytest.fixture
def docker(monkeypatch, tmp_path):
    """Return a client of the daemon; nobody else has the addresses meanwhile."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    with daemon.exclusive() as client:
        yield client


def shell(*arguments, environment=None):
    """Run `rmqlab` as the shell does and return what it said and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "rmqlab.cli", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        env=os.environ | {"COLUMNS": "200"} | (environment or {}),
    )


def shell_json(*arguments):
    """Run `rmqlab … --json`, which must succeed, and return what it printed."""
    done = shell(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def are_gone(pids):
    """Whether none of these processes lives; a dead one may wait to be reaped."""
    return not any(map(_lives, pids))


def _lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
