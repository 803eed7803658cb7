"""`rmqlab drills`: what it asks for and prints; the drills are in `tests/sim`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rmqlab.classroom.commands import EX_USAGE, drills, rmqlab
from rmqlab.classroom.simulated.drill_table import IN_PAGE, Cell, DrillTable
from rmqlab.classroom.simulated.drills import FAULTS, Found
from rmqlab.classroom.topology import MODES

TABLE = DrillTable((Cell("kill", "1m", (Found(0, 100, 3, 2, 5, 1, 60.04),)),))


@pytest.fixture
def asked(monkeypatch):
    """Have the drills be played at once; return what was asked for."""
    asked = []

    def play(*wanted):
        asked.append(wanted)
        return TABLE

    monkeypatch.setattr(drills, "drill_table", play)
    return asked


def call(*arguments):
    return CliRunner().invoke(rmqlab, ["drills", *map(str, arguments)])


def test_all_modes_and_faults_are_played_unless_some_are_named(asked):
    assert call("--jobs", 2).exit_code == 0
    assert call("--mode", "1m", "--fault", "kill", "--seeds", 4, "--jobs", 1).output
    assert asked == [(3, MODES, tuple(FAULTS), 2), (4, ("1m",), ("kill",), 1)]


def test_the_table_is_printed_with_what_its_numbers_mean(asked):
    said = call("--seeds", 7).output
    assert str(TABLE) in said
    assert "The median of 7 seeds" in said


def test_the_table_in_json_is_for_programs(asked):
    assert json.loads(call("--json").stdout) == TABLE.to_json()


def page_with(table):
    return f"before\n{IN_PAGE.begin}\n{table}\n{IN_PAGE.end}\nafter\n"


def test_a_page_gets_the_table_between_its_markers(asked, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(page_with("old"), "utf-8")
    assert call("--into", page).exit_code == 0
    text = page.read_text("utf-8")
    assert text == page_with(TABLE.markdown)
    page.write_text("no markers\n", "utf-8")
    assert call("--into", page).exit_code == 1
    assert page.read_text("utf-8") == "no markers\n"


def test_a_fault_that_nobody_knows_is_a_usage_error():
    assert call("--fault", "flood").exit_code == EX_USAGE
