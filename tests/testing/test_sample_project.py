"""Somebody else's project, where only rmqlab's wheel and pytest are installed."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rmqlab.classroom.image import make_wheel
from rmqlab.classroom.runtime import ClusterError
from tests.conftest import missing
from tests.testing.page import shown

BOUND_S = 240
FRESH = 50
CONFTEST = """
import sys

loaded = {name for name in sys.modules if name.startswith("rmqlab")}
"""
TESTS = f"""
import sys
from importlib.util import find_spec

import pytest

import rmqlab
from conftest import loaded


def test_the_plugin_has_loaded_no_broker():
    assert loaded == {{"rmqlab", "rmqlab.pytest_plugin"}}


def test_nothing_of_the_course_is_here():
    assert rmqlab.__file__.startswith(sys.prefix)
    assert find_spec("click") is None


def test_a_cluster_says_what_it_lacks(request):
    with pytest.raises(pytest.fail.Exception, match=r"pip install 'rmqlab\\[lab\\]'"):
        request.getfixturevalue("rocketmq_cluster")


@pytest.mark.parametrize("number", range({FRESH}))
def test_every_test_has_a_fresh_broker(rocketmq, number):
    assert rocketmq.messages("orders") == []
    rocketmq.send("orders", f"coffee {{number}}")
    (order,) = rocketmq.wait_for(lambda: rocketmq.messages("orders"))
    assert order.body == b"coffee %d" % number
"""


@pytest.fixture
def python(tmp_path):
    """Return the Python of a new environment."""
    try:
        wheel = make_wheel(tmp_path / "dist")
    except ClusterError as error:
        missing("wheel", str(error))
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = ["--python", str(python), "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, *install, str(wheel)], check=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    lend_pytest(site)
    return python


def lend_pytest(site: Path) -> None:
    """Link what runs these tests into another environment, with what it needs."""
    needed = importlib.metadata.requires("pytest") or []
    names = [re.match(r"[\w.-]+", one)[0] for one in needed if ";" not in one]
    for name in ["pytest", *names]:
        files = importlib.metadata.files(name) or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            path = importlib.metadata.distribution(name).locate_file(top)
            (site / top).symlink_to(path)


def test_fifty_tests_and_the_pages_examples_pass_there(python, tmp_path):
    project, report = tmp_path / "project", tmp_path / "report.xml"
    project.mkdir()
    (project / "conftest.py").write_text(CONFTEST)
    (project / "test_fresh.py").write_text(TESTS)
    examples = shown(".py", project)
    (project / "test_cluster.py").unlink()  # it needs the course
    done = subprocess.run(
        [python, "-m", "pytest", "-W", "error", f"--junitxml={report}"],
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    assert done.returncode == 0, done.stdout
    cases = [case.attrib["classname"] for case in ET.parse(report).iter("testcase")]
    assert cases.count("test_fresh") == FRESH + 3
    assert {f"{name}.py" for name in cases} >= set(examples) - {"test_cluster.py"}
