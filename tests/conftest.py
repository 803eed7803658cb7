"""Every test runs with asyncio's debugging on and warnings as errors.

What a machine lacks is skipped with a line that says so; RMQLAB_REQUIRE=docker,java
makes it fail instead, so that nothing is skipped where all of it must be there.
"""

from __future__ import annotations

import asyncio
import inspect
import os

import pytest

REQUIRED = set(filter(None, os.environ.get("RMQLAB_REQUIRE", "").split(",")))

os.environ.setdefault("PYTHONASYNCIODEBUG", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    asyncio.run(pyfuncitem.obj(**arguments), debug=True)
    return True


def missing(what: str, why: str) -> None:
    """Skip the test, or fail it where `what` is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required here, but {why}")
    pytest.skip(f"{why} (RMQLAB_REQUIRE={what} makes this a failure)")
