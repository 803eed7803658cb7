"""The nodes of `rmqlab bench broker`: they end, and say why they do not start."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from rmqlab.classroom.bench.broker import nodes
from rmqlab.classroom.bench.part import BenchError


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
