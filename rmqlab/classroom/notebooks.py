"""Notebooks as files: reading, cleaning, executing, and what kind a cell is.

A cell of an exercise says in its metadata what it is:

    {"rmqlab": {"kind": "answer"}}                        the learner's
    {"rmqlab": {"kind": "check", "check": "NAME"}}        runs one check

In a solution the answer stands between two marks; what is around them is given.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from rmqlab.classroom.runtime import ClusterError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
PLACEHOLDER = "...  # your answer"
CELL_TIMEOUT_S = 120
FORMAT = 4
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TRANSIENT_METADATA = ("execution", "widgets", "collapsed", "scrolled", "jupyter")

_SOLUTION = re.compile(
    rf"^([ \t]*){re.escape(BEGIN)}\n.*?^[ \t]*{re.escape(END)}[ \t]*$",
    re.DOTALL | re.MULTILINE,
)

Notebook = Any
Cell = Any


def load(path: Path) -> Notebook:
    """Return a notebook.

    Raises:
        ClusterError: it is none.
    """
    try:
        return nbformat.read(path, as_version=FORMAT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise ClusterError(f"{path} cannot be read as a notebook: {error}") from error


def load_as_is(path: Path) -> Notebook:
    """Return a notebook without mending it: a doubled id stays doubled.

    Raises:
        ClusterError: it is none.
    """
    try:
        text = path.read_text("utf-8")
        notebook = nbformat.reader.reads(text)  # type: ignore[no-untyped-call]
        for cell in notebook.cells:
            cell.source, cell.cell_type  # noqa: B018 - every cell must have them
    except (OSError, ValueError, AttributeError, TypeError, LookupError) as error:
        raise ClusterError(f"{path} cannot be read as a notebook: {error}") from error
    return notebook


def save(notebook: Notebook, path: Path) -> None:
    """Write a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_text(notebook), "utf-8")


def of_one_cell(code: str, title: str) -> Notebook:
    """Return a notebook that runs this."""
    new = nbformat.v4
    cell = new.new_code_cell(code)  # type: ignore[no-untyped-call]
    metadata = {"title": title, "kernelspec": KERNEL}
    return new.new_notebook(cells=[cell], metadata=metadata)  # type: ignore[no-untyped-call]


def to_text(notebook: Notebook) -> str:
    """Return a notebook's file content."""
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def kind(cell: Cell) -> str:
    """Return ``answer``, ``check``, or nothing."""
    return str(cell.metadata.get("rmqlab", {}).get("kind", ""))


def check_name(cell: Cell) -> str:
    """Return the name of the check that a check cell runs."""
    return str(cell.metadata["rmqlab"]["check"])


def cells_of(notebook: Notebook, wanted: str) -> list[Cell]:
    """Return the cells of one kind."""
    return [cell for cell in notebook.cells if kind(cell) == wanted]


def without_answers(notebook: Notebook) -> Notebook:
    """Return a copy to be filled in: no answers, no outputs, no check left passed."""
    copy = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    for cell in copy.cells:
        if kind(cell) == "answer":
            cell.source = _SOLUTION.sub(rf"\1{PLACEHOLDER}", cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


def clean(notebook: Notebook) -> Notebook:
    """Take out what differs from run to run without meaning anything."""
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        **{k: v for k, v in notebook.metadata.items() if k == "rmqlab"},
    }
    for cell in notebook.cells:
        for name in TRANSIENT_METADATA:
            cell.metadata.pop(name, None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def execute(notebook: Notebook, folder: Path) -> Notebook:
    """Run all cells in a new kernel, in place.

    Raises:
        ClusterError: a cell raised, or took too long.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise ClusterError(f"a notebook in {folder} does not run: {error}") from error
    return clean(notebook)
