"""Runs one exercise with a learner's answers, between two witnesses."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from rmqlab.classroom import notebooks
from rmqlab.classroom.checks import Exercise
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.grading import rerun
from rmqlab.classroom.grading.kernel import PLACE_VARIABLE
from rmqlab.classroom.grading.lay import lay
from rmqlab.classroom.grading.marks import ExitCode, Mark, Marks
from rmqlab.classroom.grading.plugin import SOCKET_VARIABLE
from rmqlab.classroom.grading.pristine import changed_files
from rmqlab.classroom.grading.witness import Place, Witness
from rmqlab.classroom.notebooks import Notebook
from rmqlab.classroom.runtime import ClusterError

NOTEBOOK = "exercise.ipynb"
UNSEEN_SEEDS = 10**9

Look = Callable[[Mark], None]
"""The second witness: settles a check's mark without the learner's kernel."""


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds."""

    cell_s: float = 60.0
    whole_s: float = 300.0


def grade(
    exercise: Exercise,
    answered: Path,
    pristine: Path,
    limits: Limits | None = None,
    seed: int | None = None,
) -> Marks:
    """Grade the notebook `answered` against the solution notebook `pristine`.

    One that is missing or none is not the environment's fault: all its checks fail.
    `seed` is for simulated exercises, and unseen unless it is given.
    """
    began = time.monotonic()
    marks = Marks.of(exercise)
    try:
        answers = notebooks.load_as_is(answered)
    except ClusterError as error:
        step = f"`rmqlab reset {exercise.id}` gives a fresh one and keeps what is there"
        marks.problem = f"{error}: {step}"
        marks.settle()
        return marks
    try:
        _grade(exercise, answers, pristine, limits or Limits(), marks, seed)
    except ClusterError as error:
        marks.problem, marks.exit_code = str(error), ExitCode.ENVIRONMENT
    marks.settle()
    marks.seconds = time.monotonic() - began
    return marks


def _grade(
    exercise: Exercise,
    answers: Notebook,
    pristine: Path,
    limits: Limits,
    marks: Marks,
    seed: int | None,
) -> None:
    laid = lay(notebooks.load(pristine), answers)
    marks.remarks = laid.remarks
    tampering = [*changed_files(), *laid.tampering]
    if not tampering:
        if exercise.is_simulated:
            _grade_simulated(exercise, laid.notebook, limits, marks, seed)
        else:
            _grade_on_cluster(exercise, laid.notebook, limits, marks)
        tampering = changed_files()
    if tampering:
        marks.problem, marks.exit_code = "; ".join(tampering), ExitCode.TAMPERED
        for mark in marks.marks:
            mark.verdict = "not run"


def _grade_on_cluster(
    exercise: Exercise, notebook: Notebook, limits: Limits, marks: Marks
) -> None:
    name = f"grade-{exercise.id.partition('_')[0]}-{secrets.token_hex(3)}"
    with _up(exercise, name) as cluster:
        failed = [one for one in cluster.status().nodes if one.state == "failed"]
        if failed:
            why = "; ".join(f"{one.name}: {one.why}" for one in failed)
            raise ClusterError(f"the cluster did not start: {why}")
        place = Place(name, secrets.token_hex(8))
        given = {PLACE_VARIABLE: f"{place.cluster} {place.nonce}"}
        _run(notebook, given, partial(_witnessed, exercise, place), limits, marks)


def _up(exercise: Exercise, name: str) -> Cluster:
    try:
        return Cluster.up(exercise.topology, runtime=exercise.runtime, name=name)
    except ClusterError as error:
        if exercise.runtime != "docker":
            raise
        raise ClusterError(f"{exercise.id} needs Docker, and {error}") from error


def _grade_simulated(
    exercise: Exercise,
    notebook: Notebook,
    limits: Limits,
    marks: Marks,
    seed: int | None,
) -> None:
    """Judge the answers before the kernel has a chance to change anything."""
    sources = [cell.source for cell in notebooks.cells_of(notebook, "answer")]
    seed = secrets.randbelow(UNSEEN_SEEDS) if seed is None else seed
    found = rerun.judge(exercise, sources, seed, limits.whole_s)

    def look(mark: Mark) -> None:
        vars(mark).update(vars(found[mark.check]))

    _run(notebook, {}, look, limits, marks)


def _run(
    notebook: Notebook, given: dict[str, str], look: Look, limits: Limits, marks: Marks
) -> None:
    """Run the notebook by nbval; look from outside after every check cell."""
    named = {
        cell.id: notebooks.check_name(cell)
        for cell in notebooks.cells_of(notebook, "check")
    }
    with tempfile.TemporaryDirectory(prefix="rmqlab-grade-") as folder:
        notebooks.save(notebook, Path(folder) / NOTEBOOK)
        own, theirs = socket.socketpair()
        process = _start_nbval(Path(folder), given, theirs, limits)
        theirs.close()
        try:
            deadline = time.monotonic() + limits.whole_s
            why = _follow(own, deadline, lambda fact: _judge(fact, named, look, marks))
        except TimeoutError:
            why = f"the whole notebook took longer than {limits.whole_s:g} s"
        finally:
            own.close()
            _end(process)
    for mark in marks.marks:
        if mark.verdict == "not run":
            mark.why = why or "nbval's process ended before its cell was reached"


def _follow(
    own: socket.socket, deadline: float, judge: Callable[[dict[str, Any]], str]
) -> str:
    """Judge what the plugin tells, letting it go on each time, until one says why not.

    Raises:
        TimeoutError: it told nothing until the deadline.
    """
    with own.makefile("rw", encoding="utf-8", newline="\n") as line:
        for fact in _facts(own, line, deadline):
            if why := judge(fact):
                return why
            with suppress(BrokenPipeError):
                line.write("go on\n")
                line.flush()
    return ""


def _start_nbval(
    folder: Path, given: dict[str, str], line: socket.socket, limits: Limits
) -> subprocess.Popen[bytes]:
    """Start pytest with nbval on the notebook, in a session of its own."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        f"--nbval-cell-timeout={limits.cell_s:g}",
        "-p",
        "rmqlab.classroom.grading.plugin",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        f"--rootdir={folder}",
        str(folder / NOTEBOOK),
    ]
    environment = {**os.environ, **given, SOCKET_VARIABLE: str(line.fileno())}
    # it has asyncio complain of a long cell, and an output more fails the check
    environment.pop("PYTHONASYNCIODEBUG", None)
    with (folder / "nbval.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            pass_fds=[line.fileno()],
            start_new_session=True,
        )


def _facts(own: socket.socket, line: TextIO, deadline: float) -> Iterator[Any]:
    """Yield what the plugin tells.

    Raises:
        TimeoutError: it told nothing until the deadline.
    """
    while True:
        own.settimeout(max(0.01, deadline - time.monotonic()))
        text = line.readline()
        if not text:
            return
        yield json.loads(text)


def _judge(
    fact: dict[str, Any], named: dict[str, str], look: Look, marks: Marks
) -> str:
    """Settle the check that a cell runs; return why nothing after it counts, if so."""
    if fact["event"] == "kernel died":
        return f"the kernel died (exit code {fact['code']}): nothing after that counts"
    mark = next((m for m in marks.marks if m.check == named.get(fact["id"])), None)
    if mark is not None:
        look(mark)
        if mark.verdict == "passed" and not fact["passed"]:
            mark.verdict = "failed"
            mark.expected = "the check cell's own output"
            mark.found = _gist(fact["text"])
            mark.why = (
                "the answer is right, but the cell in the notebook did not say so"
            )
            mark.next_step = "leave print, the checks and the traceback as they are"
    if fact["timed_out"]:
        return (
            f"cell {fact['id']!r} took longer than allowed: nothing after that counts"
        )
    return ""


def _witnessed(exercise: Exercise, place: Place, mark: Mark) -> None:
    """Look at the cluster from outside the learner's kernel, now."""

    def look() -> None:
        with Witness(place) as witness:
            exercise.checks[mark.check].run(witness)

    mark.judge(look)


def _gist(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End nbval's process and the kernel that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
