"""A course of one's own, and `rmqlab` without a process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmqlab.classroom.commands import rmqlab
from rmqlab.classroom.lab import LabCluster

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a copy of the course, which is the one that commands find."""
    for folder in ("labs", "exercises", "solutions"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture(scope="module")
def one_master(tmp_path_factory):
    """Run the smallest cluster for a module's tests; the only one that they see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("home")))
        with LabCluster.up("1m") as cluster:
            yield cluster


def run(*arguments):
    """Run `rmqlab` here and return its result; its streams are apart."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(rmqlab, list(arguments))


def run_json(*arguments):
    """Run `rmqlab … --json`, which must succeed, and return what it printed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
