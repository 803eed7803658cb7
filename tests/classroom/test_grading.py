"""Grading end to end: real notebooks, a real cluster each, and those who cheat."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from rmqlab.classroom import exercises, notebooks, registry
from rmqlab.classroom.grading.grader import Limits, grade
from rmqlab.classroom.grading.marks import ExitCode
from tests import daemon

ONE_MASTER = exercises.entry("01")

SAY_YES = """
import builtins
import traceback
from IPython import get_ipython
from rmqlab.classroom.grading import kernel
TITLES = [check.title for check in ex._exercise.checks.values()]
said = builtins.print
def say_yes(*what, **how):
    said(f"✓ {TITLES.pop(0)} (3 points)")
builtins.print = kernel.print = say_yes
traceback.print_exc = get_ipython().showtraceback = lambda *a, **k: None
"""
OWN_BROKER = """
from rmqlab.classroom.lab import LabCluster
from rmqlab.classroom.grading.witness import Place
mine = LabCluster.up("1m", name=f"mine-{ex.nonce}")
ex.cluster, ex._place = mine, Place(mine.name, ex.nonce)
admin, producer = mine.admin(), ex.producer()
admin.create_topic(topic, queues=2)
for i in range(10):
    tag = "paid" if i % 2 == 0 else "open"
    producer.send(topic, f"{ex.nonce}-{i}", keys=f"order-{i}", tags=tag)
producer.send(topic, f"{ex.nonce}-patient")
def create(admin, topic): ...
"""
CHEATS = {
    "prints what a passed check prints": (SAY_YES, "no such topic"),
    "kills its kernel": ("import os; os._exit(0)", "the kernel died"),
    "kills its kernel hard": (
        "import os; os.kill(os.getpid(), 9)",
        "the kernel died",
    ),
    "kills pytest": (
        "import os; os.kill(os.getppid(), 9)",
        "nbval's process ended before",
    ),
    "loops for ever": ("while True: pass", "took longer than allowed"),
    "talks to a broker of its own": (OWN_BROKER, "no such topic"),
}


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep this test's clusters apart from everybody else's."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))
    yield
    assert registry.running() == []


def answered(tmp_path: Path, change) -> Path:
    """Save the unsolved exercise with its first answer cell changed by `change`."""
    notebook = notebooks.load(ONE_MASTER.solution)
    change(notebook)
    notebooks.save(notebook, tmp_path / "answered.ipynb")
    return tmp_path / "answered.ipynb"


def cell(notebook, name: str):
    """Return the cell whose id ends so."""
    return next(one for one in notebook.cells if one.id.endswith(name))


def place(entry):
    """Return what to grade an exercise in: those on Docker need its daemon alone."""
    on_docker = entry.exercise.runtime == "docker"
    return daemon.exclusive() if on_docker else contextlib.nullcontext()


def graded(path: Path, limits: Limits | None = None):
    return grade(ONE_MASTER.exercise, path, ONE_MASTER.solution, limits)


@pytest.mark.parametrize("entry", exercises.all_entries(), ids=lambda one: one.id)
def test_a_solution_gets_all_points(entry):
    with place(entry):
        marks = grade(entry.exercise, entry.solution, entry.solution)
    assert (marks.score, marks.exit_code) == (10, ExitCode.PASSED), marks


@pytest.mark.parametrize("entry", exercises.all_entries(), ids=lambda one: one.id)
def test_an_unsolved_exercise_gets_none_and_a_hint_of_every_checks_own(entry, tmp_path):
    unsolved = tmp_path / "unsolved.ipynb"
    notebooks.save(notebooks.without_answers(notebooks.load(entry.solution)), unsolved)
    with place(entry):
        marks = grade(entry.exercise, unsolved, entry.solution)
    assert (marks.score, marks.exit_code) == (0, ExitCode.FAILED)
    hints = {mark.next_step for mark in marks.marks}
    assert len(hints) == len(marks.marks)
    assert all(mark.expected and mark.found and mark.why for mark in marks.marks)


@pytest.mark.parametrize("how", CHEATS)
def test_a_notebook_scores_nothing_that(how, tmp_path):
    source, reason = CHEATS[how]

    def cheat(notebook):
        for one in notebooks.cells_of(notebook, "answer"):
            one.source = "def create(*a): ...\nsend_orders = send_patiently = create"
        cell(notebook, "answer-topic").source = source + "\ndef create(*a): ..."

    marks = graded(answered(tmp_path, cheat), Limits(cell_s=8))
    assert (marks.score, marks.exit_code) == (0, ExitCode.FAILED)
    told = json.dumps(marks.to_json(), ensure_ascii=False)
    assert reason in told, told


def test_an_edited_check_cell_changes_nothing_and_is_mentioned(tmp_path):
    def edit(notebook):
        cell(notebook, "patience-pays").source = "print('passed')"

    marks = graded(answered(tmp_path, edit))
    assert marks.score == 10
    assert marks.remarks == [
        "check cell '01-patience-pays' was edited: the original ran instead"
    ]


def test_an_answer_cell_that_is_there_twice_is_tampering(tmp_path):
    notebook = json.loads(ONE_MASTER.solution.read_text("utf-8"))
    first = next(one for one in notebook["cells"] if one["id"] == "01-answer-topic")
    notebook["cells"].append(first)
    path = tmp_path / "answered.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")  # as no editor would save it
    marks = graded(path)
    assert (marks.score, marks.exit_code) == (0, ExitCode.TAMPERED)
    assert "there 2 times" in marks.problem


def test_an_answer_cell_that_is_missing_is_tampering(tmp_path):
    def remove(notebook):
        notebook.cells.remove(cell(notebook, "answer-topic"))

    marks = graded(answered(tmp_path, remove))
    assert (marks.score, marks.exit_code) == (0, ExitCode.TAMPERED)
    assert "there 0 times" in marks.problem


@pytest.mark.parametrize("rubbish", [b"\x00rubbish", b"{}", None])
def test_a_file_that_is_no_notebook_or_not_there_passes_no_check(tmp_path, rubbish):
    path = tmp_path / "answered.ipynb"
    if rubbish is not None:
        path.write_bytes(rubbish)
    marks = graded(path)
    assert (marks.score, marks.exit_code) == (0, ExitCode.FAILED)
    assert "cannot be read as a notebook" in marks.problem
    assert "`rmqlab reset 01_one_master` gives a fresh one" in marks.problem


def test_a_changed_grader_is_noticed(tmp_path, monkeypatch):
    manifest = json.loads(Path(exercises.pristine.MANIFEST).read_text("utf-8")) | {
        "grading/grader.py": "0" * 64
    }
    changed = tmp_path / "manifest.json"
    changed.write_text(json.dumps(manifest))
    monkeypatch.setattr(exercises.pristine, "MANIFEST", changed)
    marks = graded(ONE_MASTER.solution)
    assert (marks.score, marks.exit_code) == (0, ExitCode.TAMPERED)
    assert "grading/grader.py" in marks.problem
