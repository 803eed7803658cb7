"""`rmqlab verify`: what it prints, and how it exits."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom.commands import EX_USAGE
from tests.classroom.conftest import run, run_json
from tests.classroom.verified import ORDERS, change, flip, log_places, make_sound, tree
from tests.store.shelf import zero_from
from tests.support import golden_store


def test_a_sound_store_ends_with_0_and_says_so_of_every_check(tmp_path):
    done = run("verify", str(golden_store("4.9.7-clean", tmp_path)))
    assert done.exit_code == 0
    assert done.stdout.count("│ sound ") == 7
    assert "its broker stopped in good order" in done.stdout
    assert "changes no file" in done.stdout


def test_a_damaged_store_ends_with_1_and_says_where_and_what_next(tmp_path):
    root = make_sound(tmp_path)
    path, at, _ = log_places(root)[9]
    flip(path, at + 88)
    done = run("verify", str(root))
    assert done.exit_code == 1
    assert f"commitlog/{path.name} byte {at}: " in done.stdout
    assert "damage  unreadable record (commit log)" in done.stdout
    assert "  next: keep a copy of this folder" in done.stdout


def test_what_a_start_would_do_is_printed(tmp_path):
    root = make_sound(tmp_path)
    path, at, size = log_places(root)[-1]
    zero_from(path, at + size // 2)
    (root / "abort").touch()
    done = run("verify", str(root))
    assert "A start after this crash" in done.stdout
    assert "moves the end of orders 0 from 18 to 17" in done.stdout
    assert f"changes commitlog/{path.name} from byte" in done.stdout


def test_many_places_of_one_kind_are_folded(tmp_path):
    root = make_sound(tmp_path)
    for number in range(8):
        flip(root / ORDERS / "00000000000000000000", number * 20 + 19)
    done = run("verify", str(root))
    assert "  … and 3 more" in done.stdout
    assert "8 damage" in done.stdout


def test_json_is_one_object_and_the_exit_code_the_same(tmp_path):
    root = make_sound(tmp_path)
    assert run_json("verify", str(root))["sound"] is True
    change(root / "checkpoint", 0, b"\x7f")
    done = run("verify", str(root), "--json")
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["path"], finding["offset"]) == ("checkpoint", 0)


def test_a_brokers_file_gives_the_settings_with_which_it_would_start(tmp_path):
    root, file = make_sound(tmp_path / "store"), tmp_path / "broker.properties"
    file.write_text("brokerName=broker-a\nmapedFileSizeCommitLog=4096\n")
    done = run("verify", str(root), "-c", str(file))
    assert done.exit_code == 1
    assert "mappedFileSizeCommitLog=4096, the files there have 1000" in done.stdout
    assert "ends with an error: " in done.stdout
    again = ["-c", str(file), "--set", "mappedFileSizeCommitLog=1000"]
    assert run("verify", str(root), *again).exit_code == 0


def test_a_log_that_lies_elsewhere_is_named(tmp_path):
    root = make_sound(tmp_path / "store")
    (root / "commitlog").rename(tmp_path / "log")
    assert run("verify", str(root)).exit_code == 1
    before = tree(tmp_path)
    done = run("verify", str(root), "--commit-log", str(tmp_path / "log"))
    assert done.exit_code == 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "mappedFileSizeCommitLog"],
        ["--set", "nosuch=1"],
        ["--set", "maxIndexNum=many"],
        ["--set", "messageDelayLevel=soon"],
        ["-c", "nosuch.properties"],
        ["--commit-log", "nosuch"],
        ["--nosuch"],
    ],
)
def test_wrong_usage_ends_with_its_code(arguments, tmp_path):
    assert run("verify", str(make_sound(tmp_path)), *arguments).exit_code == EX_USAGE


def test_what_is_no_store_ends_with_3(tmp_path, monkeypatch):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))
    for name in (str(tmp_path), f"{tmp_path}/nosuch", "broker-a"):
        done = run("verify", name)
        assert (done.exit_code, done.stdout) == (3, "")
    assert "no cluster is up" in done.stderr


def test_a_broker_of_a_cluster_is_named_and_may_run(one_master):
    status = one_master.status()
    broker = next(one for one in status.nodes if one.store)
    told = run_json("verify", broker.name)
    assert told["life"] == "running"
    assert told["sound"] is True
    name_server = next(one for one in status.nodes if not one.store)
    assert run("verify", name_server.name).exit_code == EX_USAGE
    elsewhere = ["--commit-log", broker.folder]
    assert run("verify", broker.name, *elsewhere).exit_code == EX_USAGE
