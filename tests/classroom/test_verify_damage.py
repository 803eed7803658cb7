"""Each kind of damage that a test plants is found, with its file and its byte."""

from __future__ import annotations

import json
import shutil
import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.classroom.verify import DAMAGE, NOTE
from rmqlab.classroom.verify.findings import KEPT
from rmqlab.protocol.record import HEAD
from rmqlab.store.index_file import Shape
from tests.classroom.verified import (
    FIRST,
    LOG_BYTES,
    MOST_INDEXED,
    ORDERS,
    SETTINGS,
    SLOTS,
    change,
    flip,
    found,
    kinds,
    log_places,
    look,
    make_sound,
    messages,
    tree,
)
from tests.store.shelf import NOW_MS, kill, record, stop, zero_from

SHAPE = Shape(SLOTS, MOST_INDEXED)


@pytest.fixture
def root(tmp_path):
    """Make a sound store."""
    return make_sound(tmp_path)


def where(place):
    """Return a record's file, as findings name it, and its byte."""
    path, at, _ = place
    return f"commitlog/{path.name}", at


def index_files(root):
    """Return the index files, oldest first."""
    return sorted((root / "index").iterdir())


# Commit log


@pytest.mark.parametrize("at", [0, 4, 8, 28, 84, 88])
def test_a_damaged_record_in_the_middle_is_found_and_the_log_read_on(root, at):
    """Its size, magic, CRC, own offset, its body's length and its body."""
    place = log_places(root)[9]
    flip(place[0], place[1] + at)
    report = look(root)
    assert ("unreadable record", *where(place)) in found(report, DAMAGE)
    assert kinds(report) == {"unreadable record", "wrong entry", "wrong index entry"}
    assert report.records == len(messages()) - 1
    assert report.log_end == look(make_sound(root / "again")).log_end


def test_a_damaged_last_record_of_a_stopped_store_is_no_torn_end(root):
    place = log_places(root)[-1]
    flip(place[0], place[1] + 88)
    report = look(root)
    assert ("lost end", *where(place)) in found(report, DAMAGE)
    assert "entry beyond the log" in kinds(report)


def test_a_last_record_that_only_the_checkpoint_knows_is_missed(root):
    shutil.rmtree(root / "consumequeue")
    shutil.rmtree(root / "index")
    place = log_places(root)[-1]
    zero_from(place[0], place[1] + 90)
    report = look(root)
    assert ("lost end", *where(place)) in found(report, DAMAGE)
    assert ("checkpoint ahead", "checkpoint", 0) in found(report, DAMAGE)


def test_a_torn_record_after_a_crash_is_a_note(tmp_path):
    kill(tmp_path, *messages(), **SETTINGS)
    place = log_places(tmp_path)[-1]
    zero_from(place[0], place[1] + 50)
    report = look(tmp_path)
    assert report.is_sound
    assert ("torn end", *where(place)) in found(report, NOTE)


def test_a_hole_of_zeroes_in_a_log_that_goes_on_is_found(root):
    place = log_places(root)[9]
    change(place[0], place[1], bytes(place[2]))
    assert ("unreadable record", *where(place)) in found(look(root), DAMAGE)


def test_a_files_end_without_a_blank_is_found(root):
    path, at, size = [one for one in log_places(root) if one[0].name == FIRST][-1]
    zero_from(path, at + size)
    report = look(root)
    assert found(report) == [("unreadable record", f"commitlog/{FIRST}", at + size)]


def test_a_blank_of_another_length_is_found(root):
    path, at, size = [one for one in log_places(root) if one[0].name == FIRST][-1]
    change(path, at + size, struct.pack(">i", LOG_BYTES))
    assert found(look(root)) == [("odd blank", f"commitlog/{FIRST}", at + size)]


def test_a_queue_whose_messages_are_not_counted_one_by_one_is_found(root):
    place = log_places(root)[9]
    path, at, _ = place
    fields = list(HEAD.unpack_from(path.read_bytes(), at))
    fields[5] += 1
    change(path, at, HEAD.pack(*fields))
    report = look(root)
    jumps = [one for one in found(report, DAMAGE) if one[0] == "queue offset"]
    assert jumps[0] == ("queue offset", *where(place))
    assert len(jumps) == 2  # there, and back


def test_zeroes_where_properties_were_are_found_though_no_crc_tells(root):
    path, at, size = log_places(root)[9]
    change(path, at + size - 2, bytes(2))
    report = look(root)
    assert ("torn properties", *where((path, at, size))) in found(report, DAMAGE)


# Files


def test_a_missing_file_of_the_log_is_named(root):
    _, second, *_ = sorted((root / "commitlog").iterdir())
    second.unlink()
    report = look(root)
    name = f"commitlog/{LOG_BYTES:020d}"
    assert ("missing file", name, None) in found(report, DAMAGE)
    assert f"lacks {LOG_BYTES:020d}" in report.rehearsal.refused


def test_a_file_of_another_size_is_named(root):
    _, second, *_ = sorted((root / "commitlog").iterdir())
    second.write_bytes(second.read_bytes()[:-1])
    name = f"commitlog/{second.name}"
    assert ("wrong size", name, None) in found(look(root), DAMAGE)


@pytest.mark.parametrize("folder", ["commitlog", "consumequeue/orders/0", "index"])
def test_a_file_that_no_setting_makes_so_long_is_named_and_not_read(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    name = FIRST[:17] if folder == "index" else FIRST
    with (tmp_path / folder / name).open("wb") as file:
        file.truncate(20 << 32)  # takes no room, but would take long to read
    kind = "unknown shape" if folder == "index" else "wrong size"
    report = look(tmp_path)
    assert found(report, DAMAGE) == [(kind, f"{folder}/{name}", None)]
    assert f"has {20 << 32} bytes" in report.rehearsal.refused


def test_a_file_that_was_just_being_made_is_no_damage(root):
    names = [f"commitlog/{50 * LOG_BYTES:020d}", f"{ORDERS}/{50 * 160:020d}"]
    names.append("index/30000101000000000")
    for name in names:
        (root / name).touch()
    report = look(root)
    passed_over = [("file without size", name, None) for name in sorted(names)]
    assert sorted(found(report)) == passed_over
    assert not report.rehearsal.refused
    assert report.is_sound


@pytest.mark.parametrize("folder", ["commitlog", "consumequeue/orders/0"])
def test_a_folder_with_a_files_name_is_none_of_a_store(tmp_path, folder):
    (tmp_path / folder / FIRST).mkdir(parents=True)
    report = look(tmp_path)
    assert found(report, DAMAGE) == [("strange file", f"{folder}/{FIRST}", None)]
    assert "is no file of a store: move it elsewhere" in report.rehearsal.refused


@pytest.mark.parametrize(
    "name",
    [
        "commitlog/notes", "commitlog/00000000000000000001", "index/notes",
        "consumequeue/orders/zero", "consumequeue/notes",
    ],
)  # fmt: skip
def test_what_is_no_file_of_a_store_is_named(root, name):
    (root / name).write_bytes(bytes(LOG_BYTES))
    report = look(root)
    assert found(report) == [("strange file", name, None)]
    assert report.rehearsal.refused


def test_what_is_beside_a_stores_files_is_passed_over_with_a_note(root):
    (root / "consumequeue_ext").mkdir()
    assert found(look(root)) == [("not looked at", "consumequeue_ext", None)]


def test_an_index_file_of_another_size_is_named(root):
    *_, last = index_files(root)
    last.write_bytes(last.read_bytes()[:-20])
    name = f"index/{last.name}"
    assert ("wrong size", name, None) in found(look(root), DAMAGE)


# Consume queues


def test_every_flipped_byte_of_a_queue_is_found_at_its_entry(tmp_path):
    root = make_sound(tmp_path, 10)
    path = root / ORDERS / FIRST  # it is full
    for at in range(path.stat().st_size):
        flip(path, at)
        places = {one[1:] for one in found(look(root))}
        assert (str(ORDERS / FIRST), at - at % 20) in places, at
        flip(path, at)
    assert found(look(root)) == []


def test_a_lost_entry_ends_its_queue(root):
    path = root / ORDERS / FIRST
    change(path, 60, bytes(20))
    assert found(look(root), DAMAGE) == [
        ("lost entry", str(ORDERS / FIRST), 60),
        ("after the end", str(ORDERS / FIRST), 60),
    ]


def test_entries_that_a_killed_broker_had_not_made_are_a_note(tmp_path):
    kill(tmp_path, *messages(), **SETTINGS)
    *_, last = sorted((tmp_path / ORDERS).iterdir())
    used = last.read_bytes().rstrip(b"\0")
    entry = (len(used) - 1) // 20 * 20
    zero_from(last, entry)
    report = look(tmp_path)
    assert report.is_sound
    assert ("missing entry", str(ORDERS / last.name), entry) in found(report, NOTE)
    (moved,) = report.moved
    assert (moved.topic, moved.end_after - moved.end) == ("orders", 1)


def test_a_lost_queue_is_found_at_each_place_where_an_entry_should_be(root):
    shutil.rmtree(root / "consumequeue" / "orders")
    report = look(root)
    lost = [one for one in found(report, DAMAGE) if one[0] == "lost entry"]
    assert lost[0] == ("lost entry", str(ORDERS / FIRST), 0)
    assert report.findings.counts["lost entry", DAMAGE] == 18
    assert report.moved[0][:3] == ("orders", 0, 0)


def test_a_filler_among_messages_is_found(root):
    change(root / ORDERS / FIRST, 40, struct.pack(">qiq", 0, 0x7FFFFFFF, 0))
    assert found(look(root), DAMAGE) == [("stray filler", str(ORDERS / FIRST), 40)]


def test_an_entry_beyond_the_log_is_found(root):
    *_, last = sorted((root / ORDERS).iterdir())
    used = -(-len(last.read_bytes().rstrip(b"\0")) // 20) * 20
    change(last, used, struct.pack(">qiq", 1 << 20, 100, 0))
    name = str(ORDERS / last.name)
    assert found(look(root), DAMAGE) == [("entry beyond the log", name, used)]


def test_a_delayed_messages_entry_has_its_due_time(root):
    path = root / "consumequeue" / "SCHEDULE_TOPIC_XXXX" / "2" / FIRST
    change(path, 12, struct.pack(">q", NOW_MS))
    report = look(root)
    ((kind, _, at),) = found(report, DAMAGE)
    assert (kind, at) == ("wrong entry", 0)
    (finding,) = report.findings
    assert str(NOW_MS + 3000 + 10_000) in finding.what


def test_other_delay_levels_are_taken_from_the_settings(root):
    levels = look(root, messageDelayLevel="1s 5s 20s")
    assert {one[0] for one in found(levels)} == {"wrong entry"}


# Index


def test_every_flipped_byte_of_an_indexs_entries_and_slots_is_found(tmp_path):
    root = make_sound(tmp_path, 6)
    first, *_ = index_files(root)
    used = SHAPE.entry_at(6)
    entries = range(SHAPE.entry_at(1) + 20, used)  # the first one's time may be odd
    for at in [*range(40, SHAPE.entry_at(0)), *entries]:
        flip(first, at)
        places = {one[1:] for one in found(look(root), DAMAGE)}
        size = 4 if at < SHAPE.entry_at(0) else 20
        start = 40 if size == 4 else SHAPE.entry_at(0)
        place = at - (at - start) % size
        assert (f"index/{first.name}", place) in places, at
        flip(first, at)
    assert found(look(root)) == []


@pytest.mark.parametrize(("field", "at"), [(2, 0), (24, 24), (35, 32), (38, 36)])
def test_an_index_header_that_cannot_be_true_is_found(root, field, at):
    first, *_ = index_files(root)
    flip(first, field)
    assert ("index header", f"index/{first.name}", at) in found(look(root), DAMAGE)


def test_a_lost_index_is_a_note_with_the_number_of_keys(root):
    first, *_ = index_files(root)
    first.unlink()
    report = look(root)
    assert report.is_sound
    (finding,) = report.findings
    assert (finding.kind, finding.path) == ("not in the index", "index")
    # It had 15 entries, the last one of a record that the next file has, too.
    assert finding.what.startswith("14 keys of records in the log: 14 before")
    assert "the record at log offset 0" in finding.what
    shutil.rmtree(root / "index")
    assert kinds(look(root)) == {"not in the index"}


def test_records_that_came_after_the_indexs_end_are_counted(root):
    *_, last = index_files(root)
    last.unlink()
    (finding,) = look(root).findings
    assert finding.kind == "not in the index"
    assert " 0 before its range, 0 in it" in finding.what


def test_a_shape_that_nothing_tells_is_asked_for(tmp_path):
    stop(tmp_path, *messages(), **SETTINGS | {"max_index_num": 19})
    log_places(tmp_path)[0][0].unlink()
    for path in index_files(tmp_path)[1:]:
        path.unlink()
    assert "unknown shape" in kinds(look(tmp_path))
    given = {"maxHashSlotNum": SLOTS, "maxIndexNum": 19}
    assert "unknown shape" not in kinds(look(tmp_path, **given))


def test_an_index_that_is_switched_off_is_not_missed(tmp_path):
    stop(tmp_path, *messages(), **SETTINGS, message_index_enable=False)
    assert kinds(look(tmp_path)) == {"not in the index"}
    assert found(look(tmp_path, messageIndexEnable="false")) == []


def test_after_a_crash_a_broken_index_is_a_note_for_it_is_made_anew(tmp_path):
    kill(tmp_path, *messages(), **SETTINGS)
    *_, last = index_files(tmp_path)
    change(last, 40, struct.pack(">i", 99))
    report = look(tmp_path)
    assert report.is_sound
    assert ("broken chain", f"index/{last.name}", 40) in found(report, NOTE)


# Checkpoint


@pytest.mark.parametrize("at", [0, 8, 16])
def test_a_checkpoint_ahead_of_the_log_is_found(root, at):
    change(root / "checkpoint", at, struct.pack(">q", NOW_MS + 10_000_000))
    assert found(look(root), DAMAGE) == [("checkpoint ahead", "checkpoint", at)]


def test_a_checkpoint_behind_the_log_is_a_note(root):
    change(root / "checkpoint", 0, struct.pack(">q", NOW_MS))
    assert found(look(root)) == [("checkpoint behind", "checkpoint", 0)]


def test_a_cut_or_a_missing_checkpoint_is_said(root):
    path = root / "checkpoint"
    path.write_bytes(path.read_bytes()[:20])
    assert ("checkpoint size", "checkpoint", None) in found(look(root), DAMAGE)
    assert look(root).rehearsal.refused == ""
    path.unlink()
    assert found(look(root)) == [("no checkpoint", "checkpoint", None)]


# Tables


def write_table(root, name, text):
    """Write one of the broker's tables."""
    path = root / "config" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_a_table_that_cannot_be_read_gives_way_to_its_backup(root):
    write_table(root, "topics.json", '{"topicConfigTable":')
    assert found(look(root)) == [("unreadable table", "config/topics.json", None)]
    write_table(root, "topics.json.bak", '{"topicConfigTable":{}}')
    assert found(look(root)) == [("backup used", "config/topics.json", None)]
    write_table(root, "topics.json", '{"topicConfigTable":{}}')
    assert found(look(root)) == []


@pytest.mark.parametrize("text", ["[]", "1", '{"a":1}', "{{{", '{"offsetTable":[1]}'])
def test_a_table_of_another_shape_is_found(root, text):
    write_table(root, "consumerOffset.json", text)
    assert kinds(look(root)) == {"unreadable table"}


@pytest.mark.parametrize(
    ("offset", "kind"),
    [(0, None), (18, None), (19, "offset ahead"), (-1, "offset behind")],
)
def test_a_groups_offset_lies_within_its_queue(root, offset, kind):
    table = f'{{"offsetTable":{{"orders@baristas":{{0:{offset}}}}}}}'
    write_table(root, "consumerOffset.json", table)
    expected = [(kind, "config/consumerOffset.json", None)] if kind else []
    assert found(look(root)) == expected


def test_an_offset_of_a_queue_that_is_not_there_is_a_note(root):
    table = json.dumps({"offsetTable": {"tea@baristas": {"7": 3, "8": 0}}})
    write_table(root, "consumerOffset.json", table)
    (finding,) = look(root).findings
    assert (finding.kind, finding.severity) == ("offset of no queue", NOTE)
    assert finding.what == "group baristas is at 3 of tea 7"


def test_a_delay_levels_offset_lies_within_its_queue(root):
    write_table(root, "delayOffset.json", '{"offsetTable":{3:3}}')
    assert found(look(root)) == []
    write_table(root, "delayOffset.json", '{"offsetTable":{3:4}}')
    assert kinds(look(root)) == {"offset ahead"}


# Bounds


def test_a_store_that_is_broken_everywhere_needs_no_more_room_than_one_place(tmp_path):
    stop(tmp_path, *[record() for _ in range(200)])
    path = tmp_path / ORDERS / FIRST
    data = bytearray(path.read_bytes())
    data[19 : 200 * 20 : 20] = b"\1" * 200
    path.write_bytes(data)
    report = look(tmp_path)
    assert report.findings.counts["wrong entry", DAMAGE] == 200
    kept = list(report.findings)
    assert len(kept) == KEPT
    assert report.findings.beyond(kept[0]) == 200 - KEPT


@cache
def sound_files():
    """Return the files of a sound store, by their paths below it."""
    with TemporaryDirectory() as folder:
        make_sound(Path(folder), 10)
        return {path: data for path, (data, _) in tree(Path(folder)).items()}


harms = some.tuples(
    some.sampled_from(sorted(sound_files())),
    some.floats(0, 1, exclude_max=True),
    some.sampled_from(["cut", "zero"]) | some.binary(min_size=1, max_size=8),
)


@given(some.lists(harms, min_size=1, max_size=4))
def test_whatever_happened_to_a_store_a_look_ends_with_a_report(harmed):
    with TemporaryDirectory() as folder:
        files = {path: bytearray(data) for path, data in sound_files().items()}
        for path, where_about, what in harmed:
            data = files[path]
            at = int(len(data) * where_about)
            if what == "cut":
                del data[at:]
            else:
                new = bytes(len(data) - at) if what == "zero" else what
                data[at : at + len(new)] = new[: len(data) - at]
        for path, data in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        json.dumps(look(Path(folder)).to_json())


def test_a_size_that_no_record_has_is_not_read_into_memory(root):
    """It would be as large as the file."""
    path, at, _ = log_places(root)[3]
    change(path, at, struct.pack(">i", 0x7FFFFFFF))
    assert ("unreadable record", *where((path, at, 0))) in found(look(root), DAMAGE)
