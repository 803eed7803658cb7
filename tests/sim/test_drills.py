"""Drills by mode and fault, and the table they make; README's has all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rmqlab.classroom.simulated.drill_table import (
    HEAD,
    IN_PAGE,
    NUMBERS,
    Cell,
    DrillTable,
    drill_table,
)
from rmqlab.classroom.simulated.drills import FAULTS, Found, drill, fits
from rmqlab.classroom.topology import MODES
from rmqlab.errors import ConfigError


def test_a_lone_master_that_is_killed_loses_nothing_and_is_away_for_a_minute():
    found = drill("1m", "kill", 0)
    assert found.lost == found.doubled == 0
    assert 60 <= found.unavailable_s < 62
    assert 590 <= found.failed <= 610


def test_a_seed_repeats_a_drill():
    assert drill("1m", "crash", 3) == drill("1m", "crash", 3) != drill("1m", "crash", 4)


def test_a_crash_takes_what_was_not_flushed_and_nothing_else():
    table = drill_table(seeds=[0], modes=["1m"], faults=["crash", "crash-flushed"])
    assert table.cell("crash", "1m").worst("lost") > 0
    assert table.cell("crash-flushed", "1m").worst("lost") == 0


def test_a_slave_that_lags_is_what_tells_double_write_from_asynchronous_copies():
    found = {mode: drill(mode, "disk-lag", 1) for mode in MODES[2:]}
    assert found["2m-2s-async"].lost > 0
    assert found["2m-2s-sync"].lost == 0
    assert found["2m-2s-sync"].failed > 0


def test_what_a_slave_has_of_its_crashed_masters_last_messages_is_not_lost_but_unread():
    found = drill("2m-2s-async", "crash", 0)
    assert found.lost == 0
    assert found.unread > 0


def test_faults_of_slaves_are_for_modes_that_have_some():
    wanted = [name for name in FAULTS if not fits("2m-noslave", name)]
    assert wanted == ["disk-lag", "slave"]
    assert all(fits("2m-2s-async", name) for name in FAULTS)


@pytest.mark.parametrize(
    "wrong", [{"modes": ["3m"]}, {"faults": ["flood"]}], ids=["mode", "fault"]
)
def test_what_is_unknown_is_refused_with_what_there_is(wrong):
    with pytest.raises(ConfigError, match="there are"):
        drill_table(seeds=1, **wrong)


SOME = tuple(Found(seed, 100, *found) for seed, found in enumerate(
    [(0, 2, 5, 1, 60.04), (0, 0, 5, 7, 60.01), (9, 2, 5, 3, 62.0)]
))  # fmt: skip
TWO = DrillTable((Cell("kill", "1m", SOME), Cell("kill", "2m-noslave", SOME[:1])))


def test_a_cell_has_the_median_and_the_worst_where_it_is_another_one():
    several, one = (cell.row[1:] for cell in TWO.cells)
    assert several == ("1m", "0 (9)", "2", "5", "3 (7)", "60.0 s (62.0 s)")
    assert one == ("2m-noslave", "0", "2", "5", "1", "60.0 s")


def test_each_form_of_the_table_has_every_row_and_says_what_happens_once():
    head, rule, first, second = TWO.markdown.splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == 8
    assert first.startswith("| a master is killed | 1m | 0 (9) | 2 | 5 |")
    assert second.startswith("|  | 2m-noslave | 0 | 2 | 5 |")
    assert str(TWO).splitlines()[2].startswith("a master is killed  1m")
    assert re.findall(r"<td>(\d\S*)</td>", TWO._repr_html_())[0] == "1m"


def test_the_json_has_medians_worsts_and_what_each_seed_found():
    cell = TWO.to_json()["cells"][0]
    assert cell["lost"] == {"median": 0.0, "worst": 9.0}
    assert [one["seed"] for one in cell["seeds"]] == [0, 1, 2]
    assert {*NUMBERS} <= cell.keys()


# ── README.md ─────────────────────────────────────────────────────────────────


def published():
    """Return the rows of README's table by what happens and mode; its head apart."""
    page = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    lines = page.partition(IN_PAGE.begin)[2].partition(IN_PAGE.end)[0].split("\n")
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    rows, what = {}, ""
    for row in cells[2:]:
        what = row[0] if len(row) == len(HEAD) else what
        mode = len(row) - len(HEAD) + 1
        rows[what, row[mode]] = tuple(row[mode:])
    return tuple(cells[0]), rows


def test_the_readme_has_every_fault_of_every_mode():
    head, rows = published()
    assert head == HEAD
    wanted = [(one.text, mode) for one in FAULTS.values() for mode in MODES
              if fits(mode, one.name)]  # fmt: skip
    assert list(rows) == wanted


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_the_readme_says_what_drills_come_to_now(fault):
    (cell,) = drill_table(modes=["1m"], faults=[fault]).cells
    _, rows = published()
    again = "put it right by `rmqlab drills --into README.md`"
    assert rows[FAULTS[fault].text, "1m"] == cell.row[1:], again


def test_the_readme_shows_what_the_modes_promise():
    lost = {key: row[1] for key, row in published()[1].items()}
    kept = {key for key, count in lost.items() if count == "0"}
    texts = {name: one.text for name, one in FAULTS.items()}
    alive = ("kill", "pause", "cut", "crash-flushed")
    assert {(texts[name], mode) for name in alive for mode in MODES} <= kept
    assert {(text, "2m-2s-sync") for text in texts.values()} <= kept
    assert kept.isdisjoint({(texts["disk-lag"], "2m-2s-async"), (texts["disk"], "1m")})
