"""The command line: help, wrong usage, and what programs read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import Context

from rmqlab.classroom import course
from rmqlab.classroom.commands import EX_USAGE, clusters, rmqlab
from tests.classroom.conftest import run

COMMANDS = rmqlab.list_commands(Context(rmqlab))


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
    [
        ["nosuch"],
        ["up"],
        ["kill"],
        ["send", "orders"],
        ["send", "orders", "x", "--count", "0"],
        ["consume", "orders", "--count", "-1"],
        ["consume", "orders", "--seconds", "-1"],
        ["lab", "--port", "65536"],
        ["demo", "--seconds", "-1"],
        ["hint", "01", "--level", "one"],
        ["grade", "01", "--dir", "nosuch"],
        ["list", "--nosuch"],
    ],
)
def test_wrong_usage_ends_with_the_code_that_is_usual_for_it(arguments):
    assert run(*arguments).exit_code == EX_USAGE


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


def test_watching_no_cluster_says_how_to_start_one(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    monkeypatch.setattr(clusters.time, "sleep", pytest.fail)
    done = run("status", "--all", "--watch")
    assert done.exit_code == 0
    assert "no cluster is up: `rmqlab up 2m-2s-sync` starts one" in done.stdout


def test_watching_goes_on_until_ctrl_c(one_master, monkeypatch):
    shown = []

    def look_again(seconds):
        shown.append(seconds)
        if len(shown) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(clusters.time, "sleep", look_again)
    done = run("status", "--watch")
    assert done.exit_code == 0
    assert len(shown) == 3
    assert "broker-a" in done.stdout


@pytest.mark.parametrize("verb", ["kill", "stop", "pause", "resume", "restart"])
def test_a_node_that_there_is_not_is_an_error_that_names_those(one_master, verb):
    done = run(verb, "broker-z")
    assert done.exit_code == 1
    assert "no node 'broker-z'" in done.stderr
    assert "namesrv1, broker-a" in done.stderr


def test_a_command_without_a_course_says_where_to_go(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course, "MARK", Path("labs") / "nosuch.ipynb")
    done = run("list")
    assert done.exit_code == 1
    assert "no course here" in done.stderr
    assert "Change to one" in done.stderr


@pytest.mark.parametrize("command", [["up", "1m"], ["hint", "01"]])
def test_a_home_that_cannot_be_made_is_an_error_that_says_what_to_set(
    monkeypatch, tmp_path, command
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "file" / "home"))
    done = run(*command)
    assert done.exit_code == 1
    assert "cannot be made (Not a directory): set RMQLAB_HOME" in done.stderr
