"""The course's claims on our nodes: beside what RocketMQ 4.9.7 showed, and beside it.

What it showed is a golden file: ``rmqlab conform --json > tests/golden/conform.json``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmqlab.classroom.commands import rmqlab
from rmqlab.classroom.conform.catalogue import CLAIMS
from rmqlab.classroom.conform.known import known_of
from tests.interop.jars import home
from tests.support import GOLDEN

RELEASE = "4.9.7"
SHOWN = GOLDEN / "conform.json"
README = Path(__file__).parents[2] / "README.md"


def conform(*arguments):
    """Play claims; return their names by verdict."""
    words = map(str, ["conform", "--json", *arguments])
    told = CliRunner().invoke(rmqlab, list(words))
    assert told.stdout, told.output
    claims = json.loads(told.stdout)["claims"]
    wrong = [one for one in claims if one["verdict"] not in ("same", "known")]
    assert (told.exit_code, wrong) == (0, [])
    found = defaultdict(set)
    for one in claims:
        found[one["verdict"]].add(one["name"])
    return found


def test_our_nodes_show_what_rocketmq_showed(tmp_path):
    page = tmp_path / "README.md"
    page.write_bytes(README.read_bytes())
    found = conform("--against", SHOWN, "--into", page)
    expected = {one.name for one in CLAIMS if known_of(one.name, RELEASE)}
    assert found["known"] == expected
    assert len(found["same"]) + len(found["known"]) == len(CLAIMS)
    assert page.read_text("utf-8") == README.read_text("utf-8")


@pytest.mark.parametrize("topology", ["1m", "2m-2s-sync"])
def test_rocketmq_shows_it_beside_them(topology, monkeypatch):
    monkeypatch.setenv("ROCKETMQ_HOME", home(RELEASE))
    assert conform("--only", topology)["same"]
