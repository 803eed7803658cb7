"""The second witness of a simulated exercise: a process of its own for every check.

    grader ── answer cells' text, a seed ──► reads literals, runs one check ──► a mark

The process is given little time and memory: what an answer asks for may be endless.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rmqlab.classroom import checks
from rmqlab.classroom.checks import Check, Exercise
from rmqlab.classroom.grading.marks import Mark
from rmqlab.classroom.grading.trial import Trial

MOST_S = 60.0
MOST_BYTES = 2 << 30


def judge(
    exercise: Exercise, sources: list[str], seed: int, within_s: float = MOST_S
) -> dict[str, Mark]:
    """Return a mark for every check of an exercise."""
    limit_s = min(within_s, MOST_S)
    return {
        check.name: _in_a_process(exercise, check, sources, seed, limit_s)
        for check in exercise.checks.values()
    }


def _in_a_process(
    exercise: Exercise, check: Check, sources: list[str], seed: int, limit_s: float
) -> Mark:
    mark = Mark(check.name, check.title, check.points)
    asked = {
        "exercise": exercise.id,
        "check": check.name,
        "sources": sources,
        "seed": seed,
        "limit_s": limit_s,
    }
    # -I: nothing of the environment or the folder has a say in what is imported
    command = [sys.executable, "-I", "-m", __name__]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=True,
        )
        [line] = done.stdout.splitlines()  # two: somebody else wrote one
        return Mark(**json.loads(line))
    except (subprocess.SubprocessError, LookupError, ValueError, TypeError):
        mark.verdict = "failed"
        mark.expected = f"a result within {limit_s:g} s and {MOST_BYTES >> 30} GiB"
        mark.found = "none"
        mark.why = "your answer was tried in a process with limited time and memory"
        mark.next_step = "hand in what the text before the answer cell asks for"
        mark.reproduce = Trial(exercise.id, seed).reproduce
    return mark


def _limit(seconds: float) -> None:
    """Limit this process's time and memory, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - there is none on Windows

        most_s = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def main(asked: dict[str, Any]) -> Mark:
    """Run one check, in this process."""
    exercise = checks.find(asked["exercise"])
    check = exercise.checks[asked["check"]]
    mark = Mark(check.name, check.title, check.points)
    trial = Trial.of(exercise.id, asked["seed"], asked["sources"])
    mark.judge(lambda: check.run(trial))
    return mark


if __name__ == "__main__":
    order = json.load(sys.stdin)
    _limit(order["limit_s"])
    print(json.dumps(asdict(main(order))))
