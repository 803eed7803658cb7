"""The parts of `rmqlab bench` that run nodes: what they say, not how fast they are."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom.bench import load
from tests.classroom.conftest import run


@pytest.mark.parametrize(
    ("part", "only"),
    [
        ("broker", ()),
        ("replication", ()),
        ("client", ()),
        ("cluster", ("starting",)),
        ("stages", ()),
    ],
)
def test_a_quick_run_gives_every_number(part, only, tmp_path):
    file = tmp_path / "bench.json"
    done = run(
        *f"bench {part} --quick --rounds 1".split(),
        *(f"--only={name}" for name in only),
        f"--folder={tmp_path}",
        f"--json={file}",
    )
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text("utf-8"))["parts"][part]["measures"]
    wanted = load(part).only(only or [""])
    assert found.keys() == {one.name for one in wanted.measures()}
    assert [(k, v["missing"]) for k, v in found.items() if v["missing"]] == []
    assert list(tmp_path.iterdir()) == [file]
