"""`rmqlab bench broker` on real processes: what it says, not how fast they are."""

from __future__ import annotations

import asyncio
import json

import psutil
import pytest

from rmqlab.classroom.bench import load
from rmqlab.classroom.bench.broker import nodes
from rmqlab.classroom.bench.part import BenchError
from tests.classroom.conftest import run

MEASURES = {one.name for one in load("broker").measures()}


def test_a_quick_run_gives_every_number_of_the_broker(tmp_path):
    file = tmp_path / "bench.json"
    done = run(
        *"bench broker --quick --rounds 1".split(),
        f"--folder={tmp_path}",
        f"--json={file}",
    )
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text("utf-8"))["parts"]["broker"]["measures"]
    assert found.keys() == MEASURES
    assert [(k, v["missing"]) for k, v in found.items() if v["missing"]] == []
    assert list(tmp_path.iterdir()) == [file]


async def test_nodes_end_with_the_block_that_ran_them(tmp_path):
    async with nodes.running(tmp_path / "own", ["orders"]) as found:
        pids = [one.pid for one in found.processes.values()]
        assert len(pids) == 2
        assert all(map(psutil.pid_exists, pids))
    assert not any(map(psutil.pid_exists, pids))


async def test_a_node_that_does_not_start_says_why_and_leaves_nobody(
    tmp_path, monkeypatch
):
    real, children = nodes._write, psutil.Process().children

    def unusable(folder, ports, topics):
        real(folder, ports, topics)
        with (folder / "broker.properties").open("a", encoding="utf-8") as file:
            file.write("mappedFileSizeCommitLog=0\n")

    monkeypatch.setattr(nodes, "_write", unusable)
    before = {one.pid for one in children()}
    with pytest.raises(BenchError, match=r"broker did not start.*cannot be used"):
        async with nodes.running(tmp_path / "own"):
            pass
    await asyncio.sleep(0)
    assert {one.pid for one in children()} <= before
