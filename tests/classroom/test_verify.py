"""`rmqlab verify`: sound stores, and what a start would do to those that are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmqlab.classroom.simulated.lab import MachineShelf
from rmqlab.classroom.verify import DAMAGE, NOTE, NotAStore, ShelfFiles, verify
from rmqlab.classroom.verify.files import HostFiles
from rmqlab.classroom.verify.look import SHAPING
from rmqlab.classroom.verify.rehearsal import rehearse
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import StorePaths
from tests import simulated
from tests.classroom.verified import (
    ORDERS,
    SETTINGS,
    change,
    found,
    kinds,
    log_places,
    look,
    make_sound,
    messages,
    tree,
)
from tests.store.shelf import kill, opened, record, stop, zero_from
from tests.support import SMALL_FILES, golden_facts, golden_store

GOLDEN = [
    f"{version}-{end}"
    for version in ("4.4.0", "4.9.7")
    for end in ("clean", "kill9", "torn")
]
GOLDEN_SHAPE = {**SMALL_FILES, "max_hash_slot_num": 500, "max_index_num": 1000}


@pytest.mark.parametrize("name", [one for one in GOLDEN if "clean" in one])
def test_a_real_store_that_was_stopped_is_sound_without_a_note(name, tmp_path):
    facts = golden_facts(name)
    report = look(golden_store(name, tmp_path))
    assert found(report) == []
    assert (report.life, report.log_end) == ("stopped", facts["commitLogMaxOffset"])
    assert report.settings == {
        "mappedFileSizeCommitLog": 1 << 20,
        "mappedFileSizeConsumeQueue": 6000,
        "maxHashSlotNum": 500,
        "maxIndexNum": 1000,
    }
    assert report.rehearsal.changes == []


@pytest.mark.parametrize("name", [one for one in GOLDEN if "kill9" in one])
def test_a_real_store_that_was_killed_has_one_note(name, tmp_path):
    report = look(golden_store(name, tmp_path))
    assert found(report) == [("crash", "abort", None)]
    assert report.is_sound
    assert report.rehearsal.log_end == report.log_end


@pytest.mark.parametrize("name", [one for one in GOLDEN if "torn" in one])
def test_a_real_stores_torn_end_is_a_note_that_says_where(name, tmp_path):
    facts = golden_facts(name)
    report = look(golden_store(name, tmp_path))
    end = facts["reopened"]["commitLogMaxOffset"]
    assert report.is_sound
    number, at = divmod(end, 1 << 20)
    path = f"commitlog/{number << 20:020d}"
    assert ("torn end", path, at) in found(report)
    assert report.log_end == report.rehearsal.log_end == end
    ((topic, queue_id, queue_offset, _, _),) = facts["reopened"]["lost"]
    moved = (topic, queue_id, queue_offset + 1, queue_offset)
    assert moved in [tuple(one) for one in report.moved]


def test_a_store_of_ours_with_every_kind_of_message_is_sound(tmp_path):
    report = look(make_sound(tmp_path))
    assert found(report) == []
    assert report.records == len(messages())
    assert report.settings["maxHashSlotNum"] == SETTINGS["max_hash_slot_num"]
    assert report.hosts == {"10.0.0.1:10911": len(messages())}
    assert len(log_places(tmp_path)) == report.records


def test_a_killed_store_of_ours_has_one_note(tmp_path):
    kill(tmp_path, *messages(), **SETTINGS)
    assert found(look(tmp_path)) == [("crash", "abort", None)]


def test_a_store_without_a_message_is_sound(tmp_path):
    stop(tmp_path, **SETTINGS)
    report = look(tmp_path)
    assert found(report) == []
    assert (report.records, report.log_end) == (0, 0)


def test_a_queue_that_begins_with_fillers_is_sound(tmp_path):
    """As on a slave that started when its master had removed old files."""
    make_sound(tmp_path)
    whole = look(tmp_path)
    first, *_ = sorted((tmp_path / "commitlog").iterdir())
    shutil.rmtree(tmp_path / "consumequeue")
    shutil.rmtree(tmp_path / "index")
    first.unlink()
    with opened(tmp_path, **SETTINGS):
        pass
    report = look(tmp_path)
    assert kinds(report) == {"crash"}
    assert report.log_start == SETTINGS["mapped_file_size_commit_log"]
    assert report.records < whole.records


def test_entries_and_keys_of_records_that_went_with_their_age_are_no_damage(tmp_path):
    make_sound(tmp_path)
    first, *_ = sorted((tmp_path / "commitlog").iterdir())
    first.unlink()
    report = look(tmp_path)
    assert report.is_sound
    assert report.log_start == SETTINGS["mapped_file_size_commit_log"]


# Read only


@pytest.mark.parametrize("name", GOLDEN)
def test_a_look_changes_nothing(name, tmp_path):
    root = golden_store(name, tmp_path)
    before = tree(root)
    look(root)
    assert tree(root) == before


def test_a_folder_that_is_no_store_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(NotAStore, match="storePathRootDir"):
        verify(StorePaths(str(tmp_path)))


@pytest.mark.simulated
async def test_a_simulated_disk_is_looked_at_like_a_real_one():
    root, disk = Path("/data/store"), simulated.disk()
    kill(root, *messages(), disk=simulated.here().disk, **SETTINGS)
    shelf = ShelfFiles(MachineShelf(disk))
    report = verify(StorePaths(str(root)), files=shelf)
    assert found(report) == [("crash", "abort", None)]
    assert report.records == len(messages())
    last = max(path for path in disk.files if "/commitlog/" in path)
    disk.flip(last, 88)
    report = verify(StorePaths(str(root)), files=shelf)
    assert ("unreadable record", last.removeprefix(f"{root}/"), 0) in found(report)


HOLD = """
import sys
from rmqlab.store.real_disk import RealDisk
lock = RealDisk().lock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_store_that_a_broker_has_open_is_looked_at_and_said_to_move(tmp_path):
    make_sound(tmp_path)
    (tmp_path / "abort").touch()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        report = look(tmp_path)
        again = look(tmp_path)  # the question took nothing away
        holder.stdin.close()
    assert report.life == again.life == "running"
    (note,) = report.findings
    assert (note.kind, note.path) == ("running", "lock")
    assert str(holder.pid) in note.what
    assert look(tmp_path).life == "crashed"


# What a start would do


def lose_queues(root):
    shutil.rmtree(root / "consumequeue")


def lose_index(root):
    shutil.rmtree(root / "index")


def forget_stop(root):
    """Leave the store as if its broker had been killed before the first flush."""
    (root / "abort").touch()
    (root / "checkpoint").write_bytes(bytes(4096))


def tear_tail(root):
    path, at, size = log_places(root)[-1]
    zero_from(path, at + size // 2)
    forget_stop(root)


def break_middle(root):
    path, at, _ = log_places(root)[9]
    change(path, at + 88, b"water")
    forget_stop(root)


def grow_queue(root):
    places = log_places(root)
    end = (len(places) // 2 + 30) * 20
    for path in sorted((root / ORDERS).iterdir()):
        if int(path.name) <= end < int(path.name) + 160:
            change(path, end - int(path.name), b"\0\0\0\0\0\1\0\0\0\0\0\x99" + bytes(8))


def lose_checkpoint(root):
    (root / "checkpoint").unlink()
    (root / "abort").touch()


def lose_log_end(root):
    *_, last = sorted((root / "commitlog").iterdir())
    zero_from(last, 0)


DAMAGES = [
    lose_queues, lose_index, tear_tail, break_middle, grow_queue, lose_checkpoint,
    lose_log_end,
]  # fmt: skip


def start(root, **settings):
    """Start and kill a broker's store, when its index has caught up."""
    with opened(root, **settings) as store:
        while store.catch_up_index():
            pass
        return store.log.end, {
            key: queue.max_offset for key, queue in store.queues.items()
        }


def contents(root):
    """Return the bytes of every file that a recovery is about."""
    return {
        path: data
        for path, (data, _) in tree(root).items()
        if path not in ("abort", "lock")
    }


def said(root, overlay):
    """Return the bytes that every file has on the overlay."""
    there = {}
    folders = [str(root)]
    while folders:
        folder = folders.pop()
        for name in overlay.names(folder):
            path = f"{folder}/{name}"
            if (size := overlay.size(path)) is None:
                folders.append(path)
            else:
                there[path.removeprefix(f"{root}/")] = overlay.read(path, 0, size)
    return {path: data for path, data in there.items() if path not in ("abort", "lock")}


def assert_done_as_said(root, settings):
    before = tree(root)
    config = StoreConfig(store_path_root_dir=str(root), **settings)
    rehearsal, overlay = rehearse(HostFiles(), StorePaths(str(root)), config)
    assert tree(root) == before
    report = look(root, **{key: settings[name] for key, name in SHAPING.items()})
    end, ends = start(root, **settings)
    assert contents(root) == said(root, overlay)
    assert (rehearsal.log_end, rehearsal.queues) == (end, ends)
    assert report.rehearsal == rehearsal
    changed = {path.removeprefix(f"{root}/") for path, *_ in report.rehearsal.changes}
    after = contents(root)
    old = {path: data for path, (data, _) in before.items()}
    assert changed == {
        path
        for path in (before.keys() | after.keys()) - {"abort", "lock"}
        if old.get(path) != after.get(path)
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_start_is_said_to_do_is_what_it_does(damage, tmp_path):
    make_sound(tmp_path)
    damage(tmp_path)
    assert_done_as_said(tmp_path, SETTINGS)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_a_start_is_said_to_do_to_a_real_store_is_what_it_does(name, tmp_path):
    assert_done_as_said(golden_store(name, tmp_path), GOLDEN_SHAPE)


def test_an_index_that_is_made_anew_in_several_steps_is_made_to_its_end(tmp_path):
    root = golden_store("4.9.7-clean", tmp_path)
    lose_index(root)
    assert_done_as_said(root, GOLDEN_SHAPE)


@pytest.mark.parametrize("damage", DAMAGES)
def test_after_the_start_that_was_rehearsed_a_store_is_sound(damage, tmp_path):
    make_sound(tmp_path)
    damage(tmp_path)
    config = StoreConfig(store_path_root_dir=str(tmp_path), **SETTINGS)
    paths = StorePaths(str(tmp_path))
    _, overlay = rehearse(HostFiles(), paths, config)
    report = verify(paths, files=overlay)
    # What the checkpoint vouched for stays lost.
    lost = [("checkpoint ahead", "checkpoint", at) for at in (0, 8)]
    vouched = damage is lose_log_end
    assert found(report, DAMAGE) == (lost if vouched else [])


def test_records_that_a_start_would_cut_off_are_counted(tmp_path):
    make_sound(tmp_path)
    break_middle(tmp_path)
    report = look(tmp_path)
    assert report.rehearsal.log_end < report.log_end
    assert report.lost_records == len(messages()) - 10
    assert report.rehearsal.damage.sound_after == report.lost_records


def test_a_start_that_would_be_refused_is_said_with_its_error(tmp_path):
    make_sound(tmp_path)
    (tmp_path / "commitlog" / "notes.txt").write_text("mine")
    report = look(tmp_path)
    assert ("strange file", "commitlog/notes.txt", None) in found(report)
    assert "notes.txt is no file of a store" in report.rehearsal.refused
    assert report.to_json()["recovery"]["log_end"] is None


def test_settings_that_do_not_fit_are_named_and_the_files_are_looked_at_as_they_are(
    tmp_path,
):
    make_sound(tmp_path)
    report = look(tmp_path, mappedFileSizeCommitLog=4096)
    assert found(report) == [("other settings", ".", None)]
    assert "length not matched" in report.rehearsal.refused
    assert look(tmp_path, mapedFileSizeConsumeQueue=155).is_sound  # whole entries: 160


def test_several_brokers_records_in_one_log_are_a_note(tmp_path):
    others = [record(store_host=("10.0.0.2", 10_911)), record()]
    stop(tmp_path, *others)
    report = look(tmp_path)
    assert [one.kind for one in report.findings] == ["several hosts"]
    assert report.findings.count(NOTE, "life") == 1
    assert report.hosts == {"10.0.0.1:10911": 1, "10.0.0.2:10911": 1}


def test_the_store_as_json_has_a_version_and_every_check(tmp_path):
    make_sound(tmp_path)
    tear_tail(tmp_path)
    told = look(tmp_path).to_json()
    assert (told["version"], told["sound"], told["life"]) == (1, True, "crashed")
    assert [one["name"] for one in told["checks"]] == [
        "files", "commit log", "consume queues", "index", "checkpoint", "life",
        "tables",
    ]  # fmt: skip
    torn = next(one for one in told["findings"] if one["kind"] == "torn end")
    path, at, _ = log_places(make_sound(tmp_path / "again"))[-1]
    assert (torn["path"], torn["offset"]) == (f"commitlog/{path.name}", at)
    assert torn["severity"] == "note"
    assert torn["means"]
    assert torn["next_step"]
    assert {one["what"] for one in told["recovery"]["files"]} >= {"changed"}
