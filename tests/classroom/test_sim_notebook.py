"""A simulation in a notebook: its kernel has a loop of its own, and cells are tasks."""

from __future__ import annotations

import nbformat
import pytest

from rmqlab.classroom import notebooks

CELLS = [
    """
import asyncio
from rmqlab.classroom.lab import *

ticks = 0
async def tick():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0)
ticking = asyncio.create_task(tick())
cluster = start("2m-2s-sync", lab="99", runtime="sim", seed=7)
outer = asyncio.get_running_loop()
""",
    """
producer, came = cluster.producer(), []
consumer = cluster.consumer("orders", lambda message: came.append(message.body))
for number in range(5):
    producer.send("orders", f"{number}")
wait_until(lambda: len(came) == 5)
cluster.kill("broker-a")
cluster.run(seconds=60)
assert asyncio.get_running_loop() is outer
""",
    """
before = ticks
await asyncio.sleep(0)
await asyncio.to_thread(cluster.run, 60)
assert ticks > before
""",
    """
async def in_a_task():
    cluster.restart("broker-a")
    return producer.send("orders", "from a task").status.name
status = await asyncio.create_task(in_a_task())
assert status == "SEND_OK", status
""",
    """
shown = panel(cluster)
display(shown)
shown._time.buttons[0].click()
with cluster.traffic("traffic") as traffic:
    traffic.run_for(30)
    assert not traffic.stop().missing
shown.close()
ticking.cancel()
print(len(came), cluster.node("broker-a").state)
cluster.down()
""",
]


def code(number, source):
    cell = nbformat.v4.new_code_cell(source.strip())
    cell.id = f"cell-{number}"
    return cell


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Return all cells twice, for one kernel."""
    # ipykernel's own threads do not stand asyncio's debugging
    monkeypatch.delenv("PYTHONASYNCIODEBUG", raising=False)
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    cells = [code(number, source) for number, source in enumerate([*CELLS, *CELLS])]
    return nbformat.v4.new_notebook(cells=cells)


def test_a_notebook_runs_a_simulation_between_its_awaits_twice_in_a_kernel(
    notebook, tmp_path
):
    notebooks.execute(notebook, tmp_path)
    last = notebook.cells[len(CELLS) - 1], notebook.cells[-1]
    printed = [cell.outputs[-1]["text"] for cell in last]
    assert printed[0] == printed[1]
    assert printed[0].endswith(" usable\n")
    assert not any(
        output.get("name") == "stderr"
        for cell in notebook.cells
        for output in cell.outputs
    )
