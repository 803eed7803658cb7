"""`rmqlab bench growth`: each point of its curves, and the report."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom.bench import LONG, load
from rmqlab.classroom.bench.growth import POINTS, kinds, named, report
from rmqlab.classroom.bench.part import NotHere
from rmqlab.classroom.bench.result import PartResult, to_json
from rmqlab.classroom.plots import curves
from tests.classroom.conftest import run
from tests.classroom.test_bench import HERE

PART = load("growth")
SIZES = {**PART.quick, "sends": 32, "pulls": 2}


def probe(dimension, count):
    name = f"{dimension} {count:,}"
    return next(one for one in PART.probes if one.name == name)


@pytest.mark.parametrize(
    ("dimension", "count"),
    [
        *(("topics", 10), ("queues", 8), ("connections", 10)),
        *(("backlog", 1000), ("slaves", 0), ("slaves", 1)),
    ],
)
def test_a_point_has_its_numbers(dimension, count, tmp_path):
    found = probe(dimension, count).run(tmp_path, SIZES)
    assert list(found) == [
        named(dimension, count, what) for what, _ in kinds(dimension)
    ]
    cost, memory, _ = found.values()
    assert cost >= 0  # the system counts a processor's time in hundredths of a second
    assert memory > 5


def test_a_quick_look_leaves_the_large_points_out(tmp_path):
    with pytest.raises(NotHere, match="up to 10,000"):
        probe("backlog", 10**7).run(tmp_path, PART.quick)


def test_every_point_has_names_of_its_own_and_is_not_part_of_a_run_of_all():
    names = [one.name for one in PART.measures()]
    assert len(names) == len(set(names)) == 3 * sum(map(len, POINTS.values()))
    assert LONG.keys() == {PART.name}
    assert PART.room(PART.quick) < PART.room(PART.sizes)


def grown():
    """Return a result where each number is its point's, and one is missing."""
    found = PartResult(PART, PART.sizes)
    for one in PART.probes:
        count = int(one.name.split()[1].replace(",", ""))
        found.add(one, dict.fromkeys((m.name for m in one.measures), float(count)))
    found.give_up(probe("slaves", 3), "failed: torn", failed=True)
    return found


def test_the_report_is_a_page_with_its_command_a_picture_and_numbers(tmp_path):
    doc = to_json([grown()], HERE, "2026-01-01", 1, quick=False)
    report.write(tmp_path, grown(), doc, "rmqlab bench growth …")
    page = (tmp_path / "growth.md").read_text("utf-8")
    for text in ("rmqlab bench growth …", "a cpu", "## Backlog", "(growth.png)"):
        assert text in page
    assert "| 10,000,000 | 10,000,000 | 10,000,000 | 10,000,000 |" in page
    assert "| 3 | – | – | – |" in page
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "growth.json").read_text("utf-8")) == doc


def test_a_run_of_a_part_of_it_makes_a_report_too(tmp_path):
    found = PartResult(PART, PART.quick)
    found.add(one := probe("topics", 10), {m.name: 0.0 for m in one.measures})
    report.write(
        tmp_path, found, to_json([found], HERE, "2026-01-01", 1, quick=True), "rmqlab …"
    )
    assert "| 10 | 0 | 0 | 0 |" in (tmp_path / "growth.md").read_text("utf-8")
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"


def test_a_flat_curve_is_drawn_over_a_factor_of_ten():
    figure = curves({("topics", "memory, MB"): {10: 50.0, 100: 50.0}}).figure
    low, high = figure.axes[0].get_ylim()
    assert high / low >= 10


def test_a_report_is_of_growth_alone(tmp_path):
    done = run("bench", "growth", "store", "--into", str(tmp_path), "--list")
    assert done.exit_code == 64
    assert "of growth alone" in done.output
