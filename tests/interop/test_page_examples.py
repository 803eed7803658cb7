"""The examples of docs/testing.md that need more than rmqlab alone."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop import jars, others
from tests.testing.page import shown

BOUND_S = 100
PLUGIN = "rmqlab.pytest_plugin"


def run(*command, folder):
    """Run a program that must succeed, with this Python as `python3`."""
    own = Path(sys.executable).parent
    path = os.pathsep.join([str(own), os.environ["PATH"]])
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BOUND_S,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", jars.VERSIONS)
def test_the_example_in_java_passes_with_rocketmqs_client(version, tmp_path):
    client = jars.release(version)
    with_ours = replace(client, class_path=f"{tmp_path}:{client.class_path}")
    names = shown(".java", tmp_path)
    run("javac", "-cp", with_ours.class_path, *names, folder=tmp_path)
    run(*with_ours.command(tmp_path, "OrdersTest"), folder=tmp_path)


def test_the_example_in_go_passes_with_rocketmqs_client(tmp_path):
    assert shown("_test.go", tmp_path) == ["orders_test.go"]
    shutil.copy(others.HERE / "go" / "go.mod", tmp_path)
    program = others.go_program(tmp_path, "test", "-c")
    run(program, "-test.v", folder=tmp_path)


def test_the_example_of_a_cluster_passes(tmp_path):
    shown(".py", tmp_path)
    found = importlib.metadata.entry_points(group="pytest11", name="rmqlab")
    plugin = [] if found else ["-p", PLUGIN]  # installed before there was one
    command = [sys.executable, "-m", "pytest", "-W", "error", *plugin]
    run(*command, "test_cluster.py", folder=tmp_path)
