"""Exercise 11: what recovery keeps of a crashed store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.crashed import Kind, picture_and_truth
from rmqlab.classroom.grading.trial import Trial

EXERCISE = Exercise("11_predict_recovery", topology="1m", runtime="sim")

STORES = 16
"""Of each kind; a function that is asked about each takes a process for it."""
STARTS = "a function: picture → log offset at which recovery starts to read"
KEEPS = "a function: picture → numbers of the messages that are left, in order"

Wrong = Callable[[str, str], None]
"""Told what was expected and what was found; ends the check."""


@EXERCISE.check(points=3)
def recovery_starts_where_you_say(see: Trial) -> None:
    """You know from which file on recovery reads the log after a crash."""
    starts_at = see.function("starts_at", STARTS)
    for kind in ("torn", "damaged"):
        for seed in see.seeds(STORES):
            picture, truth = picture_and_truth(kind, seed)
            said = starts_at(picture)
            if said != truth.starts_at or isinstance(said, bool):
                fail(
                    expected=f"starts_at: {truth.starts_at} of the {kind} store with "
                    f"seed {seed}",
                    found=f"{said!r}"[:100],
                    why="the log may have hundreds of files: a broker reads no more of "
                    "them than it must, and trusts the checkpoint with the rest",
                    next_step="hold the first message of each file against the "
                    "checkpoint: which of its times count, and what is taken off? And "
                    "if a file's first message cannot be read, or no file is safe?",
                    reproduce=see.reproduce,
                )


@EXERCISE.check(points=3)
def a_torn_tail_is_predicted(see: Trial) -> None:
    """You know what is left after the power failed and pages were lost or torn."""
    _is_kept(
        see,
        ("torn",),
        why="a log has no holes: what is behind the first record that is none is cut "
        "off, sound or not",
        next_step="go through the entries from where recovery starts, and stop at the "
        "first that is not sound; a lost blank ends the log, too",
    )


@EXERCISE.check(points=4)
def damage_is_predicted(see: Trial) -> None:
    """You know what is left where a bit flipped: after a death, and after a stop."""
    _is_kept(
        see,
        ("damaged", "stopped"),
        why="damage where recovery reads takes every message behind it; damage that "
        "recovery never reads takes one: nobody is served it",
        next_step="ask of each damaged message whether recovery reads it: is there an "
        "abort file, and does the message lie behind the start?",
    )


def _is_kept(see: Trial, kinds: tuple[Kind, ...], why: str, next_step: str) -> None:
    keeps = see.function("keeps", KEEPS)
    for kind in kinds:
        for seed in see.seeds(STORES):
            picture, truth = picture_and_truth(kind, seed)
            said = keeps(picture)
            if said != truth.kept:
                fail(
                    expected=f"keeps: {_short(truth.kept)} of the {kind} store with "
                    f"seed {seed}",
                    found=_short(said),
                    why=why,
                    next_step=next_step,
                    reproduce=see.reproduce,
                )


def _short(numbers: Any) -> str:
    """Return a list of numbers as ranges: ``0-17, 19-30``."""
    if not isinstance(numbers, list) or not all(type(one) is int for one in numbers):
        return f"{numbers!r}"[:100]
    spans: list[list[int]] = []
    for one in numbers:
        if spans and one == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], one]
        else:
            spans.append([one, one])
    return ", ".join(f"{first}-{last}" for first, last in spans)[:100] or "none"
