"""Grading what is simulated: answers are read, not run, and tried elsewhere."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom import exercises, notebooks
from rmqlab.classroom.checks import CheckFailed
from rmqlab.classroom.checks import ex03_decode_record as decode
from rmqlab.classroom.checks import ex04_expiry as expiry
from rmqlab.classroom.checks import ex04_two_that_disagree as two
from rmqlab.classroom.checks import ex11_choose_durability as choose
from rmqlab.classroom.checks import ex11_flush_and_crash as crash
from rmqlab.classroom.grading import rerun
from rmqlab.classroom.grading.grader import Limits, grade
from rmqlab.classroom.grading.marks import ExitCode
from rmqlab.classroom.grading.trial import Trial

ENTRY = exercises.entry("04_two")
WRONG = """
served = newborn = "topology 2m-2s-sync\\nat 1s kill broker-a\\nuntil 2s"
agree_after_s = 5
"""
SAY_YES = """
import builtins, traceback
from IPython import get_ipython
from rmqlab.classroom.grading import kernel
TITLES = [check.title for check in ex._exercise.checks.values()]
said = builtins.print
def say_yes(*what, **how):
    said(f"✓ {TITLES.pop(0)} (4 points)")
builtins.print = kernel.print = say_yes
traceback.print_exc = get_ipython().showtraceback = lambda *a, **k: None
"""
TRUE_SERVERS = """
from rmqlab.classroom.checks import bench
from rmqlab.classroom.checks import ex04_two_that_disagree as own
own._told = lambda cluster: {"namesrv1": ["a"], "namesrv2": ["b"]}
own._stored = lambda sender: 8
own._agreed_after = lambda seed: 4.0
"""
CHEATS = {
    "prints what a passed check prints": (SAY_YES, "all of 8 messages stored"),
    "changes rmqlab in its kernel": (TRUE_SERVERS, "all of 8 messages stored"),
    "kills its kernel": ("import os; os._exit(0)", "the kernel died"),
    "loops for ever": ("while True: pass", "took longer than allowed"),
}


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep this test's clusters apart from everybody else's."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))


def answered(tmp_path, change):
    """Save the solution, changed, as somebody's answers."""
    notebook = notebooks.load(ENTRY.solution)
    change(notebook)
    notebooks.save(notebook, tmp_path / "answered.ipynb")
    return tmp_path / "answered.ipynb"


def graded(path, **options):
    return grade(ENTRY.exercise, path, ENTRY.solution, **options)


def put(notebook, source):
    """Put a text before the first answer, and wrong ones in the place of all."""
    for number, cell in enumerate(notebooks.cells_of(notebook, "answer")):
        cell.source = WRONG if number else source + WRONG


@pytest.mark.parametrize("how", CHEATS)
def test_a_simulated_exercise_gives_nothing_to_a_notebook_that(how, tmp_path):
    source, reason = CHEATS[how]
    path = answered(tmp_path, lambda notebook: put(notebook, source))
    marks = graded(path, limits=Limits(cell_s=8), seed=1)
    assert (marks.score, marks.exit_code) == (0, ExitCode.FAILED)
    told = json.dumps(marks.to_json(), ensure_ascii=False)
    assert reason in told, told


def test_right_answers_of_a_kernel_that_dies_give_nothing(tmp_path):
    def die(notebook):
        cell = notebooks.cells_of(notebook, "answer")[0]
        cell.source += "\nimport os; os._exit(0)"

    marks = graded(answered(tmp_path, die))
    assert (marks.score, marks.exit_code) == (0, ExitCode.FAILED)


def test_an_answer_that_is_computed_is_right_in_the_notebook_and_gives_nothing(
    tmp_path,
):
    def compute(notebook):
        cell = notebooks.cells_of(notebook, "answer")[-1]
        cell.source = "agree_after_s = sum([10, 20])"

    marks = graded(answered(tmp_path, compute))
    assert marks.score == 8
    assert marks.marks[-1].found == "something that has to be computed first"


def test_an_edited_check_cell_of_a_simulated_exercise_is_mentioned(tmp_path):
    def edit(notebook):
        notebooks.cells_of(notebook, "check")[0].source = "print('passed')"

    marks = graded(answered(tmp_path, edit))
    assert marks.score == 10
    assert "was edited: the original ran instead" in marks.remarks[0]


# What the answers say


def test_answers_are_the_literals_that_a_cell_names_last():
    sources = ["a = 1\nb = [2, (3, None)]\na = 4", "c, d = 1, 2\nprint(a)", "e = -0.5"]
    assert Trial.of("x", 1, sources).answers == {"a": 4, "b": [2, (3, None)], "e": -0.5}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", "nothing yet"),
        ("a = ...", "nothing yet"),
        ("a = True", "True"),
        ("a = '5'", "'5'"),
        ("a = int('5')", "computed first"),
        ("a = 5\na = b", "computed first"),
        ("a = 5 +", "no Python"),
        ("a = " + "(" * 300, "no Python"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(source, found):
    trial = Trial.of("04_expiry", 7, [source])
    with pytest.raises(CheckFailed) as caught:
        trial.answer("a", int, "a number")
    assert found in caught.value.found
    assert caught.value.reproduce == "rmqlab grade 04_expiry --seed 7"


def test_an_answer_that_never_ends_is_stopped():
    served = 'served = """topology 2m-2s-sync\nat 1s cut host1\nuntil 135s"""'
    marks = rerun.judge(ENTRY.exercise, [served], seed=1, within_s=0.05)
    first = marks["they_differ_and_a_client_is_served"]
    assert first.verdict == "failed"
    assert first.expected.startswith("a result within 0.05 s")


# Known wrong answers


def solved(exercise_id):
    """Return a trial of an exercise's own solution, with the visible seed."""
    cells = notebooks.cells_of(
        notebooks.load(exercises.entry(exercise_id).solution), "answer"
    )
    return Trial.of(exercise_id, 1, [cell.source for cell in cells])


def text(*lines):
    return "\n".join(["topology 2m-2s-sync", *lines])


FORGOTTEN, RULE, STOPS = (
    solved("04_expiry").answers[name] for name in ("forgotten", "rule", "stops")
)
SURVIVES = solved("11_flush_and_crash").answers["survives"]
READ, LAYOUT, WIDTHS = (
    solved("03_decode_record").answers[name] for name in ("read", "layout", "widths")
)
WRONG_ANSWERS = [
    (decode.a_record_is_read_by_eye, {"read": READ | {"queue_id": "3"}}, "'queue_id'"),
    (decode.a_record_is_read_by_eye, {"read": READ | {"tags": None}}, "8 of them"),
    (
        decode.the_layout_reads_any_record,
        {"layout": LAYOUT | {"queue_offset": (24, 4)}},  # enough in the given record
        "at (24, 4)",
    ),
    (
        decode.the_layout_reads_any_record,
        {"layout": LAYOUT | {"store_timestamp": (48, 8)}},
        "at (48, 8)",
    ),
    (decode.the_layout_reads_any_record, {"layout": {"size": (0, 99)}}, "None at"),
    (
        decode.the_rest_is_found_by_its_lengths,
        {"widths": WIDTHS | {"topic": 2}},
        "the topic",
    ),
    (
        decode.the_rest_is_found_by_its_lengths,
        {"widths": WIDTHS | {"properties": "two"}},
        "the tag",
    ),
    (decode.the_rest_is_found_by_its_lengths, {"lengths_begin": 88}, "the body"),
    (decode.the_rest_is_found_by_its_lengths, {"marks": (2, 1)}, "the tag"),
    (decode.the_rest_is_found_by_its_lengths, {"marks": ("\x01", "\x02")}, "the tag"),
    (
        expiry.servers_forget_in_their_time,
        {"forgotten": FORGOTTEN | {("pause", "namesrv1"): (0, 1)}},
        "pause",
    ),
    (
        expiry.servers_forget_in_their_time,
        {"forgotten": FORGOTTEN | {("cut", "namesrv1"): (90, 130)}},
        "never",
    ),
    (
        expiry.servers_forget_in_their_time,
        {"forgotten": FORGOTTEN | {("cut", "namesrv2"): None}},
        "after",
    ),
    (
        expiry.servers_forget_in_their_time,
        {"forgotten": FORGOTTEN | {("kill", "namesrv1"): (0, 130)}},
        "0, 130",
    ),
    (
        expiry.the_second_follows_from_the_rule,
        {"rule": RULE | {"looks_every_s": 10}},
        "namesrv2 at",
    ),
    (
        expiry.the_second_follows_from_the_rule,
        {"rule": RULE | {"registers_every_s": 10}},
        "broker-a was started",
    ),
    (
        expiry.the_second_follows_from_the_rule,
        {"rule": dict.fromkeys(RULE, 0)},
        "second",
    ),
    (
        expiry.the_client_learns_in_its_time,
        {"stops": STOPS | {"kill": (0, 1)}},
        "after",
    ),
    (
        expiry.the_client_learns_in_its_time,
        {"stops": STOPS | {"pause": (90, 100)}},
        "after",
    ),
    (
        two.they_differ_and_a_client_is_served,
        {"served": text("at 1s restart namesrv1", "until 2s")},
        "[]",
    ),
    (
        two.they_differ_and_a_client_is_served,
        {"served": text("at 1s cut host1 from host2", "until 60s")},
        "namesrv1",
    ),
    (
        two.they_differ_and_a_client_is_served,
        {"served": text("at 1s cut host1 from host2", "until 999s")},
        "999s",
    ),
    (
        two.they_differ_and_a_client_is_served,
        {"served": text("at 1s cut host9", "until 9s")},
        "host9",
    ),
    (
        two.they_differ_and_a_client_is_served,
        {"served": "topology 1m\nat 1s kill broker-a\nuntil 9s"},
        "topology 1m",
    ),
    (
        two.a_newcomer_is_lost_while_all_is_well,
        {"newborn": text("at 1s kill namesrv1", "until 2s")},
        "not all well",
    ),
    (two.they_agree_again_in_time, {"agree_after_s": 10}, "after"),
    (two.they_agree_again_in_time, {"agree_after_s": 300}, "after"),
    (
        crash.what_survives_is_known,
        {"survives": SURVIVES | {("1m", "ASYNC_FLUSH", "crash"): True}},
        "lost",
    ),
    (
        crash.what_survives_is_known,
        {"survives": SURVIVES | {("1m", "SYNC_FLUSH", "crash"): False}},
        "none",
    ),
    (
        crash.what_survives_is_known,
        {"survives": SURVIVES | {("1m", "ASYNC_FLUSH", "kill"): 1}},
        "1",
    ),
    (crash.the_window_is_known, {"window_s": {"slow": 0.5, "fast": 0.5}}, "; 9.7 s"),
    (crash.the_window_is_known, {"window_s": {"slow": 10, "fast": 10}}, "0.5 s"),
    (
        choose.clicks_are_answered_fast,
        {"clicks": ("2m-noslave", "ASYNC_FLUSH")},
        "20 lost",
    ),
    (
        choose.clicks_are_answered_fast,
        {"clicks": ("2m-2s-sync", "ASYNC_FLUSH")},
        "12.0 ms",
    ),
    (choose.orders_outlive_a_host, {"orders": ("2m-2s-async", "ASYNC_FLUSH")}, "lost"),
    (choose.orders_outlive_a_host, {"orders": ("2m-2s-sync", "SYNC_FLUSH")}, "26.0 ms"),
    (
        choose.the_ledger_outlives_everything,
        {"ledger": ("2m-2s-sync", "ASYNC_FLUSH")},
        "lost",
    ),
    (
        choose.the_ledger_outlives_everything,
        {"ledger": ("2m-2s-async", "SYNC_FLUSH")},
        "lost",
    ),
    (choose.the_ledger_outlives_everything, {"ledger": ("3m", "SYNC_FLUSH")}, "'3m'"),
]


@pytest.mark.parametrize(("check", "change", "found"), WRONG_ANSWERS)
def test_a_known_wrong_answer_fails_and_is_told_why(check, change, found):
    exercise_id = check.__module__.rpartition(".ex")[2]
    trial = solved(exercise_id)
    trial.answers.update(change)
    with pytest.raises(CheckFailed) as caught:
        check(trial)
    failed = caught.value
    assert found in f"{failed.expected}; {failed.found}"
    assert failed.reproduce == f"rmqlab grade {exercise_id} --seed 1"
