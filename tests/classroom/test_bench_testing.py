"""`rmqlab bench testing`: what it says, not how fast it is."""

from __future__ import annotations

import json

from rmqlab.classroom.bench import load
from tests.classroom.conftest import run


def test_a_quick_run_gives_every_number_of_testing(tmp_path):
    file = tmp_path / "bench.json"
    done = run(
        *"bench testing --quick --rounds 1".split(),
        f"--folder={tmp_path}",
        f"--json={file}",
    )
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text("utf-8"))["parts"]["testing"]["measures"]
    assert found.keys() == {one.name for one in load("testing").measures()}
    assert [(k, v["missing"]) for k, v in found.items() if v["missing"]] == []
    assert list(tmp_path.iterdir()) == [file]
