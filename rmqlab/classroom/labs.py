"""The labs as files: what there is, executing them, and what a finished one must be.

A lab is kept executed, outputs and all, so that it reads well before it is run.  What
belongs to one machine or one moment is taken out: widget state, paths, times of cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rmqlab.classroom import notebooks
from rmqlab.classroom.course import course_folder

LABS = "labs"

MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:root|home|Users|work|tmp(?!/rocketmq)|var/folders)/\w+"
)
"""What must not be in an output: where something lies on the author's machine.

/tmp/rocketmq is where every mqadmin puts a message's body.
"""


def all_labs() -> list[Path]:
    """Return the labs in the order of the course."""
    return sorted((course_folder() / LABS).glob("[0-9][0-9]_*.ipynb"))


def execute_all() -> Iterator[Path]:
    """Run every lab in a kernel of its own and keep what came out; yield each.

    Raises:
        ClusterError: a cell of one raised, or took too long.
    """
    for path in all_labs():
        notebook = notebooks.execute(notebooks.load(path), path.parent)
        notebooks.save(notebook, path)
        yield path


def unfinished(path: Path) -> list[str]:
    """Return, in words, why a lab is not fit to be published."""
    notebook = notebooks.load_as_is(path)
    ids = [cell.id for cell in notebook.cells]
    found = [f"cell id {one} is there twice" for one in set(ids) if ids.count(one) > 1]
    number = path.name[:2]
    found += [f"cell id {one} must begin with {number}-" for one in ids
              if not one.startswith(f"{number}-")]  # fmt: skip
    if "widgets" in notebook.metadata:
        found.append("it has widget state")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found += _unfinished_cell(cell)
    return [f"{path.name}: {one}" for one in found]


def _unfinished_cell(cell: notebooks.Cell) -> Iterator[str]:
    if cell.execution_count is None:
        yield f"{cell.id} was not run"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"{cell.id} ended with {output.ename}"
        if output.get("name") == "stderr":
            yield f"{cell.id} complains: {output.text[:80]}"
        text = str(output.get("text", "")) + str(
            output.get("data", {}).get("text/plain")
        )
        for path in MACHINE_PATH.findall(text):
            yield f"{cell.id} shows a path of this machine: {path}"
