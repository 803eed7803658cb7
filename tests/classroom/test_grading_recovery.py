"""Grading functions: they are called apart, and known wrong ones fail."""

from __future__ import annotations

import json
import logging

import pytest

from rmqlab.classroom import exercises
from rmqlab.classroom.checks import CheckFailed
from rmqlab.classroom.checks import ex11_predict_recovery as predict
from rmqlab.classroom.checks.crashed import crashed, picture_and_truth
from rmqlab.classroom.grading import apart, rerun
from rmqlab.classroom.grading.apart import Apart, NoResult
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.verify.shown import verify_files
from tests.classroom.graded import found, solution

SEED = 7


# Functions


def test_a_function_gets_what_stands_in_the_cells_before_it():
    sources = ["import math\n\ndef half(n):\n    return n // 2", "a = 1"]
    trial = Trial.of("x", 1, [*sources, "def quarter(n):\n    return half(half(n))"])
    assert trial.function("quarter", "a function")(12) == 3
    assert trial.answers["a"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("{1, 2}", "not JSON serializable"),
        ("exit()", "without a result"),
        ("__import__('os')._exit(0)", "without a result"),
        ("__import__('os').write(1, b'{\"result\": 1}')", "without a result"),
    ],
)
def test_a_function_without_a_result_is_told_why(body, said):
    trial = Trial.of("04_expiry", 7, [f"def f(n):\n    return {body}"])
    with pytest.raises(CheckFailed) as caught:
        trial.function("f", "a function")(1)
    assert said in caught.value.found
    assert caught.value.reproduce == "rmqlab grade 04_expiry --seed 7"


def test_a_function_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(apart, "MOST_S", 0.5)
    with pytest.raises(NoResult, match=r"within 0.5 s"):
        Apart("def f(n):\n    while True:\n        pass", "f")(1)


def test_what_a_function_prints_and_changes_is_nobodys_business():
    source = "def f(n):\n    print(n)\n    n.clear()\n    return 5"
    given = [1, 2]
    assert Trial.of("x", 1, [source]).function("f", "one")(given) == 5
    assert given == [1, 2]


@pytest.mark.parametrize("source", ["", "f = 5", "f = int", "def g(n):\n    return n"])
def test_an_answer_that_is_no_function_is_said_to_be_none(source):
    with pytest.raises(CheckFailed) as caught:
        Trial.of("x", 1, [source]).function("f", "a function")
    assert caught.value.expected == "f: a function"


def test_a_function_that_writes_the_mark_itself_gets_none():
    forged = json.dumps({"check": "c", "title": "", "points": 3, "verdict": "passed"})
    source = (
        "import os\n"
        "def starts_at(picture):\n"
        f"    out = os.open(f'/proc/{{os.getppid()}}/fd/1', os.O_WRONLY)\n"
        f"    os.write(out, {forged!r}.encode() + b'\\n')\n"
    )
    entry = exercises.entry("11_predict")
    mark = rerun.judge(entry.exercise, [source], 1)["recovery_starts_where_you_say"]
    assert mark.verdict == "failed"


# Predict recovery

NO_MARGIN = ("- 3000", "- 0")
ALL_TIMES = ('min(times["log_ms"], times["queues_ms"])', "min(times.values())")
FROM_THE_FIRST = ("starts_at(picture) if", "0 if")
READS_ALL = ('if picture["abort"] else float("inf")', "")
LEAVES_HOLES = ('and one["offset"] >= start', "and False")
UNREADABLE = ("first is not None and first", "(first or 0)")

WRONG_PREDICTIONS = {
    "no margin": (NO_MARGIN, predict.recovery_starts_where_you_say),
    "all three times": (ALL_TIMES, predict.recovery_starts_where_you_say),
    "heads that cannot be read": (UNREADABLE, predict.recovery_starts_where_you_say),
    "holes are left in a torn log": (LEAVES_HOLES, predict.a_torn_tail_is_predicted),
    "holes are left in a log": (LEAVES_HOLES, predict.damage_is_predicted),
    "all of the log is read": (FROM_THE_FIRST, predict.damage_is_predicted),
    "a stop is a crash": (READS_ALL, predict.damage_is_predicted),
}


def in_kernel(sources, seed=SEED):
    """Return a trial as a notebook makes it: with functions of this process."""
    names = {}
    exec("\n".join(sources), names)
    functions = {name: names[name] for name in ("starts_at", "keeps")}
    return Trial("11_predict_recovery", seed, functions)


@pytest.mark.parametrize(
    "check", predict.EXERCISE.checks.values(), ids=lambda c: c.name
)
def test_recovery_is_predicted_by_the_solution_whatever_the_seed(check):
    for seed in (SEED, 100, 10**8):
        assert found(check.run, in_kernel(solution("11_predict"), seed)) == ""


@pytest.mark.parametrize("how", WRONG_PREDICTIONS)
def test_a_wrong_prediction_of_recovery_fails_by_its_own_check(how):
    (right, wrong), check = WRONG_PREDICTIONS[how]
    sources = [one.replace(right, wrong) for one in solution("11_predict")]
    assert sources != solution("11_predict")
    assert "with seed" in found(check, in_kernel(sources))


def test_pictures_are_made_by_their_seeds_alone_and_agree_with_verify():
    for kind in ("torn", "damaged"):
        picture, truth = picture_and_truth(kind, SEED)
        store = crashed(kind, SEED)
        assert store.picture == picture
        end = verify_files(store.files).log_end_after
        entries = [one for file in picture["files"] for one in file["entries"]]
        starts = {one["offset"]: one for one in entries}
        assert end in starts or end == entries[-1]["offset"] + entries[-1]["size"]
        assert len(truth.kept) < sum(one["number"] is not None for one in entries)


def test_a_store_alone_says_nothing_and_leaves_the_loggers_as_they_were(caplog):
    before = logging.getLogger("rmqlab").level
    picture_and_truth("damaged", SEED)
    assert caplog.records == []
    assert logging.getLogger("rmqlab").level == before
