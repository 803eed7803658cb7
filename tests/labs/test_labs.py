"""Every lab runs, twice in one kernel, and is kept as a finished one."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

from rmqlab.classroom import notebooks
from rmqlab.classroom.labs import all_labs, unfinished
from rmqlab.classroom.release import HOME_VARIABLE
from tests.interop.jars import home

COURSE = [f"{number:02}" for number in range(16)]
SECTIONS = (
    "After this lab you can",
    "What the article says",
    "What a real cluster does",
)
LONGEST_CELL = 25
REAL = "15"
"""It runs Apache RocketMQ itself, besides."""


def by_number(path):
    return path.name[:2]


labs = pytest.mark.parametrize("path", all_labs(), ids=by_number)


def source(path):
    return "\n".join(cell.source for cell in notebooks.load(path).cells)


def test_the_labs_of_the_first_form_are_there():
    assert [by_number(path) for path in all_labs()] == COURSE


@labs
def test_run_all_works_twice_in_one_kernel(path, monkeypatch):
    if by_number(path) == REAL:
        monkeypatch.setenv(HOME_VARIABLE, home("4.9.7"))
    # ipykernel's own threads do not stand asyncio's debugging
    monkeypatch.delenv("PYTHONASYNCIODEBUG", raising=False)
    lab = notebooks.load(path)
    cells = [nbformat.from_dict(cell) for cell in [*lab.cells, *lab.cells]]
    for number, cell in enumerate(cells):
        cell.id = f"{number}"
    lab.cells = cells
    notebooks.execute(lab, path.parent)


@labs
def test_it_is_kept_executed_and_without_traces_of_a_machine(path):
    assert unfinished(path) == []


@labs
def test_its_text_has_what_every_lab_has(path):
    text = source(path)
    assert [part for part in SECTIONS if part not in text] == []
    assert re.search(r"\*\d+ minutes\.", text)
    assert "**Predict" in text
    assert "assert " in text


@labs
def test_its_code_cells_are_short(path):
    cells = [one for one in notebooks.load(path).cells if one.cell_type == "code"]
    assert max(len(cell.source.splitlines()) for cell in cells) <= LONGEST_CELL


@labs
def test_its_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)\)", source(path))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_a_lab_that_was_not_run_is_not_finished(tmp_path):
    lab = notebooks.load(all_labs()[0])
    code = [cell for cell in lab.cells if cell.cell_type == "code"]
    code[0].execution_count = None
    code[1].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="/home/someone/cluster"),
        nbformat.v4.new_output("stream", name="stderr", text="a warning"),
        nbformat.v4.new_output("error", ename="SendError", evalue="", traceback=[]),
    ]
    lab.cells[2].id = lab.cells[1].id
    lab.cells[3].id = "stray"
    lab.metadata["widgets"] = {}
    path = tmp_path / all_labs()[0].name
    path.write_text(json.dumps(lab))
    found = "\n".join(unfinished(path))
    for what in ("twice", "begin with 00-", "widget", "not run", "path", "complains",
                 "SendError"):  # fmt: skip
        assert what in found
