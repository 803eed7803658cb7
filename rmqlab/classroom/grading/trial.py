"""What a check of a simulated exercise sees: what was answered, and seeds to try it.

An answer is data: a number, text, list or dictionary that stands written in its cell.
It is read, not run; so nothing that a kernel did or changed can be part of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rmqlab.classroom.checks import fail

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


def _read(source: str, trial: Trial) -> None:
    """Take the names that a cell gives a literal."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = f"a cell that is no Python: {error}"[:200]
        # What it would have named is unknown: every answer that is missing says this.
        trial.unread.update(dict.fromkeys(_names(source), why))
        return
    for statement in statements:
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
