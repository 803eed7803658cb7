"""`rmqlab grade`: its exit codes where nothing can be graded, and its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmqlab.classroom import course as course_module
from rmqlab.classroom import runtimes
from rmqlab.classroom.checks import find
from rmqlab.classroom.grading.marks import ExitCode
from rmqlab.classroom.release import HOME_VARIABLE
from tests.classroom.conftest import run

FIRST = "01_one_master.ipynb"


def test_without_a_course_the_environment_is_at_fault(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course_module, "MARK", Path("labs") / "nosuch.ipynb")
    done = run("grade", "01")
    assert done.exit_code == ExitCode.ENVIRONMENT
    assert "no course here" in done.stderr


@pytest.mark.parametrize("text", ["rubbish", '{"cells": [], "metadata": {}}'])
def test_a_solution_that_is_none_was_tampered_with(course, text):
    (course / "solutions" / FIRST).write_text(text)
    done = run("grade", "01")
    assert done.exit_code == ExitCode.TAMPERED
    assert FIRST in done.stderr
    assert "`git checkout` brings it back" in done.stderr


@pytest.mark.parametrize("way", [["--runtime", "rocketmq"], []])
def test_on_a_runtime_that_lacks_something_the_environment_is_at_fault(
    course, monkeypatch, way
):
    monkeypatch.setenv(HOME_VARIABLE, str(course / "home"))
    if not way:
        monkeypatch.setenv(runtimes.VARIABLE, "rocketmq")
    done = run("grade", "01", *way, "--json")
    assert done.exit_code == ExitCode.ENVIRONMENT
    (exercise,) = json.loads(done.stdout)["exercises"]
    assert f"{HOME_VARIABLE} is {course / 'home'}, and" in exercise["problem"]
    again = {check["reproduce"] for check in exercise["checks"]}
    assert again == {"rmqlab grade 01_one_master --runtime rocketmq"}


def test_an_exercise_that_needs_a_runtime_of_its_own_keeps_it():
    for needy in ("04_expiry", "12_fix_wrong_advertised_address"):
        assert find(needy).on("rocketmq") is find(needy)
    on_nodes = find("01_one_master")
    assert on_nodes.on("rocketmq").runtime == "rocketmq"
    assert on_nodes.on("rocketmq").checks == on_nodes.checks


def test_a_missing_answer_fails_and_the_report_says_what_to_run_again(course):
    (course / "my answers").mkdir()
    done = run("grade", "01", "--dir", "my answers", "--json")
    assert done.exit_code == ExitCode.FAILED
    (exercise,) = json.loads(done.stdout)["exercises"]
    assert "cannot be read as a notebook" in exercise["problem"]
    again = {check["reproduce"] for check in exercise["checks"]}
    assert again == {"rmqlab grade 01_one_master --dir 'my answers'"}
