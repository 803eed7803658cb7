"""What checks make of answers."""

from __future__ import annotations

from rmqlab.classroom import exercises, notebooks
from rmqlab.classroom.checks import CheckFailed


def solution(exercise_id):
    """Return the texts of a solution's answer cells."""
    notebook = notebooks.load(exercises.entry(exercise_id).solution)
    return [cell.source for cell in notebooks.cells_of(notebook, "answer")]


def found(check, trial):
    """Return what a check complains of; empty where it is content."""
    try:
        check(trial)
    except CheckFailed as failed:
        said = failed
    else:
        return ""
    assert said.why
    assert said.next_step
    assert said.reproduce
    return f"{said.expected}; {said.found}"
