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
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rmqlab.classroom import notebooks
from rmqlab.classroom.checks import CheckFailed, Exercise
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.grading.kernel import PLACE_VARIABLE
from rmqlab.classroom.grading.lay import lay
from rmqlab.classroom.grading.marks import ExitCode, Mark, Marks
from rmqlab.classroom.grading.plugin import SOCKET_VARIABLE
from rmqlab.classroom.grading.pristine import changed_files
from rmqlab.classroom.grading.witness import Place, Witness
from rmqlab.classroom.notebooks import Notebook
from rmqlab.classroom.runtime import ClusterError
from rmqlab.errors import RmqError

NOTEBOOK = "exercise.ipynb"


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds."""

    cell_s: float = 60.0
    whole_s: float = 300.0


def grade(
    exercise: Exercise, answered: Path, pristine: Path, limits: Limits | None = None
) -> Marks:
    """Grade the notebook `answered` against the solution notebook `pristine`.

    One that is missing or none is not the environment's fault: all its checks fail.
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
        _grade(exercise, answers, pristine, limits or Limits(), marks)
    except ClusterError as error:
        marks.problem, marks.exit_code = str(error), ExitCode.ENVIRONMENT
    marks.settle()
    marks.seconds = time.monotonic() - began
    return marks


def _grade(
    exercise: Exercise, answers: Notebook, pristine: Path, limits: Limits, marks: Marks
) -> None:
    laid = lay(notebooks.load(pristine), answers)
    marks.remarks = laid.remarks
    tampering = [*changed_files(), *laid.tampering]
    if not tampering:
        name = f"grade-{exercise.id.partition('_')[0]}-{secrets.token_hex(3)}"
        with Cluster.up(exercise.topology, name=name) as cluster:
            failed = [one for one in cluster.status().nodes if one.state == "failed"]
            if failed:
                why = "; ".join(f"{one.name}: {one.why}" for one in failed)
                raise ClusterError(f"the cluster did not start: {why}")
            place = Place(name, secrets.token_hex(8))
            with tempfile.TemporaryDirectory(prefix="rmqlab-grade-") as folder:
                _run(exercise, laid.notebook, place, Path(folder), limits, marks)
        tampering = changed_files()
    if tampering:
        marks.problem, marks.exit_code = "; ".join(tampering), ExitCode.TAMPERED
        for mark in marks.marks:
            mark.verdict = "not run"


def _run(
    exercise: Exercise,
    notebook: Notebook,
    place: Place,
    folder: Path,
    limits: Limits,
    marks: Marks,
) -> None:
    """Run the notebook by nbval; look from outside after every check cell."""
    notebooks.save(notebook, folder / NOTEBOOK)
    named = {
        cell.id: notebooks.check_name(cell)
        for cell in notebooks.cells_of(notebook, "check")
    }
    own, theirs = socket.socketpair()
    process = _start_nbval(folder, place, theirs, limits)
    theirs.close()
    why = ""
    try:
        with own.makefile("rw", encoding="utf-8", newline="\n") as line:
            for fact in _facts(own, line, time.monotonic() + limits.whole_s):
                why = _judge(fact, named, exercise, place, marks)
                if why:
                    break
                with suppress(BrokenPipeError):
                    line.write("go on\n")
                    line.flush()
    except TimeoutError:
        why = f"the whole notebook took longer than {limits.whole_s:g} s"
    finally:
        own.close()
        _end(process)
    for mark in marks.marks:
        if mark.verdict == "not run":
            mark.why = why or "nbval's process ended before its cell was reached"


def _start_nbval(
    folder: Path, place: Place, line: socket.socket, limits: Limits
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
    environment = {
        **os.environ,
        PLACE_VARIABLE: f"{place.cluster} {place.nonce}",
        SOCKET_VARIABLE: str(line.fileno()),
    }
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
    fact: dict[str, Any],
    named: dict[str, str],
    exercise: Exercise,
    place: Place,
    marks: Marks,
) -> str:
    """Settle the check that a cell runs; return why nothing after it counts, if so."""
    if fact["event"] == "kernel died":
        return f"the kernel died (exit code {fact['code']}): nothing after that counts"
    mark = next((m for m in marks.marks if m.check == named.get(fact["id"])), None)
    if mark is not None:
        _second_witness(mark, exercise, place)
        if mark.verdict == "passed" and not fact["passed"]:
            mark.verdict = "failed"
            mark.expected = "the check cell's own output"
            mark.found = _gist(fact["text"])
            mark.why = (
                "the cluster is right, but the cell in the notebook did not say so"
            )
            mark.next_step = "leave print, the checks and the traceback as they are"
    if fact["timed_out"]:
        return (
            f"cell {fact['id']!r} took longer than allowed: nothing after that counts"
        )
    return ""


def _second_witness(mark: Mark, exercise: Exercise, place: Place) -> None:
    """Look from outside the learner's kernel, now."""
    try:
        with Witness(place) as witness:
            exercise.checks[mark.check].run(witness)
        mark.verdict = "passed"
    except CheckFailed as failed:
        mark.verdict = "failed"
        mark.expected, mark.found = failed.expected, failed.found
        mark.why, mark.next_step = failed.why, failed.next_step
    except RmqError as error:
        mark.verdict = "inconclusive"
        mark.why = f"it could not be looked at: {error}"
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        mark.verdict = "failed"
        mark.found = f"something that the check cannot read: {error!r}"[:200]
        mark.next_step = "hand in what the text before the answer cell asks for"


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
