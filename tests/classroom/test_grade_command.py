"""`rmqlab grade`: its exit codes where nothing can be graded, and its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmqlab.classroom import course as course_module
from rmqlab.classroom.grading.marks import ExitCode
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


def test_a_missing_answer_fails_and_the_report_says_what_to_run_again(course):
    (course / "my answers").mkdir()
    done = run("grade", "01", "--dir", "my answers", "--json")
    assert done.exit_code == ExitCode.FAILED
    (exercise,) = json.loads(done.stdout)["exercises"]
    assert "cannot be read as a notebook" in exercise["problem"]
    again = {check["reproduce"] for check in exercise["checks"]}
    assert again == {"rmqlab grade 01_one_master --dir 'my answers'"}
