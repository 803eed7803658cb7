"""`rmqlab list`, `start`, `reset`, `hint`, `grade` and `build`."""

from __future__ import annotations

import json
import shlex
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rmqlab.classroom import checks, exercises, labs
from rmqlab.classroom.commands.clusters import json_option, runtime_option
from rmqlab.classroom.course import course_folder
from rmqlab.classroom.grading.grader import grade
from rmqlab.classroom.grading.marks import SCHEMA, ExitCode, Mark, Marks, worst
from rmqlab.classroom.runtime import ClusterError
from rmqlab.errors import RmqError

SIGNS = {
    "passed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "inconclusive": "[yellow]?[/]",
    "not run": "[red]–[/]",
}


def _entry(exercise: str) -> exercises.Entry:
    """Return one exercise; to ask for one that there is not is wrong usage."""
    try:
        checks.find(exercise)
    except RmqError as error:
        raise click.UsageError(str(error)) from error
    return exercises.entry(exercise)


def _matching(beginning: str) -> list[exercises.Entry]:
    """Return the exercises whose id begins so; to ask for none is wrong usage."""
    try:
        return exercises.matching(beginning)
    except ClusterError:
        raise
    except RmqError as error:
        raise click.UsageError(str(error)) from error


@click.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the exercises.

    \b
    rmqlab list
    """
    rows = [
        {
            "id": one.id,
            "title": one.title,
            "minutes": one.minutes,
            "points": one.exercise.points,
            "topology": one.exercise.topology,
            "begun": exercises.is_begun(one),
        }
        for one in exercises.all_entries()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(box=SIMPLE)
    for heading in ("exercise", "title", "cluster", "minutes", "points", "begun"):
        table.add_column(heading, no_wrap=heading != "title")
    for row in rows:
        table.add_row(
            str(row["id"]),
            str(row["title"]),
            str(row["topology"]),
            str(row["minutes"]),
            str(row["points"]),
            "yes" if row["begun"] else "",
        )
    Console().print(table)


@click.command("start")
@click.argument("exercise")
def start_command(exercise: str) -> None:
    """Say where an exercise is and what it asks for; make it if it is missing.

    \b
    rmqlab start 01
    """
    one = _entry(exercise)
    if not one.path.exists():
        exercises.reset(one)
    print(f"{one.title}: {one.minutes} minutes, {one.exercise.points} points")
    for check in one.exercise.checks.values():
        print(f"  {check.points} points  {check.title}")
    print(
        f"Fill in {one.path.relative_to(course_folder())}, then: rmqlab grade {one.id}"
    )


@click.command("reset")
@click.argument("exercise")
def reset_command(exercise: str) -> None:
    """Put a fresh copy of an exercise in place; yours is kept beside it.

    \b
    rmqlab reset 01
    """
    one = _entry(exercise)
    kept = exercises.reset(one)
    where = f"; yours is kept in {kept.relative_to(course_folder())}" if kept else ""
    print(f"{one.path.relative_to(course_folder())} is fresh{where}")


@click.command("hint")
@click.argument("exercise")
@click.option("--level", type=int, help="1 is the gentlest; without it, the next one.")
def hint_command(exercise: str, level: int | None) -> None:
    """Give a hint; every call gives a stronger one.

    \b
    rmqlab hint 01
    rmqlab hint 01 --level 1
    """
    one = _entry(exercise)
    given, text = exercises.next_hint(one, level)
    print(f"hint {given} of {len(one.hints)}: {text}")


@click.command("grade")
@click.argument("ids", nargs=-1)
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Of the answers.",
)
@click.option("--seed", type=int, help="Of simulated exercises: as a report named it.")
@runtime_option
@json_option
def grade_command(
    ids: tuple[str, ...],
    folder: Path | None,
    seed: int | None,
    runtime: str,
    as_json: bool,
) -> None:
    """Grade exercises; without IDS, all of them.

    Those that are simulated, or need Docker, stay so, whatever the runtime.

    Exit code: 0 all passed, 1 a check failed, 2 one could not be looked at, 3 the
    environment is at fault, 4 files were tampered with, 5 the grader broke, 64 usage.

    \b
    rmqlab grade 01
    rmqlab grade 04_expiry --seed 7
    rmqlab grade --dir solutions --json
    rmqlab grade 05 --runtime rocketmq
    """
    chosen = _chosen(ids)
    console = Console()
    results = []
    for one in chosen:
        if not as_json:
            console.print(f"[bold]{one.id}[/] {one.title}")
        marks = _grade_one(one, folder, seed, runtime)
        results.append(marks)
        if not as_json:
            _show(console, marks)
    code = worst([marks.exit_code for marks in results])
    score, points = (
        sum(getattr(m, what) for m in results) for what in ("score", "points")
    )
    if as_json:
        found = [marks.to_json() for marks in results]
        report = {"schema": SCHEMA, "exit_code": int(code), "score": score}
        print(json.dumps(report | {"points": points, "exercises": found}))
    else:
        console.print(f"[bold]{score} of {points} points[/]")
    sys.exit(int(code))


def _chosen(ids: tuple[str, ...]) -> list[exercises.Entry]:
    try:
        course_folder()
    except ClusterError as error:
        _end(ExitCode.ENVIRONMENT, str(error))
    try:
        found = [one for name in ids for one in _matching(name)]
        return found or exercises.all_entries()
    except ClusterError as error:
        _end(ExitCode.TAMPERED, f"{error}: `git checkout` brings it back")


def _end(code: ExitCode, why: str) -> NoReturn:
    """End before anything was graded: that is no check that failed."""
    click.echo(f"Error: {why}", err=True)
    sys.exit(int(code))


def _grade_one(
    one: exercises.Entry, folder: Path | None, seed: int | None, runtime: str
) -> Marks:
    """Grade an exercise and say how to do it again: its cluster is gone by then."""
    answered = folder / one.path.name if folder else one.path
    exercise = one.exercise.on(runtime)
    marks = _marks_of(exercise, answered, one.solution, seed)
    place = f" --dir {shlex.quote(str(folder))}" if folder else ""
    place += f" --runtime {runtime}" if exercise != one.exercise else ""
    for mark in marks.marks:
        if mark.verdict != "passed" and not exercise.is_simulated:
            mark.reproduce = f"rmqlab grade {one.id}{place}"
    return marks


def _marks_of(
    exercise: checks.Exercise, answered: Path, solution: Path, seed: int | None
) -> Marks:
    try:
        return grade(exercise, answered, solution, seed=seed)
    except Exception:  # noqa: BLE001 - whatever it is, the next exercise is graded
        marks = Marks.of(exercise)
        marks.problem = f"the grader broke: {traceback.format_exc(limit=-3)}"
        marks.exit_code = ExitCode.GRADER_BROKE
        return marks


def _show(console: Console, marks: Marks) -> None:
    for mark in marks.marks:
        console.print(
            f"  {SIGNS[mark.verdict]} {mark.score}/{mark.points}  {mark.title}"
        )
        if mark.verdict != "passed" and mark.why:
            console.print(
                Padding(_reasons(mark), (0, 0, 0, 8), expand=False), highlight=False
            )
    for remark in marks.remarks:
        console.print(f"  note: {remark}", highlight=False, markup=False)
    if marks.problem:
        console.print(f"  [red]{ExitCode(marks.exit_code).name}[/]", end=" ")
        console.print(marks.problem, highlight=False, markup=False)


def _reasons(mark: Mark) -> Table:
    """Return why a check was not passed, and what to do."""
    lines = Table.grid(padding=(0, 1))
    for heading, text in (
        ("expected:", mark.expected),
        ("found:", mark.found),
        ("why:", mark.why),
        ("next step:", mark.next_step),
        ("again:", mark.reproduce),
    ):
        if text:
            lines.add_row(heading, Text(text))
    return lines


@click.command("build")
@click.option(
    "--check", is_flag=True, help="Only say what is out of date; exit 1 if so."
)
@click.option("--run", is_flag=True, help="Execute solutions and labs first.")
def build_command(check: bool, run: bool) -> None:
    """Generate exercises/ from solutions/, for those who write the course.

    With --check also look whether the labs are kept as finished ones.

    \b
    rmqlab build --check
    """
    if check:
        found = exercises.drift()
        for path in labs.all_labs():
            found += labs.unfinished(path)
        for text in found:
            print(text)
        print(f"{len(found)} out of date" if found else "up to date")
        sys.exit(1 if found else 0)
    if run:
        for path in labs.execute_all():
            print(f"executed {path.relative_to(course_folder())}")
    for path in exercises.build(run=run):
        print(f"built {path.relative_to(course_folder())}")
