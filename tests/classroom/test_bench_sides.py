"""`rmqlab bench --against`: what three sides came to, side by side, and the loads."""

from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.bench import load as part_of
from rmqlab.classroom.bench.part import BenchError
from rmqlab.classroom.bench.result import PartResult, to_json
from rmqlab.classroom.bench.sides import load, ours, probes, report
from rmqlab.classroom.bench.sides.against import SIDES, gaps, rows, table
from rmqlab.classroom.bench.sides.cells import PLAIN, Cell, cells
from rmqlab.classroom.bench.sides.cluster import TOPIC, make_topic
from rmqlab.classroom.bench.sides.load import JAVA, OWN, Sends
from rmqlab.classroom.cluster import Cluster
from tests.classroom.conftest import run
from tests.classroom.test_bench import HERE
from tests.interop.jars import home

FEW = {"cell_ms": 20, "warm_ms": 20, "backlog": 40, "arrivals": 2, "outage_ms": 150}


# Side by side


def results(**values):
    """Return the sides' results: by side, the values of numbers by their names."""
    found = []
    for side in SIDES:
        one = PartResult(part_of(side), part_of(side).sizes)
        for name, given in values.get(side, {}).items():
            one.series[name].values.extend(given)
        found.append(one)
    return found


def row(name, **values):
    sides = {side: {name: given} for side, given in values.items()}
    return next(one for one in rows(results(**sides)) if one.measure.name == name)


def drawn(found, *, is_whole=True):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table(list(rows(found)), is_whole=is_whole))
    return console.export_text()


def test_ours_is_laid_beside_theirs_and_the_ratio_is_ours_by_theirs():
    told = row(ours.SYNC_MANY, cluster=[4000, 4200, 4400], rocketmq=[2000, 2100, 2200])
    assert (told.group, told.name) == (str(PLAIN), "java 16 × 128 B")
    assert (told.ratio, told.is_better) == (2, True)


@pytest.mark.parametrize(
    ("name", "mine", "theirs", "is_better"),
    [
        (ours.SYNC_MANY, 90, 100, False),
        (ours.ONE, 0.4, 0.8, True),
        (ours.ONE, 0.8, 0.4, False),
    ],
)
def test_which_side_is_better_depends_on_what_is_counted(name, mine, theirs, is_better):
    assert row(name, cluster=[mine], rocketmq=[theirs]).is_better is is_better


def test_where_the_middle_halves_overlap_neither_side_is_better():
    told = row(ours.SYNC_MANY, cluster=[1, 5, 9], rocketmq=[2, 4, 6])
    assert told.is_better is None


def test_of_a_number_that_a_side_lacks_there_is_no_ratio():
    assert row(ours.SYNC_MANY, cluster=[4000]).ratio is None
    assert row(ours.SYNC_MANY, rocketmq=[4000]).ratio is None
    assert row(probes.READY_WITHOUT_TLS, rocketmq=[8]).ours is None


def test_the_late_ones_of_one_sender_are_held_against_the_floor_where_that_is_later():
    late, of_floor = ours.ONE_LATE, "java 1 × 128 B, 99 of 100"

    def ratio(floor_ms):
        sides = {"cluster": {late: [3]}, "rocketmq": {late: [2]}}
        found = results(**sides, floor={of_floor: [floor_ms]})
        return next(one.ratio for one in rows(found) if one.measure.name == late)

    assert (ratio(1), ratio(6)) == (1.5, 0.5)


def line_of(text, name):
    return next(one for one in text.splitlines() if f" {name} " in one).split()


def test_the_table_says_what_is_promised_and_whether_it_is_kept():
    sides = {"cluster": {ours.SYNC_MANY: [4100]}, "rocketmq": {ours.SYNC_MANY: [3400]}}
    found = results(**sides, floor={"java 16 × 128 B": [9400]})
    assert str(PLAIN) in drawn(found)
    assert (
        line_of(drawn(found), "java 16 × 128 B")[5:]
        == (
            "messages/s 4,100 (4,100 … 4,100) 3,400 (3,400 … 3,400) "
            "× 1.21 ≥ 1.3 ✗ 9,400 ≥ 4,000 ✓"
        ).split()
    )
    assert not {"✗", "✓"} & set(drawn(found, is_whole=False))


def test_why_a_side_lacks_numbers_is_said_once():
    ours_, theirs, floor = results()
    for probe in theirs.part.only(["java"]).probes:
        theirs.give_up(probe, "not here: no Java")
    floor.give_up(floor.part.probes[0], "failed: torn", failed=True)
    told = ["rocketmq: not here: no Java", "floor: failed: torn"]
    assert gaps([ours_, theirs, floor]) == told


def test_the_report_is_a_page_with_its_command_pictures_and_numbers(tmp_path):
    found = results(cluster={ours.SYNC_MANY: [4100]}, rocketmq={ours.SYNC_MANY: [3400]})
    doc = to_json(found, HERE, "2026-01-01", 5, quick=False)
    report.write(tmp_path, list(rows(found)), doc, "rmqlab bench …")
    page = (tmp_path / "speed.md").read_text("utf-8")
    for text in ("rmqlab bench …", "a cpu", "5 rounds", "4,100 (4,100 … 4,100)"):
        assert text in page
    for name in report.PICTURES:
        assert f"(speed-{name}.png)" in page
        assert (tmp_path / f"speed-{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "speed.json").read_text("utf-8")) == doc


def test_a_part_of_the_probes_makes_a_report_too(tmp_path):
    found = [
        PartResult(one := part_of(side).only(["starting"]), one.sizes) for side in SIDES
    ]
    doc = to_json(found, HERE, "2026-01-01", 5, quick=False)
    report.write(tmp_path, list(rows(found)), doc, "rmqlab bench …")
    assert probes.READY in (tmp_path / "speed.md").read_text("utf-8")


def test_all_that_is_promised_has_a_number():
    names = {one.name for one in ours.PART.measures()}
    assert ours.TARGETS.keys() | ours.RATIOS.keys() <= names


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("store --against rocketmq", "part cluster"),
        ("store --into .", "--against"),
        ("cluster --only jvaa", "jvaa"),
    ],
)
def test_what_makes_no_comparison_is_refused_before_the_measuring(arguments, word):
    done = run("bench", *arguments.split())
    assert done.exit_code == 64
    assert word in done.stderr


def test_only_the_probes_that_are_asked_for_are_listed():
    told = run("bench", "cluster", "--only", "outage", "--list").stdout
    assert "nothing acknowledged" in told
    assert "backlog" not in told


# Sends


def test_of_begins_and_ends_a_rate_is_made_and_how_long_sends_took():
    sent = [[0, 10], [5, 20], [10, 25], [400, 500]]
    told = Sends.of({"sent": sent, "failed": 2})
    assert told == Sends(
        per_second=8, median_ms=15, late_ms=100, longest_gap_ms=475, failed=2
    )


def test_a_load_none_of_whose_sends_was_acknowledged_measures_nothing():
    with pytest.raises(BenchError, match="3 sends failed: busy"):
        Sends.of({"sent": [], "failed": 3, "why": "busy"})


# Loads


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One cluster for all: what is measured here is of no interest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("home")))
        with Cluster.up(PLAIN.topology, settings=dict(PLAIN.settings)) as found:
            yield found


@pytest.fixture
def shared(cluster, monkeypatch):
    """Let probes that start a cluster have that one."""

    @asynccontextmanager
    async def started(*_):
        yield AsyncCluster(cluster)

    monkeypatch.setattr(probes, "started", started)


def test_the_probes_give_their_numbers_with_our_own_client(shared, cluster, tmp_path):
    for name in ("passing", str(PLAIN), "backlog", "outage"):
        (probe,) = ours.PART.only([name]).only([OWN]).probes
        found = probe.run(tmp_path, FEW)
        assert found.keys() == {one.name for one in probe.measures}
        assert min(found.values()) > 0
    assert cluster.node(probes.VICTIM).state == "killed"
    cluster.restart(probes.VICTIM)


async def test_the_java_client_obeys_the_same_orders(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("ROCKETMQ_HOME", home("4.9.7"))
    await make_topic(cluster.name_servers)
    async with load.running(JAVA, cluster.name_servers, tmp_path) as java:
        assert len((await java.order("arrive", TOPIC, 3))["took_ms"]) == 3
        told = await java.send(TOPIC, 2, 128, 50)
        assert (told.failed, told.median_ms > 0) == (0, True)
        assert await java.order("fill", TOPIC, 250) == {}
        assert (await java.order("consume", TOPIC, 250))["seconds"] > 0


async def test_a_load_that_breaks_says_why(tmp_path):
    with pytest.raises(BenchError, match="nobody"):
        async with load.running(OWN, "127.0.0.1:1", tmp_path) as own:
            await own.order("nobody", TOPIC, 1)


def test_the_floor_acknowledges_what_our_client_sends(tmp_path):
    (probe,) = part_of("floor").only([OWN]).probes
    found = probe.run(tmp_path, FEW)
    every = {str(one) for one in cells(OWN)}
    assert every <= found.keys()
    assert str(Cell(OWN, 64, 128)) in every
