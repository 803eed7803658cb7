"""The frame of `rmqlab bench`: rounds, spread, results, comparisons, of fake parts."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import sys
from collections import namedtuple
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from rmqlab.classroom.bench import PARTS, load, machine
from rmqlab.classroom.bench.compare import Change, compare, differences
from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import (
    BenchError,
    Better,
    Measure,
    NotHere,
    Part,
    Probe,
)
from rmqlab.classroom.bench.result import PartResult, Series, read, to_json
from rmqlab.classroom.bench.rounds import measure
from rmqlab.classroom.bench.summary import Summary
from rmqlab.classroom.bench.table import machine_lines, number, result_table
from rmqlab.classroom.commands import bench
from rmqlab.errors import ConfigError
from tests.classroom.conftest import run

RATE = Measure("sent", "messages/s", Better.HIGHER, target=100)
WAIT = Measure("waited", "s", Better.LOWER, target=1)
Usage = namedtuple("Usage", "free")  # noqa: PYI024 - as shutil's
HERE = machine.Machine("a cpu", 2, 1 << 30, "a kernel", "a Python", "1", "ext4", 0.5)


class Fake:
    """Gives the values one by one, the warm-up's first; raises what is an error."""

    def __init__(self, one, *values):
        self.values, self.seen = iter(values), []
        self.probe = Probe(f"probing {one.name}", self._run, (one,))
        self._name = one.name

    def _run(self, folder, sizes):
        (folder / self._name).write_text("rubbish", "utf-8")
        self.seen.append((folder, sizes["messages"]))
        value = next(self.values)
        if isinstance(value, BaseException):
            raise value
        return {self._name: value}


def part(*probes, name="fake", room=0):
    sizes, quick = {"messages": 1000}, {"messages": 10}
    return Part(name, "nothing", tuple(probes), sizes, quick, lambda _: room)


def result(*values, one=RATE, sizes=None):
    found = PartResult(
        part(Probe("probing", None, (one,))), sizes or {"messages": 1000}
    )
    found.series[one.name].values.extend(values)
    return found


def document(*results):
    run = to_json(list(results), HERE, "2026-01-01", 5, quick=False)
    return json.loads(json.dumps(run))


def drawn(found, compared=None):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(result_table(found, compared))
    return console.export_text()


# Spread


def test_the_summary_is_the_median_the_extremes_and_the_quartiles():
    found = Summary.of([9, 1, 5, 3, 100])
    assert found == Summary(median=5, low=1, high=100, quartile_1=3, quartile_3=9)


def test_one_value_is_its_own_spread():
    assert Summary.of([7]) == Summary(7, 7, 7, 7, 7)


def test_the_median_of_two_values_lies_between_them():
    assert Summary.of([1, 3]) == Summary(2, 1, 3, 1.5, 2.5)


@pytest.mark.parametrize(
    ("one", "met", "missed"), [(RATE, (100, 101), (99,)), (WAIT, (1, 0.5), (1.1,))]
)
def test_a_target_is_reached_from_the_better_side(one, met, missed):
    assert all(one.meets(value) for value in met)
    assert not any(one.meets(value) for value in missed)


# Rounds


def test_the_warm_up_is_of_quick_sizes_and_is_not_counted(tmp_path):
    fake = Fake(RATE, 1, 10, 20, 30)
    (found,) = measure([part(fake.probe)], 3, tmp_path)
    assert found.series["sent"].values == [10, 20, 30]
    assert [size for _, size in fake.seen] == [10, 1000, 1000, 1000]


def test_a_quick_run_is_of_quick_sizes_and_warms_nothing_up(tmp_path):
    fake = Fake(RATE, 1)
    (found,) = measure([part(fake.probe)], 1, tmp_path, quick=True)
    assert [size for _, size in fake.seen] == [10]
    assert found.sizes == {"messages": 10}


def test_a_round_takes_every_probe_of_every_part_in_turn(tmp_path):
    fakes = [Fake(one, *itertools.repeat(1, 3)) for one in (RATE, WAIT, RATE)]
    parts = [part(fakes[0].probe, fakes[1].probe), part(fakes[2].probe, name="other")]
    told = []
    measure(parts, 2, tmp_path, tell=told.append)
    probes = ["fake, probing sent", "fake, probing waited", "other, probing sent"]
    rounds = ["warm-up", "round 1 of 2", "round 2 of 2"]
    assert told == [f"{one}: {probe}" for one in rounds for probe in probes]


def test_probes_of_a_part_share_a_folder_that_is_new_in_each_round(tmp_path):
    first, second = Fake(RATE, 1, 1, 1), Fake(WAIT, 1, 1, 1)
    measure([part(first.probe, second.probe)], 2, tmp_path)
    assert first.seen == second.seen
    assert len({folder for folder, _ in first.seen}) == 3
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_on_the_disk(tmp_path):
    fake = Fake(RATE, 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        measure([part(fake.probe)], 2, tmp_path)
    assert fake.seen[-1][0].parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1_999_999))
    fake = Fake(RATE)
    with pytest.raises(BenchError) as told:
        measure([part(fake.probe, room=2_500_000_000)], 1, tmp_path)
    for word in ("fake", "2,500 MB", "2 MB", str(tmp_path), "--folder", "--quick"):
        assert word in str(told.value)
    assert fake.seen == []


# What is missing


def test_what_cannot_be_had_here_is_asked_once_and_is_not_zero(tmp_path):
    lacks = [NotHere("no Java") for _ in range(2)]
    absent, there = Fake(RATE, *lacks), Fake(WAIT, 0, 0, 0)
    (found,) = measure([part(absent.probe, there.probe)], 2, tmp_path)
    assert len(absent.seen) == 2  # to warm up, and once
    told = document(found)["parts"]["fake"]["measures"]
    assert told["sent"]["values"] == []
    assert told["sent"]["median"] is None
    assert (told["sent"]["missing"], told["sent"]["failed"]) == (
        "not here: no Java",
        False,
    )
    assert told["waited"]["values"] == [0, 0]
    assert (told["waited"]["median"], told["waited"]["missing"]) == (0, None)
    assert "not here: no Java" in drawn(found)


def test_what_breaks_in_a_later_round_gives_no_half_a_series(tmp_path):
    breaks, there = Fake(RATE, 1, 1, BenchError("torn")), Fake(WAIT, *[1] * 4)
    (found,) = measure([part(breaks.probe, there.probe)], 3, tmp_path)
    assert found.series["sent"] == Series(RATE, [], "failed: torn", failed=True)
    assert found.series["waited"].values == [1, 1, 1]


def test_a_probe_that_gives_other_numbers_than_it_promises_has_failed(tmp_path):
    probe = Probe("probing", lambda *_: {"received": 1.0}, (RATE,))
    (found,) = measure([part(probe)], 1, tmp_path)
    assert found.series["sent"].failed
    assert "received, sent" in found.series["sent"].missing


# A process of its own


PROBES = """
import os
from rmqlab.classroom.bench.part import BenchError, NotHere

def gives(folder, sizes):
    return {"sent": float(sizes["messages"]), folder.name: 1.0}

def lacks(folder, sizes):
    raise NotHere("no Java, – at all")

def breaks(folder, sizes):
    raise BenchError("the disk is torn")

def hangs(folder, sizes):
    never_written, _ = os.pipe()
    os.read(never_written, 1)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return what makes a probe of a function in a module of its own."""
    (tmp_path / "probes.py").write_text(PROBES, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return lambda name, limit_s=60: in_own_process(f"probes:{name}", limit_s)


def test_a_process_of_its_own_gets_folder_and_sizes_and_gives_numbers(own, tmp_path):
    assert own("gives")(tmp_path, {"messages": 7}) == {"sent": 7, tmp_path.name: 1}


def test_a_process_of_its_own_may_say_that_something_is_not_here(own, tmp_path):
    with pytest.raises(NotHere, match="no Java, – at all"):
        own("lacks")(tmp_path, {})


def test_a_process_that_breaks_is_told_with_its_last_words(own, tmp_path):
    with pytest.raises(BenchError, match=r"exit code 1: .*the disk is torn"):
        own("breaks")(tmp_path, {})


def test_a_process_that_does_not_end_is_ended(own, tmp_path):
    with pytest.raises(BenchError, match=r"hangs has not ended within 0\.01 s"):
        own("hangs", limit_s=0.01)(tmp_path, {})


# JSON


def test_a_result_can_be_read_back_with_all_that_it_was_measured_on(tmp_path):
    file = tmp_path / "old.json"
    file.write_text(json.dumps(document(result(1, 2, 3))), "utf-8")
    found = read(file)
    assert found == document(result(1, 2, 3))
    assert (found["schema"], found["kind"], found["rounds"]) == (1, "bench", 5)
    assert found["machine"]["cpu"] == "a cpu"
    assert found["parts"]["fake"] == {
        "sizes": {"messages": 1000},
        "measures": {
            "sent": {
                "unit": "messages/s",
                "better": "higher",
                "target": 100,
                "values": [1, 2, 3],
                "median": 2,
                "low": 1,
                "high": 3,
                "quartile_1": 1.5,
                "quartile_3": 2.5,
                "missing": None,
                "failed": False,
            }
        },
    }


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "cannot be read"),
        ("[1]", "was not written by"),
        ('{"kind": "trace"}', "was not written by"),
        ('{"kind": "bench", "schema": 99}', "schema 99, this version reads 1"),
    ],
)
def test_a_file_that_is_no_result_is_refused_by_name(tmp_path, text, word):
    file = tmp_path / "odd.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=rf"odd\.json .*{word}"):
        read(file)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine",), None),
        (("parts", "store"), 7),
        (("parts", "store", "measures", RATE.name), []),
        (("parts", "store", "measures", RATE.name, "values"), ["fast"]),
    ],
)
def test_half_a_run_is_no_run_to_compare_with(place, value, tmp_path):
    file, run = tmp_path / "odd.json", document(result(1, 2))
    run["parts"] = {"store": next(iter(run["parts"].values()))}
    file.write_text(json.dumps(run), "utf-8")
    assert read(file) == run
    inner = run
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    file.write_text(json.dumps(run), "utf-8")
    with pytest.raises(ConfigError, match="was not written by"):
        read(file)


# Comparing


@pytest.mark.parametrize(
    ("one", "now", "then", "ratio", "change"),
    [
        (RATE, (200, 201, 202), (100, 100.5, 101), 2, Change.BETTER),
        (RATE, (100, 100.5, 101), (200, 201, 202), 0.5, Change.WORSE),
        (WAIT, (4, 4, 4), (2, 2, 2), 2, Change.WORSE),
        (WAIT, (1, 1, 1), (2, 2, 2), 0.5, Change.BETTER),
        (RATE, (90, 120, 150), (80, 100, 140), 1.2, Change.WITHIN_SPREAD),
        (RATE, (0, 0, 0), (2, 2, 2), 0, Change.WORSE),
    ],
)
def test_medians_are_compared_in_the_light_of_their_spread(
    one, now, then, ratio, change
):
    before = document(result(*then, one=one))
    assert compare(result(*now, one=one), before) == {one.name: (ratio, change)}


def test_only_what_was_measured_alike_is_compared():
    now = result(1, 2)
    other_unit = Measure("sent", "messages/min", Better.HIGHER)
    assert compare(now, document()) == {}
    assert compare(now, document(result(1, sizes={"messages": 10}))) == {}
    assert compare(now, document(result(1, one=WAIT))) == {}
    assert compare(now, document(result(1, one=other_unit))) == {}
    assert compare(now, document(result())) == {}
    assert compare(now, document(result(0, 0))) == {}
    assert compare(result(), document(result(1, 2))) == {}


def test_what_else_differs_between_two_runs_is_told():
    run, before = document(result(1)), document(result(1))
    assert differences(run, before) == []
    before["machine"]["cpu"] = "another"
    before["machine"]["load"] = 7
    before["parts"]["fake"]["sizes"] = {"messages": 10}
    assert differences(run, before) == [
        "cpu: another then, a cpu now",
        "fake: other sizes then (--quick?), so no ratios",
    ]
    assert "fake: not measured then" in differences(run, document())


# For people


def test_the_table_has_middle_spread_target_and_ratio():
    found = result(80, 90, 200)
    told = drawn(found, compare(found, document(result(1, 2, 3))))
    row = next(line for line in told.splitlines() if "sent" in line)
    assert (
        row.split()
        == ("sent 90.0 messages/s ↑ 80.0 … 200 85.0 … 145 ≥ 100 ✗ × 45.00").split()
    )


def test_a_quick_run_says_nothing_about_targets():
    told = drawn(result(80, 90, sizes={"messages": 10}))
    assert "≥ 100" in told
    assert "✗" not in told


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567.8, "1,234,568"), (99.94, "99.9"), (0.01234, "0.0123")],
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert number(value) == text


def test_a_machine_that_is_busy_is_told_to_be_so():
    assert "busy" not in "".join(machine_lines(document()))
    busy = document() | {"machine": asdict(replace(HERE, load=1.5))}
    assert "busy" in machine_lines(busy)[-1]


def test_a_part_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ConfigError, match="no benchmark 'stoer': choose from store"):
        load("stoer")


@pytest.mark.parametrize("name", PARTS)
def test_parts_have_distinct_measures_and_quick_sizes_for_all(name):
    found = load(name)
    measures = [one.name for one in found.measures()]
    assert found.name == name
    assert len(set(measures)) == len(measures)
    assert found.quick.keys() == found.sizes.keys()
    assert found.room(found.quick) < found.room(found.sizes)


# The machine


def test_this_machine_is_known_by_everything_that_a_number_depends_on(tmp_path):
    found = machine.examine(tmp_path)
    assert found.cpu
    assert found.cores > 0
    assert found.memory_bytes > 1 << 20
    assert found.file_system != "unknown"
    assert "Python 3." in found.python


def test_the_file_system_is_that_of_the_deepest_mount(monkeypatch):
    mount = namedtuple("Mount", "mountpoint fstype")  # noqa: PYI024 - as psutil's
    mounts = [mount("/", "ext4"), mount("/fast", "tmpfs"), mount("/fa", "xfs")]
    monkeypatch.setattr(machine.psutil, "disk_partitions", lambda **_: mounts)
    assert machine.file_system(Path("/fast/a/b")) == "tmpfs"
    assert machine.file_system(Path("/elsewhere")) == "ext4"


# The command


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return `rmqlab bench` of one fake part, which gives these values."""

    def call(values, *arguments):
        fake = Fake(RATE, 1, *(values or [1] * 5))
        monkeypatch.setattr(bench, "PARTS", {"fake": "a module"})
        monkeypatch.setattr(bench, "load", lambda _: part(fake.probe))
        monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))
        rounds = ("--rounds", str(len(values))) if values else ()
        return run("bench", *rounds, *map(str, arguments))

    return call


def test_json_on_stdout_is_alone_there(command):
    done = command([3, 4], "--json", "-")
    assert json.loads(done.stdout)["parts"]["fake"]["measures"]["sent"]["median"] == 3.5


def test_a_run_is_kept_in_a_file_and_compared_with_the_next_one(command, tmp_path):
    file = tmp_path / "run.json"
    first = command([100, 101, 102], "--json", file)
    assert first.exit_code == 0, first.output
    assert "100 … 102" in first.stdout
    then = read(file)["at"]
    second = command([200, 202, 204], "--json", file, "--compare", file)
    assert second.exit_code == 0, second.output
    assert "× 2.00" in second.stdout
    assert f"Compared with the run of {then}." in second.stdout
    assert read(file)["parts"]["fake"]["measures"]["sent"]["median"] == 202


def test_five_rounds_are_what_one_gets_without_asking(command, tmp_path):
    command([], "--json", tmp_path / "run.json")
    assert read(tmp_path / "run.json")["rounds"] == 5


@pytest.mark.parametrize(
    ("value", "exit_code"), [(NotHere("no Java"), 0), (BenchError("torn"), 1), (0, 0)]
)
def test_only_a_measurement_that_broke_is_a_failure(command, value, exit_code):
    done = command([value])
    assert done.exit_code == exit_code
    assert str(value) in done.stdout


def test_the_list_names_parts_measures_and_targets():
    told = run("bench", "--list").stdout
    assert "open after a clean stop" in told
    assert "memory at most, filling" in told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["stoer"], "choose from store"),
        (["--rounds", "0"], "--rounds"),
        (["--json", "/no/such/folder/x.json"], "cannot be written"),
        (["--compare", "nosuch.json"], "nosuch.json"),
        (["--folder", "/no/such/folder"], "/no/such/folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_measuring(arguments, word):
    done = run("bench", *arguments)
    assert done.exit_code == 64
    assert word in done.stderr
