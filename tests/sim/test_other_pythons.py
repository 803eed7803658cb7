"""The system on every Python that it promises, and where there are no sockets."""

from __future__ import annotations

import sys
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.support_pythons import VERSIONS, WASM_VERSIONS, Python, cpython, pyodide

HERE = Path(__file__).parent
IMPORTS, DRILL = HERE / "pyodide" / "imports.py", HERE / "drill.py"
EVERY = [
    *((cpython, version) for version in VERSIONS),
    *((pyodide, version) for version in WASM_VERSIONS),
]
NEWEST = WASM_VERSIONS[-1]
ZONES = ("EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT")


@cache
def drilled_here() -> str:
    """Return what the drill prints on the Python of the tests."""
    here = Python("this Python", (sys.executable, "-W", "error"))
    return here.output(DRILL, hash_seed=0)


def first_difference(one: str, other: str) -> tuple[str | None, str | None] | None:
    """Return the first lines that are not the same."""
    pairs = zip_longest(one.splitlines(), other.splitlines())
    return next(((a, b) for a, b in pairs if a != b), None)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_system_imports_without_any_package(version):
    assert cpython(version).output(IMPORTS) == f"{version} []\n"


@pytest.mark.parametrize("version", WASM_VERSIONS)
def test_the_system_imports_where_there_are_no_files_and_threads(version):
    assert pyodide(version).output(IMPORTS) == f"{version} []\n"


@pytest.mark.parametrize(("kind", "version"), EVERY)
def test_a_failover_is_the_same_on_every_python_in_any_zone_however_it_hashes(
    kind, version
):
    zone = ZONES[VERSIONS.index(version)]
    there = kind(version).output(DRILL, zone=zone)
    assert first_difference(there, drilled_here()) is None


def test_what_a_script_says_and_how_it_ends_is_passed_through(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, time\n"
        "hour = time.localtime(0).tm_hour\n"
        "print(*sys.argv[1:], os.environ['PYTHONHASHSEED'], hour, end='')\n"
        "print('ä' * 100_000, file=sys.stderr, end='')\n"
        "sys.exit(7)\n",
        "utf-8",
    )
    ended = pyodide(NEWEST).run(script, "one", 2, hash_seed=3, zone="EST5EDT")
    assert (ended.returncode, ended.stdout) == (7, "one 2 3 19")
    assert ended.stderr == "ä" * 100_000


def test_a_task_that_a_script_leaves_runs_to_its_end_and_may_fail(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "async def late():\n"
        "    await asyncio.sleep(0)\n"
        "    raise ValueError('too late')\n"
        "task = asyncio.get_running_loop().create_task(late())\n",
        "utf-8",
    )
    ended = pyodide(NEWEST).run(script)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("ValueError: too late\n")
