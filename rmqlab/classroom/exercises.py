"""The exercises as files: what there is, starting over, hints, building.

The single source is the notebook in solutions/.  exercises/ is generated from it and
filled in by the learner.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rmqlab.classroom import checks, notebooks, registry
from rmqlab.classroom.checks import Exercise
from rmqlab.classroom.course import course_folder
from rmqlab.classroom.grading import pristine
from rmqlab.classroom.runtime import ClusterError

SOLUTIONS, EXERCISES, COPIES = "solutions", "exercises", "exercises/copies"


@dataclass(frozen=True)
class Entry:
    """One exercise, with what its notebook says of itself."""

    exercise: Exercise
    title: str
    minutes: int
    hints: list[str]

    @property
    def id(self) -> str:
        """Its id."""
        return self.exercise.id

    @property
    def solution(self) -> Path:
        """The source."""
        return course_folder() / SOLUTIONS / f"{self.id}.ipynb"

    @property
    def path(self) -> Path:
        """The notebook to be filled in."""
        return course_folder() / EXERCISES / f"{self.id}.ipynb"


def entry(exercise_id: str) -> Entry:
    """Return one exercise; a unique beginning of its id will do.

    Raises:
        RmqError: there is none.
        ClusterError: its solution cannot be read.
    """
    exercise = checks.find(exercise_id)
    path = course_folder() / SOLUTIONS / f"{exercise.id}.ipynb"
    notebook = notebooks.load_as_is(path)
    try:
        about = notebook.metadata["rmqlab"]
        return Entry(exercise, about["title"], about["minutes"], list(about["hints"]))
    except (AttributeError, LookupError, TypeError) as error:
        raise ClusterError(f"{path} does not say what it is: {error!r}") from error


def matching(beginning: str) -> list[Entry]:
    """Return all exercises whose id begins so: ``04`` are those of lab 04.

    Raises:
        RmqError: there is none.
    """
    found = [one for one in checks.all_ids() if one.startswith(beginning)]
    return [entry(one) for one in found or [beginning]]


def all_entries() -> list[Entry]:
    """Return all exercises in the order of the course."""
    return [entry(one) for one in checks.all_ids()]


def is_untouched(one: Entry) -> bool:
    """Whether the notebook to be filled in is as it was built."""
    return one.path.exists() and one.path.read_bytes() == _built(one).encode()


def is_begun(one: Entry) -> bool:
    """Whether somebody changed the notebook to be filled in."""
    return one.path.exists() and not is_untouched(one)


def reset(one: Entry) -> Path | None:
    """Put a fresh notebook in place; return where the old one was kept, if changed."""
    kept = _new_copy(one) if is_begun(one) else None
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(one.path.read_bytes())
    one.path.parent.mkdir(parents=True, exist_ok=True)
    one.path.write_text(_built(one), "utf-8")
    return kept


def _new_copy(one: Entry) -> Path:
    """Return where a copy may go, named by the moment; no other copy is there."""
    stem = f"{one.id}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    names = itertools.chain([stem], (f"{stem}-{again}" for again in itertools.count(2)))
    paths = (course_folder() / COPIES / f"{name}.ipynb" for name in names)
    return next(path for path in paths if not path.exists())


def _built(one: Entry) -> str:
    solution = notebooks.load(one.solution)
    return notebooks.to_text(notebooks.without_answers(solution))


def next_hint(one: Entry, level: int | None) -> tuple[int, str]:
    """Return a hint and its level: the one asked for, else the next one.

    Raises:
        ClusterError: there is no such level.
    """
    store = registry.home() / "hints.json"
    given = _given_hints(store)
    following = min(given.get(one.id, 0) + 1, len(one.hints))
    wanted = following if level is None else level
    if not 1 <= wanted <= len(one.hints):
        raise ClusterError(f"{one.id} has hints 1 to {len(one.hints)}, not {wanted}")
    if level is None:
        registry.made(store.parent)
        store.write_text(json.dumps(given | {one.id: wanted}))
    return wanted, one.hints[wanted - 1]


def _given_hints(store: Path) -> dict[str, int]:
    """Return each exercise's last hint; none are known where the file is unreadable."""
    try:
        return dict(json.loads(store.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def build(*, run: bool) -> list[Path]:
    """Generate exercises/ and the manifest; with `run`, execute solutions first.

    Return the files that changed.
    """
    changed = []
    for one in all_entries():
        if run:
            folder = course_folder() / SOLUTIONS
            notebooks.save(
                notebooks.execute(notebooks.load(one.solution), folder), one.solution
            )
        check_source(one)
        if not is_untouched(one):
            one.path.parent.mkdir(parents=True, exist_ok=True)
            one.path.write_text(_built(one), "utf-8")
            changed.append(one.path)
    pristine.write_manifest()
    return changed


def drift() -> list[str]:
    """Return, in words, what is not as `build` would make it."""
    found = []
    for one in all_entries():
        try:
            check_source(one)
        except ClusterError as error:
            found.append(str(error))
            continue
        if not is_untouched(one):
            found.append(f"{one.path.name} differs from its solution")
    return found + pristine.changed_files()


def check_source(one: Entry) -> None:
    """See that a solution is fit to be built from.

    Raises:
        ClusterError: a check has no cell or no stored output, or no answer is marked.
    """
    notebook = notebooks.load_as_is(one.solution)
    ids = [cell.id for cell in notebook.cells]
    if len(ids) != len(set(ids)):
        raise ClusterError(f"{one.solution}: a cell id is there twice")
    stray = [cell_id for cell_id in ids if not cell_id.startswith(one.id[:2])]
    if stray:
        raise ClusterError(f"{one.solution}: ids must begin with {one.id[:2]}: {stray}")
    cells = notebooks.cells_of(notebook, "check")
    names = [notebooks.check_name(cell) for cell in cells]
    if names != list(one.exercise.checks):
        raise ClusterError(
            f"{one.solution}: check cells {names}, checks {list(one.exercise.checks)}"
        )
    for cell, check in zip(cells, one.exercise.checks.values(), strict=True):
        text = "".join(output.get("text", "") for output in cell.outputs)
        if text != f"✓ {check.title} ({check.points} points)\n":
            raise ClusterError(
                f"{one.solution}: {check.name} has no passing output: run "
                "`rmqlab build --run`"
            )
    answers = notebooks.cells_of(notebook, "answer")
    if not answers or any(notebooks.BEGIN not in cell.source for cell in answers):
        raise ClusterError(f"{one.solution}: an answer cell has no marks")
