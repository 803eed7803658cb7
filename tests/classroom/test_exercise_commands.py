"""`rmqlab list`, `start`, `reset`, `hint` and `build`, on a copy of the course."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom import notebooks
from rmqlab.classroom.commands import EX_USAGE
from rmqlab.classroom.exercises import drift
from rmqlab.classroom.grading import pristine
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES
from tests.classroom.conftest import ROOT, run, run_json

IDS = [
    "01_one_master",
    "02_fix_wrong_address",
    "02_frame_by_hand",
    "03_decode_record",
    "03_fix_lost_index",
    "04_expiry",
    "04_two_that_disagree",
    "05_fix_no_route",
    "05_fix_topic_on_one_broker",
    "06_many_masters",
    "07_fix_consume_from_last_offset",
    "07_fix_frozen_offset",
    "07_fix_idle_consumers",
    "07_fix_same_client_id",
    "07_order_by_customer",
    "08_fix_unreadable_dead_letters",
    "08_transfer",
    "09_async_slave",
    "09_fix_diverged_slave",
    "09_fix_two_masters_one_name",
    "10_choose_mode",
    "10_fix_flush_slave_timeout",
    "10_fix_slave_not_available",
    "10_predict_statuses",
    "10_sync_double_write",
    "11_choose_durability",
    "11_fix_disk_full",
    "11_fix_store_lock",
    "11_flush_and_crash",
    "11_predict_recovery",
    "12_fix_the_article",
    "12_fix_wrong_advertised_address",
    "12_open_ports",
    "12_write_four_files",
    "13_idempotent_consumer",
    "14_fix_silent_config",
    "14_fix_subscription_conflict",
]
FIRST = f"exercises/{IDS[0]}.ipynb"
SOURCE = f"solutions/{IDS[0]}.ipynb"


@pytest.fixture
def manifest(monkeypatch, tmp_path):
    """Keep the package's own manifest out of it."""
    copy = tmp_path / "manifest.json"
    copy.write_bytes(pristine.MANIFEST.read_bytes())
    monkeypatch.setattr(pristine, "MANIFEST", copy)
    return copy


def edit(path):
    """Do what a learner does: fill in an answer."""
    notebook = notebooks.load(path)
    notebooks.cells_of(notebook, "answer")[0].source += "\nmine = 1"
    notebooks.save(notebook, path)
    return path.read_bytes()


def test_there_is_an_exercise_for_each_cluster_mode(course):
    found = run_json("list")
    assert [one["id"] for one in found] == IDS
    assert {one["topology"] for one in found} == set(MODES)
    assert {one["points"] for one in found} == {10}
    assert not any(one["begun"] for one in found)


def test_the_list_says_what_was_begun(course):
    edit(course / FIRST)
    assert [one["id"] for one in run_json("list") if one["begun"]] == IDS[:1]
    [line] = [one for one in run("list").stdout.splitlines() if IDS[0] in one]
    assert line.rstrip().endswith("yes")


def test_a_missing_exercise_is_not_begun(course):
    (course / FIRST).unlink()
    assert not run_json("list")[0]["begun"]


def test_rubbish_in_place_of_an_exercise_was_begun_and_is_kept(course):
    (course / FIRST).write_bytes(b"\xff\xfe")
    assert run_json("list")[0]["begun"]
    run("reset", "01")
    [kept] = (course / "exercises" / "copies").iterdir()
    assert kept.read_bytes() == b"\xff\xfe"


def test_a_number_that_two_exercises_have_is_asked_back(course):
    said = run("start", "04")
    assert said.exit_code != 0
    assert "'04'? 04_expiry or 04_two_that_disagree" in said.stderr


def test_start_says_what_is_asked_for_and_where(course):
    said = run("start", "01").stdout
    assert "15 minutes, 10 points" in said
    assert "3 points  Your topic has exactly two queues" in said
    assert FIRST in said
    assert "rmqlab grade 01_one_master" in said


def test_start_makes_an_exercise_that_is_missing(course):
    (course / FIRST).unlink()
    assert run("start", "01").exit_code == 0
    assert drift() == []


def test_reset_keeps_what_was_there(course):
    mine = edit(course / FIRST)
    said = run("reset", "01").stdout
    [kept] = (course / "exercises" / "copies").iterdir()
    assert kept.read_bytes() == mine
    assert f"yours is kept in exercises/copies/{kept.name}" in said
    assert drift() == []


def test_reset_of_an_untouched_exercise_keeps_nothing(course):
    assert run("reset", "01").stdout == f"{FIRST} is fresh\n"
    assert not (course / "exercises" / "copies").exists()


def test_copies_of_the_same_moment_stand_side_by_side(course):
    mine = set()
    for number in range(3):
        (course / FIRST).write_text(f"draft {number}")
        mine.add(f"draft {number}")
        run("reset", "01")
    copies = (course / "exercises" / "copies").iterdir()
    assert {copy.read_text() for copy in copies} == mine


def test_reset_leaves_the_other_exercises_alone(course):
    mine = edit(course / f"exercises/{IDS[1]}.ipynb")
    run("reset", "01")
    assert (course / f"exercises/{IDS[1]}.ipynb").read_bytes() == mine


def test_every_call_gives_a_stronger_hint_and_the_last_one_stays(course):
    said = [run("hint", "01").stdout.partition(":")[0] for _ in range(4)]
    assert said == ["hint 1 of 3", "hint 2 of 3", "hint 3 of 3", "hint 3 of 3"]


def test_a_hint_of_a_level_is_given_again_and_again(course):
    said = {run("hint", "01", "--level", "2").stdout for _ in range(2)}
    assert len(said) == 1
    assert run("hint", "01").stdout.startswith("hint 1 of 3")


def test_hints_of_one_exercise_do_not_use_up_anothers(course):
    run("hint", "01")
    assert run("hint", "06").stdout.startswith("hint 1 of")
    assert run("hint", "01").stdout.startswith("hint 2 of 3")


@pytest.mark.parametrize("rubbish", [b"{", b"7", b"\xff"])
def test_a_hint_is_given_though_nobody_knows_which_came_last(course, rubbish):
    (course / "home").mkdir()
    (course / "home" / "hints.json").write_bytes(rubbish)
    assert run("hint", "01").stdout.startswith("hint 1 of 3")
    assert run("hint", "01").stdout.startswith("hint 2 of 3")


@pytest.mark.parametrize("level", ["0", "4", "-1"])
def test_a_hint_that_there_is_not_is_refused(course, level):
    done = run("hint", "01", "--level", level)
    assert done.exit_code == 1
    assert "has hints 1 to 3" in done.stderr


@pytest.mark.parametrize("command", ["start", "reset", "hint", "grade"])
def test_an_exercise_that_there_is_not_is_an_error_that_names_those(course, command):
    done = run(command, "99")
    assert done.exit_code == EX_USAGE
    assert all(one in done.stderr for one in ("99", *IDS))


def test_the_repositorys_own_course_is_up_to_date(course):
    done = run("build", "--check")
    assert (done.stdout, done.exit_code) == ("up to date\n", 0)


def test_a_changed_exercise_is_out_of_date_until_it_is_built(course, manifest):
    edit(course / FIRST)
    done = run("build", "--check")
    assert done.exit_code == 1
    assert f"{IDS[0]}.ipynb differs from its solution" in done.stdout
    assert run("build").stdout == f"built {FIRST}\n"
    assert run("build", "--check").exit_code == 0


def test_a_changed_solution_is_out_of_date_until_it_is_built(course, manifest):
    notebook = notebooks.load(course / SOURCE)
    notebook.cells[0].source += "\n\nOne more sentence."
    notebooks.save(notebook, course / SOURCE)
    done = run("build", "--check")
    assert done.exit_code == 1
    assert f"{SOURCE} is not as it was delivered" in done.stdout
    run("build")
    assert run("build", "--check").exit_code == 0
    assert "One more sentence." in (course / FIRST).read_text("utf-8")
    assert SOURCE in json.loads(manifest.read_text())


def test_a_grader_that_was_changed_is_out_of_date_until_it_is_built(course, manifest):
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(known | {"grading/grader.py": "0" * 64}))
    done = run("build", "--check")
    assert done.exit_code == 1
    assert "grading/grader.py is not as it was delivered" in done.stdout
    run("build")
    assert json.loads(manifest.read_text()) == known


def test_a_lab_that_was_not_run_is_out_of_date(course):
    lab = next(iter(sorted((course / "labs").glob("*.ipynb"))))
    notebook = notebooks.load(lab)
    next(
        one for one in notebook.cells if one.cell_type == "code"
    ).execution_count = None
    notebooks.save(notebook, lab)
    done = run("build", "--check")
    assert done.exit_code == 1
    assert f"{lab.name}: " in done.stdout
    assert "was not run" in done.stdout


def test_the_repositorys_own_exercises_are_left_alone(course, manifest):
    before = {path: path.read_bytes() for path in (ROOT / "exercises").glob("*.ipynb")}
    for command in (["start", "01"], ["reset", "06"], ["hint", "06"], ["build"]):
        edit(course / FIRST)
        assert run(*command).exit_code == 0
    assert {path: path.read_bytes() for path in before} == before


def test_an_exercise_has_neither_answers_nor_outputs(course):
    solution, built = (notebooks.load(course / one) for one in (SOURCE, FIRST))
    assert [one.id for one in built.cells] == [one.id for one in solution.cells]
    answers = notebooks.cells_of(built, "answer")
    assert all(notebooks.PLACEHOLDER in one.source for one in answers)
    assert notebooks.BEGIN not in (course / FIRST).read_text("utf-8")
    assert not any(one.get("outputs") for one in built.cells)


def unmark(notebook):
    cell = notebooks.cells_of(notebook, "answer")[0]
    cell.source = cell.source.replace(notebooks.BEGIN, "")


def fail_a_check(notebook):
    notebooks.cells_of(notebook, "check")[0].outputs = []


def drop_a_check(notebook):
    notebook.cells.remove(notebooks.cells_of(notebook, "check")[0])


def double_a_cell(notebook):
    notebook.cells[1].id = notebook.cells[0].id


def rename_a_cell(notebook):
    notebook.cells[0].id = "stray"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (double_a_cell, "a cell id is there twice"),
        (unmark, "an answer cell has no marks"),
        (fail_a_check, "has no passing output: run `rmqlab build --run`"),
        (drop_a_check, "check cells"),
        (rename_a_cell, "ids must begin with 01"),
    ],
)
def test_a_solution_that_is_not_fit_to_be_built_from_is_refused(
    course, manifest, spoil, said
):
    notebook = notebooks.load(course / SOURCE)
    spoil(notebook)
    (course / SOURCE).write_text(json.dumps(notebook), "utf-8")
    done = run("build")
    assert done.exit_code == 1
    assert said in done.stderr
    done = run("build", "--check")
    assert done.exit_code == 1
    assert said in done.stdout


def test_a_notebook_that_is_none_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "rubbish.ipynb"
    path.write_text("{")
    for read in (notebooks.load, notebooks.load_as_is):
        with pytest.raises(ClusterError, match=r"rubbish\.ipynb cannot be read"):
            read(path)
