"""Lays a learner's answers into the pristine notebook.

Only the answer cells are taken, by their ids.  Whatever else was changed has no effect;
what a grader would want to know of it is told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import nbformat

from rmqlab.classroom.notebooks import Notebook, cells_of, kind, without_answers


@dataclass
class Laid:
    """The notebook to run, and what was noticed on the way.

    `tampering` is what makes the answer file unusable, `remarks` what only had no
    effect.
    """

    notebook: Notebook
    tampering: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def lay(pristine: Notebook, answered: Notebook) -> Laid:
    """Return the pristine notebook with the answers of the other one."""
    notebook = nbformat.from_dict(pristine)  # type: ignore[no-untyped-call]
    laid = Laid(notebook)
    counts = Counter(cell.get("id") for cell in answered.cells)
    given = {cell.get("id"): cell for cell in answered.cells}
    for cell in cells_of(notebook, "answer"):
        if counts[cell.id] != 1:
            laid.tampering.append(
                f"answer cell {cell.id!r} is there {counts[cell.id]} times, not once: "
                "`rmqlab reset` gives a fresh copy and keeps yours"
            )
        else:
            cell.source = given[cell.id].source
    _note_changes(laid, pristine, given)
    for cell in notebook.cells:
        if cell.cell_type == "code" and kind(cell) != "check":
            cell.outputs = []
            cell.metadata["tags"] = ["nbval-ignore-output"]
    return laid


def _note_changes(laid: Laid, pristine: Notebook, given: dict[str, object]) -> None:
    """Mention what was edited or removed without effect."""
    for cell in without_answers(pristine).cells:
        if kind(cell) == "answer" or cell.cell_type != "code":
            continue
        own = given.get(cell.id)
        what = "check cell" if kind(cell) == "check" else "given cell"
        if own is None:
            laid.remarks.append(f"{what} {cell.id!r} was removed: it ran all the same")
        elif own.source.strip() != cell.source.strip():  # type: ignore[attr-defined]
            laid.remarks.append(
                f"{what} {cell.id!r} was edited: the original ran instead"
            )
