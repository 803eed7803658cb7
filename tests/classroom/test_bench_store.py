"""`rmqlab bench store` on the real disk: what it says, not how fast it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from rmqlab.classroom.bench import load
from rmqlab.classroom.bench.part import BenchError
from rmqlab.classroom.bench.store import fetching, filling, opening, shelf
from tests.classroom.conftest import run
from tests.support import until

MEASURES = {one.name for one in load("store").measures()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Measure once, quickly; return the folder, what was printed, and the JSON."""
    folder = tmp_path_factory.mktemp("bench")
    file = folder.parent / "bench.json"
    done = run(
        *"bench store --quick --rounds 1".split(),
        f"--folder={folder}",
        f"--json={file}",
    )
    return folder, done, json.loads(file.read_text("utf-8"))


def test_a_quick_run_gives_every_number_of_the_store(measured):
    _, done, told = measured
    assert done.exit_code == 0, done.output
    found = told["parts"]["store"]["measures"]
    assert found.keys() == MEASURES
    assert [
        (name, one["missing"]) for name, one in found.items() if one["missing"]
    ] == []
    assert all(len(one["values"]) == 1 for one in found.values())
    assert all(name in done.stdout for name in MEASURES)


def test_the_run_says_what_it_was_measured_on(measured):
    _, done, told = measured
    assert told["quick"]
    assert told["machine"]["file_system"] in done.stdout
    assert told["machine"]["python"] in done.stdout


def test_a_run_leaves_its_folder_empty(measured):
    folder, _, _ = measured
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kill", "end"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)]
)
def test_a_run_that_is_ended_leaves_its_folder_empty(tmp_path, kill, end):
    """Ctrl-C in a terminal reaches the measuring process, too; SIGTERM does not."""
    command = [sys.executable, "-m", "rmqlab.cli", "bench", f"--folder={tmp_path}"]
    running = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    asyncio.run(until(lambda: list(tmp_path.rglob("commitlog/*"))))
    kill(running.pid, end)
    running.communicate(timeout=30)
    assert running.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_not_filled_is_not_measured(tmp_path):
    with pytest.raises(BenchError, match="was it filled"):
        opening.open_clean(tmp_path, {})


def test_a_store_that_lacks_messages_is_no_faster_for_that(tmp_path):
    filling.fill(tmp_path, {"messages": 100})
    with pytest.raises(BenchError, match="10 pulls of one message brought"):
        fetching.fetch(tmp_path, {"messages": 100_000, "pulls": 10})


def test_a_filled_store_has_all_messages_in_its_queues(tmp_path):
    filling.fill(tmp_path, {"messages": 2500})
    store = shelf.store_in(tmp_path / filling.FOLDER)
    found = store.open()
    store.abandon()
    assert not found.was_crash
    assert [store.queues.max_offset(shelf.TOPIC, n) for n in range(4)] == [625] * 4
