"""Grading exercise 03: known ways of not mending a store."""

from __future__ import annotations

import pytest

from rmqlab.classroom import exercises, notebooks
from rmqlab.classroom.grading.grader import grade
from rmqlab.classroom.grading.marks import ExitCode
from rmqlab.classroom.topology import LOCAL_PART

ENTRY = exercises.entry("03_fix")

EMPTIES_THE_STORE = """
import shutil
def mend(cluster, store, path):
    shutil.rmtree(store.root)
    cluster.restart("broker-a")
mend(ex.cluster, store, found)
"""
DOES_WITHOUT_AN_INDEX = f"""
def mend(cluster, store, path):
    [file] = store.root.parents[3].glob("conf/broker-a.properties")
    own, _, _ = file.read_text().partition({LOCAL_PART!r})
    cluster.configure("broker-a", own + "messageIndexEnable=false")
    cluster.restart("broker-a")
mend(ex.cluster, store, found)
"""
NAMES_ANOTHER_FILE = """
def culprit(store):
    return "checkpoint"
found = culprit(store)
"""
MENDS_WITHOUT_A_NAME = """
def mend(cluster, store, path):
    (store.root / "index").rename(store.root.parent / "index-cut-off")
    cluster.restart("broker-a")
mend(ex.cluster, store, found)
"""
WRONG_ANSWERS = {
    "empties the store": ({"mend": EMPTIES_THE_STORE}, [], ["0 orders", "0 of them"]),
    "does without an index": (
        {"mend": DOES_WITHOUT_AN_INDEX},
        ["the_culprit_is_named", "nothing_is_lost"],
        ["order-0 is not found"],
    ),
    "names another file": (
        {"culprit": NAMES_ANOTHER_FILE, "mend": MENDS_WITHOUT_A_NAME},
        ["nothing_is_lost", "every_key_is_found"],
        ["'checkpoint'"],
    ),
}


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep this test's clusters apart from everybody else's."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("how", WRONG_ANSWERS)
def test_a_store_is_not_mended_by_who(how, tmp_path):
    answers, passed, found = WRONG_ANSWERS[how]
    notebook = notebooks.load(ENTRY.solution)
    for cell in notebooks.cells_of(notebook, "answer"):
        cell.source = answers.get(cell.id.removeprefix("03-answer-"), cell.source)
    notebooks.save(notebook, tmp_path / "answered.ipynb")
    marks = grade(ENTRY.exercise, tmp_path / "answered.ipynb", ENTRY.solution)
    assert marks.exit_code is ExitCode.FAILED
    assert [mark.check for mark in marks.marks if mark.verdict == "passed"] == passed
    told = " ".join(mark.found for mark in marks.marks)
    assert [what for what in found if what not in told] == []
