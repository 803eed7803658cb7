"""Marks: what each check was worth, what it got, and why.

verdict of a check     points
──────────────────     ──────
passed                 all        both witnesses saw it
failed                 none       one of them did not
inconclusive           none       it could not be looked at
not run                none       something before it ended the run
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Literal, Self

from rmqlab.classroom.checks import CheckFailed, Exercise
from rmqlab.errors import RmqError

SCHEMA = 1
"""Version of the JSON report; it grows, it does not change."""

Verdict = Literal["passed", "failed", "inconclusive", "not run"]


class ExitCode(IntEnum):
    """How `rmqlab grade` ends."""

    PASSED = 0
    FAILED = 1
    INCONCLUSIVE = 2
    ENVIRONMENT = 3
    TAMPERED = 4
    GRADER_BROKE = 5
    USAGE = 64


@dataclass
class Mark:
    """One check's result."""

    check: str
    title: str
    points: int
    verdict: Verdict = "not run"
    expected: str = ""
    found: str = ""
    why: str = ""
    next_step: str = ""
    reproduce: str = ""
    """The command that gives the same verdict again."""

    @property
    def score(self) -> int:
        """The points it got."""
        return self.points if self.verdict == "passed" else 0

    def judge(self, look: Callable[[], None]) -> None:
        """Take down what a check finds when it looks."""
        try:
            look()
            self.verdict = "passed"
        except CheckFailed as failed:
            self.verdict = "failed"
            self.expected, self.found = failed.expected, failed.found
            self.why, self.next_step = failed.why, failed.next_step
            self.reproduce = failed.reproduce
        except RmqError as error:
            self.verdict = "inconclusive"
            self.why = f"it could not be looked at: {error}"
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            self.verdict = "failed"
            self.found = f"something that the check cannot read: {error!r}"[:200]
            self.next_step = "hand in what the text before the answer cell asks for"


@dataclass
class Marks:
    """One exercise's results."""

    exercise: str
    marks: list[Mark]
    remarks: list[str] = field(default_factory=list)
    problem: str = ""
    """What kept the whole exercise from being graded."""
    exit_code: ExitCode = ExitCode.PASSED
    seconds: float = 0.0

    @property
    def score(self) -> int:
        """The points it got."""
        return sum(mark.score for mark in self.marks)

    @property
    def points(self) -> int:
        """The points there were."""
        return sum(mark.points for mark in self.marks)

    @classmethod
    def of(cls, exercise: Exercise) -> Self:
        """Return what there is to get, before anything was run."""
        checks = exercise.checks.values()
        return cls(
            exercise.id, [Mark(one.name, one.title, one.points) for one in checks]
        )

    def settle(self) -> None:
        """Derive the exit code from the verdicts, where nothing worse is known."""
        verdicts = {mark.verdict for mark in self.marks}
        if self.exit_code is not ExitCode.PASSED:
            return
        if verdicts & {"failed", "not run"}:
            self.exit_code = ExitCode.FAILED
        elif "inconclusive" in verdicts:
            self.exit_code = ExitCode.INCONCLUSIVE

    def to_json(self) -> dict[str, Any]:
        """Return the report."""
        return {
            "exercise": self.exercise,
            "score": self.score,
            "points": self.points,
            "exit_code": int(self.exit_code),
            "problem": self.problem,
            "remarks": self.remarks,
            "seconds": round(self.seconds, 1),
            "checks": [asdict(mark) | {"score": mark.score} for mark in self.marks],
        }


def worst(codes: list[ExitCode]) -> ExitCode:
    """Return the exit code for several exercises: the gravest of theirs."""
    order = [
        ExitCode.GRADER_BROKE,
        ExitCode.TAMPERED,
        ExitCode.ENVIRONMENT,
        ExitCode.FAILED,
        ExitCode.INCONCLUSIVE,
    ]
    return next((code for code in order if code in codes), ExitCode.PASSED)
