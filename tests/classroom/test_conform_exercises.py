"""`rmqlab conform --exercises`: what it makes of how solutions are graded."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rmqlab.classroom import checks
from rmqlab.classroom.commands import EX_USAGE, rmqlab
from rmqlab.classroom.conform import exercises, known
from rmqlab.classroom.grading.marks import Marks
from rmqlab.classroom.release import HOME_VARIABLE

ID = "01_one_master"
CHECK = next(iter(checks.find(ID).checks))
WHY = "Ours are a little greener."


@pytest.fixture
def grader(monkeypatch):
    """Have the first check fail, or nothing be graded, where a test says so."""
    said = {"fails on": [], "problem on": []}

    def grade(exercise, answered, pristine):
        assert answered == pristine
        marks = Marks.of(exercise)
        for mark in marks.marks:
            mark.verdict = "passed"
        if exercise.runtime in said["fails on"]:
            marks.marks[0].verdict, marks.marks[0].found = "failed", "a red one"
        if exercise.runtime in said["problem on"]:
            marks.problem = "no address is left"
        return marks

    monkeypatch.setattr(exercises, "grade", grade)
    monkeypatch.setattr(known, "KNOWN", {})
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    return said


def call(*arguments):
    return CliRunner().invoke(rmqlab, ["conform", "--exercises", *arguments])


def test_every_exercise_with_nodes_is_solved_on_both(grader):
    told = call("--json")
    assert told.exit_code == 0
    found = {one["name"]: one["verdict"] for one in json.loads(told.stdout)["claims"]}
    on_nodes = [one for one in checks.all_ids() if checks.find(one).runtime == "local"]
    assert found == dict.fromkeys(on_nodes, "same")


def test_what_passes_on_ours_alone_is_a_failure(grader):
    grader["fails on"] = ["rocketmq"]
    told = call("--only", ID)
    assert told.exit_code == 1
    assert f'at {CHECK}\n    ours   "passed"' in told.stdout
    assert 'theirs "failed: a red one"' in told.stdout


def test_what_is_known_not_to_pass_is_explained(grader, monkeypatch):
    grader["fails on"] = ["rocketmq"]
    monkeypatch.setattr(known, "KNOWN", {"": {ID: {CHECK: WHY}}})
    told = call("--only", ID)
    assert told.exit_code == 0
    assert WHY in told.stdout


def test_a_solution_that_passes_nowhere_is_no_agreement(grader):
    grader["fails on"] = ["local", "rocketmq"]
    told = call("--only", ID)
    assert told.exit_code == 1
    assert "local: its solution does not pass" in told.stdout


def test_what_could_not_be_graded_is_a_failure(grader):
    grader["problem on"] = ["rocketmq"]
    told = call("--only", ID)
    assert told.exit_code == 1
    assert "rocketmq: no address is left" in told.stdout


def test_a_page_has_no_table_of_exercises(grader, tmp_path):
    page = tmp_path / "page.md"
    page.touch()
    told = call("--into", str(page))
    assert told.exit_code == EX_USAGE
    assert page.read_text("utf-8") == ""
