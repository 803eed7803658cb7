"""What a check of a simulated exercise sees: what was answered, and seeds to try it.

An answer is data: a number, text, list or dictionary that stands written in its cell.
It is read, not run; so nothing that a kernel did or changed can be part of it.  Or it
is a function of one argument: that is called in a process of its own, see `apart`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from rmqlab.classroom.checks import fail
from rmqlab.classroom.grading.apart import Apart, NoResult

T = TypeVar("T")

VISIBLE_SEED = 1
"""With which a notebook's own check cells try an answer."""


@dataclass(frozen=True)
class Trial:
    """One trial of one exercise's answers."""

    exercise: str
    seed: int
    answers: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    """By name: why an answer could not be read."""
    cells: list[str] = field(default_factory=list)
    """The texts of those that could be."""

    @classmethod
    def of(cls, exercise: str, seed: int, sources: Iterable[str]) -> Trial:
        """Return a trial of what answer cells say."""
        trial = cls(exercise, seed)
        for source in sources:
            _read(source, trial)
        return trial

    def seeds(self, count: int) -> range:
        """Return so many seeds."""
        return range(self.seed, self.seed + count)

    @property
    def reproduce(self) -> str:
        """The command that tries the same answers with the same seeds."""
        return f"rmqlab grade {self.exercise} --seed {self.seed}"

    def answer(self, name: str, kind: type[T], what: str) -> T:
        """Return an answer.

        Raises:
            CheckFailed: it is not there, or not of that kind.
        """
        found = self.answers.get(name, ...)
        if not isinstance(found, kind) or isinstance(found, bool):
            missing = "nothing yet" if found is ... else repr(found)[:100]
            fail(
                expected=f"{name}: {what}",
                found=self.unread.get(name, missing),
                why="the grader reads your answer as it stands written there, without "
                "running it, and tries it with seeds of its own",
                next_step=f"write {name} = … in its cell, as {what}",
                reproduce=self.reproduce,
            )
        return found

    def function(self, name: str, what: str) -> Callable[[Any], Any]:
        """Return a function that was answered; its argument and result are JSON.

        Raises:
            CheckFailed: there is none; and when it is called, it gives no result.
        """
        if not callable(self.answers.get(name)):
            self.answer(name, Apart, what)  # says what is there instead
        return partial(self._call, name, what)

    def _call(self, name: str, what: str, argument: Any) -> Any:
        own = json.loads(json.dumps(argument))  # to be changed without harm
        try:
            return self.answers[name](own)
        except Exception as error:  # noqa: BLE001 - whatever a learner's code raises
            is_told = isinstance(error, NoResult)
            fail(
                expected=f"{name}: {what}",
                found=(str(error) if is_told else repr(error))[:200],
                why="it is called with what nobody has seen, and has to cope with each",
                next_step=f"call {name} yourself, with one more argument of that kind",
                reproduce=self.reproduce,
            )


def _read(source: str, trial: Trial) -> None:
    """Take the names that a cell gives a literal."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = f"a cell that is no Python: {error}"[:200]
        # What it would have named is unknown: every answer that is missing says this.
        trial.unread.update(dict.fromkeys(_names(source), why))
        return
    trial.cells.append(source)
    for statement in statements:
        if isinstance(statement, ast.FunctionDef):
            cells = "\n\n".join(trial.cells)  # it may call what stands in those before
            trial.answers[statement.name] = Apart(cells, statement.name)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                _take(target.id, statement.value, trial)  # type: ignore[attr-defined]


def _take(name: str, value: ast.expr, trial: Trial) -> None:
    trial.answers.pop(name, None)
    trial.unread.pop(name, None)
    try:
        trial.answers[name] = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        trial.unread[name] = "something that has to be computed first"


def _names(source: str) -> list[str]:
    """Return what seems to be named in a text that cannot be read."""
    lines = (line.partition("=") for line in source.splitlines())
    return [name.strip() for name, sign, _ in lines if sign and name.strip()]
