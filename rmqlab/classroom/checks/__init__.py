"""What an exercise's checks are, and what one says when it fails.

A check is a function that looks at a cluster from outside and raises `CheckFailed`
through `expect`.  Its docstring is its title.  It is run twice: by the check cell in
the learner's kernel, and by the grader; it must not trust anything that the kernel
could have changed, and must print nothing that differs from machine to machine.

What a check sees is a `Witness` of a running cluster, or, where the exercise's runtime
is ``sim``, a `Trial`: what was answered, and the seeds to try it with.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pkgutil import iter_modules
from typing import Any, NoReturn

from rmqlab.classroom.runtimes import IN_PROCESS, LOCAL
from rmqlab.errors import RmqError

CheckFunction = Callable[[Any], None]


class CheckFailed(RmqError):
    """What was looked for is not there."""

    def __init__(
        self, expected: str, found: str, why: str, next_step: str, reproduce: str
    ) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected, self.found = expected, found
        self.why, self.next_step, self.reproduce = why, next_step, reproduce


def fail(
    *, expected: str, found: str, why: str, next_step: str, reproduce: str
) -> NoReturn:
    """End the check: it found something else than it expected.

    `reproduce` is the command that shows the same to the learner.
    """
    raise CheckFailed(expected, found, why, next_step, reproduce)


@dataclass(frozen=True)
class Check:
    """One check: its name in the notebook, its title, what it is worth."""

    name: str
    title: str
    points: int
    run: CheckFunction


@dataclass
class Exercise:
    """The checks of one exercise, in the order of their cells."""

    id: str
    topology: str
    runtime: str = LOCAL
    checks: dict[str, Check] = field(default_factory=dict)

    def check(self, points: int) -> Callable[[CheckFunction], CheckFunction]:
        """Declare a function as a check that is worth so many points."""

        def declare(function: CheckFunction) -> CheckFunction:
            title = (function.__doc__ or function.__name__).partition("\n")[0]
            name = function.__name__
            self.checks[name] = Check(name, title, points, function)
            return function

        return declare

    @property
    def is_simulated(self) -> bool:
        """Whether it has no running cluster."""
        return self.runtime == IN_PROCESS

    def on(self, runtime: str) -> Exercise:
        """Return it with a cluster on another runtime, unless it needs its own."""
        return self if self.runtime != LOCAL else replace(self, runtime=runtime)

    @property
    def points(self) -> int:
        """What the whole exercise is worth."""
        return sum(check.points for check in self.checks.values())


def find(exercise_id: str) -> Exercise:
    """Return an exercise by its id, such as ``01_one_master``.

    Raises:
        RmqError: there is none.
    """
    known = all_ids()
    if exercise_id not in known:
        near = [one for one in known if one.startswith(exercise_id)]
        if len(near) > 1:
            raise RmqError(f"which exercise {exercise_id!r}? {' or '.join(near)}")
        if not near:
            raise RmqError(f"no exercise {exercise_id!r}: there are {', '.join(known)}")
        exercise_id = near[0]
    found: Exercise = importlib.import_module(f"{__name__}.ex{exercise_id}").EXERCISE
    return found


def all_ids() -> list[str]:
    """Return the ids of all exercises, in the order of the course."""
    modules = (one.name for one in iter_modules(__path__))
    return sorted(name[2:] for name in modules if name.startswith("ex"))
