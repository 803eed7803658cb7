"""Every test runs with asyncio's debugging on and warnings as errors.

A coroutine marked `simulated` runs on virtual time, on a simulated machine: it may wait
for minutes at no cost.  What only real sockets, files and processes show is not marked.

What a machine lacks is skipped with a line that says so; RMQLAB_REQUIRE=docker,java
makes it fail instead, so that nothing is skipped where all of it must be there.
"""

from __future__ import annotations

import asyncio
import inspect
import os

import pytest

from tests import simulated

LONGEST_FIRST = (
    "labs/test_browser",
    "labs/",
    "classroom/test_grading",
    "cluster/test_docker",
    "interop/",
    "cluster/test_compose",
    "testing/test_sample_project",
    "stories/",
    "cluster/",
)
"""So that no worker is left with a long one at the end; the rest are milliseconds."""
WORKERS_A_CORE = 2
"""A test of real processes waits more than it computes."""

REQUIRED = set(filter(None, os.environ.get("RMQLAB_REQUIRE", "").split(",")))

os.environ.setdefault("PYTHONASYNCIODEBUG", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    if pyfuncitem.get_closest_marker("simulated"):
        simulated.run(pyfuncitem.obj(**arguments))
    else:
        asyncio.run(pyfuncitem.obj(**arguments), debug=True)
    return True


def pytest_configure(config):
    """Declare the mark."""
    mark = "simulated: a coroutine that runs on virtual time, on a simulated machine"
    config.addinivalue_line("markers", mark)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Return how many workers `-n auto` means."""
    return WORKERS_A_CORE * (os.cpu_count() or 1)


def pytest_sessionfinish(session, exitstatus):
    """Keep how it ended beside the list of what failed, for the gate (.ci/run)."""
    cache = getattr(session.config, "cache", None)
    if cache and not hasattr(session.config, "workerinput"):  # workers end, too
        cache.set("rmqlab/exit_status", int(exitstatus))


def pytest_collection_modifyitems(items):
    """Have the longest tests begin first; the order of the others stays."""

    def rank(item):
        found = (at for at, one in enumerate(LONGEST_FIRST) if one in item.nodeid)
        return next(found, len(LONGEST_FIRST))

    items.sort(key=rank)


def missing(what: str, why: str) -> None:
    """Skip the test, or fail it where `what` is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required here, but {why}")
    pytest.skip(f"{why} (RMQLAB_REQUIRE={what} makes this a failure)")
