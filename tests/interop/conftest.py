"""What the checks share: their assertions say what differs, as those of tests do.

And what takes long is made once, whichever test process needs it first.
"""

import asyncio
import fcntl
import json
import os

import pytest

pytest.register_assert_rewrite("tests.interop.catalogue")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """Return a folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def once(workshop):
    """Return what gives the answer of a coroutine that one test process has run.

    `once("name", make)` awaits `make(folder)`, which returns what JSON can hold.
    """

    def told(name, make):
        folder = workshop / name
        folder.mkdir(exist_ok=True)
        answer = folder / "told.json"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not answer.exists():
                answer.write_text(json.dumps(asyncio.run(make(folder))))
        return json.loads(answer.read_text())

    return told
