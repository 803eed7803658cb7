"""Apache RocketMQ's own jars, copied once by Maven, and our Java programs beside them.

    RMQLAB_JARS, else .venv/rocketmq
      4.4.0/*.jar              name server, broker, tools and what they need
      4.4.0/client-…/          java/*.java, compiled against them

A machine needs a JDK, and Maven until the jars are there; after that no network.
`python -m tests.interop.jars` gets everything ready, for a machine that is set up.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from rmqlab.classroom.release import Release, find_java
from rmqlab.classroom.runtime import ClusterError
from tests.conftest import missing

VERSIONS = ("4.4.0", "4.9.7")
HERE = Path(__file__).parent / "java"
VARIABLE = "RMQLAB_JARS"
CACHE = Path(__file__).parents[2] / ".venv" / "rocketmq"
FETCH_S, COMPILE_S = 240, 60
"""The first below pytest's faulthandler_timeout."""


class NotReady(Exception):
    """This machine cannot run the real RocketMQ; the text says why."""


def release(version: str) -> Release:
    """Return a release; skip the test where this machine cannot have it."""
    found = _found(version)
    if isinstance(found, str):
        missing("java", found)
    return found


def home(version: str) -> str:
    """Return what ROCKETMQ_HOME may name: the folder with the jars of a release."""
    release(version)  # it is there now, or the test is skipped
    return str(jars_of(version))


@cache
def _found(version: str) -> Release | str:
    """Return the release, or why it is not there: asked once in a process."""
    try:
        return prepare(version)
    except NotReady as error:
        return str(error)


def prepare(version: str) -> Release:
    """Fetch and compile what is not there yet.

    Raises:
        NotReady: no JDK or no Maven is there, or they fail.
    """
    java = _check_jdk()
    folder = jars_of(version)
    with alone(folder):
        jars = f"{folder}/*"
        if not (folder / "complete").exists():
            _fetch(version, folder)
        return Release(version, f"{_compiled(folder, jars)}:{jars}", java)


def jars_of(version: str) -> Path:
    """Return the folder that has a release's jars, or will have them."""
    return Path(os.environ.get(VARIABLE) or CACHE).absolute() / version


def _check_jdk() -> str:
    """Return the Java to be used."""
    if shutil.which("javac") is None:
        raise NotReady("javac is not there: install a JDK, 8 to 17")
    try:
        return find_java()
    except ClusterError as error:
        raise NotReady(str(error)) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other test processes out of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(version: str, folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise NotReady(f"neither {folder} has the jars nor is mvn there to fetch them")
    _run(
        FETCH_S,
        *("mvn", "-B", "-q", "-f", HERE / "pom.xml", f"-Drocketmq.version={version}"),
        *("dependency:copy-dependencies", f"-DoutputDirectory={folder}"),
    )
    (folder / "complete").touch()


def _compiled(folder: Path, jars: str) -> Path:
    """Return the folder of our classes; its name tells of which sources."""
    sources = sorted(HERE.glob("*.java"))
    whole = b"".join(source.read_bytes() for source in sources)
    classes = folder / f"client-{hashlib.sha256(whole).hexdigest()[:12]}"
    if not classes.exists():
        unfinished = folder / "compiling"
        _run(
            COMPILE_S,
            "javac",
            "-J-XX:-UsePerfData",
            "-nowarn",
            "-cp",
            jars,
            "-d",
            unfinished,
            *sources,
        )
        unfinished.rename(classes)
    return classes


def _run(bound_s: int, *command: object) -> str:
    """Run a program and return all that it said."""
    words = list(map(str, command))
    try:
        done = subprocess.run(
            words,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=bound_s,
        )
    except subprocess.TimeoutExpired:
        raise NotReady(f"{words[0]} took more than {bound_s} s") from None
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        lines = said.splitlines() or [f"exit code {done.returncode}"]
        reason = next((line for line in lines if "ERROR" in line), lines[-1])
        raise NotReady(f"{' '.join(words)} failed: {reason}")
    return said


if __name__ == "__main__":
    for one in VERSIONS:
        print(f"RocketMQ {one}: {prepare(one).class_path}")
