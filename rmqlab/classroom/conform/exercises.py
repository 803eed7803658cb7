"""Claims that are exercises: what is observed is how their solutions are graded.

    claims ──grade──► local      {check: verdict, …}
           ──grade──► rocketmq   {check: verdict, …}      compared as any claim is

Not here: exercises that are simulated or need Docker; they are so on every runtime.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from rmqlab.classroom import exercises, release
from rmqlab.classroom.conform.claim import Claim, Ground
from rmqlab.classroom.conform.normal import Json, normal
from rmqlab.classroom.conform.play import OURS, Played, Tell
from rmqlab.classroom.grading.grader import grade
from rmqlab.classroom.grading.marks import Mark
from rmqlab.classroom.runtimes import LOCAL

PASSED = "passed"


def of_exercises() -> list[Claim]:
    """Return what each exercise with nodes claims: that it can be solved on them."""
    return [
        Claim(
            one.id,
            f"{one.title}: the solution passes every check.",
            one.id[:2],
            Ground(one.exercise.topology, ()),
        )
        for one in exercises.all_entries()
        if one.exercise.runtime == LOCAL
    ]


async def solve(claims: Iterable[Claim], runtime: str, tell: Tell) -> Played:
    """Grade the exercises' solutions, one after the other.

    On our nodes they have to pass, or there is nothing to compare with.

    Raises:
        ClusterError: a release is named, and cannot be had here.
    """
    is_named = runtime != OURS and release.is_named()
    played = Played(runtime, release.find().version if is_named else "")
    for claim in claims:
        tell(f"{claim.name} on {runtime}")
        one = exercises.entry(claim.name)
        exercise = one.exercise.on(runtime)
        marks = await asyncio.to_thread(grade, exercise, one.solution, one.solution)
        found = {mark.check: _said(mark) for mark in marks.marks}
        if marks.problem:
            played.failed[claim.name] = marks.problem
        elif runtime == OURS and set(found.values()) != {PASSED}:
            played.failed[claim.name] = f"its solution does not pass: {found}"
        else:
            played.observed[claim.name] = normal(found)
    return played


def _said(mark: Mark) -> Json:
    """Return a check's verdict; where it did not pass, with what was found."""
    if mark.verdict == PASSED:
        return PASSED
    return f"{mark.verdict}: {mark.found or mark.why}"
