"""Dumps in a notebook: of a simulated broker's disk, and of a folder."""

from __future__ import annotations

import pytest

from rmqlab.classroom.dump.shown import MOST_ROWS
from rmqlab.classroom.lab import dump, start
from rmqlab.classroom.looking import HostShelf, StoreFiles
from rmqlab.classroom.runtime import ClusterError
from rmqlab.errors import StoreError
from rmqlab.protocol.message import java_hash
from rmqlab.store.layout import StorePaths
from tests.store.shelf import letters, stop


@pytest.fixture(scope="module")
def files():
    """Return the files of a simulated broker that has three messages."""
    with start("1m", lab="97", runtime="sim") as cluster:
        with cluster.producer() as producer:
            for text in ("one coffee", "two", "<b>three</b>"):
                producer.send("orders", text, tags="paid", keys=f"key-{text[0]}")
        cluster.run(seconds=2)
        yield cluster.store("broker-a")


def folder_files(root):
    return StoreFiles(HostShelf(root.parent), StorePaths(f"/{root.name}"))


def test_a_simulated_log_is_dumped_like_a_real_one(files):
    found = dump(files, "commitlog", count=3)
    bodies = [row.facts["body_start"] for row in found]
    assert bodies == ["one coffee", "two", "<b>three</b>"]
    assert found[0].file.startswith("/")
    assert found[0].facts["topic"] == "orders"


def test_the_entries_of_a_queue_lead_to_their_records(files):
    record = dump(files, "commitlog", count=1)[0].facts
    place = f"consumequeue/orders/{record['queue_id']}"
    entry = dump(files, place, first=record["queue_offset"], count=1)[0].facts
    assert entry["physical_offset"] == record["physical_offset"]
    assert entry["tags_code"] == java_hash("paid")


def test_without_a_path_there_is_an_overview_of_the_store(files):
    kinds = {row.facts["what"] for row in dump(files)}
    assert {"commit log", "consume queue", "checkpoint", "config", "lock"} <= kinds


def test_the_rows_of_everything_are_there_for_the_asking(files):
    kinds = {row.kind for row in dump(files, rows=True)}
    assert {"record", "queue_entry", "checkpoint", "config"} <= kinds


def test_a_row_has_a_byte_map(files):
    found = dump(files, "commitlog", count=1)
    shown = found.byte_map(0)
    assert shown.data == found.data(0)
    assert {one.name: one.value for one in shown.fields}["body"] == b"one coffee"


def test_a_row_without_a_layout_says_which_have_one(files):
    found = dump(files, "config/topics.json")
    with pytest.raises(StoreError, match="no byte map of 'config'"):
        found.byte_map(0)


def test_html_has_the_lines_and_no_message_leaves_them(files):
    shown = dump(files, "commitlog", count=3)._repr_html_()
    assert shown.startswith("<pre>")
    assert "one coffee" in shown
    assert "<b>" not in shown


def test_a_dumps_repr_is_the_same_in_every_run(files):
    assert repr(dump(files, "commitlog", count=3)) == "dump of 3 rows"


def test_what_is_not_there_is_an_error_in_words(files, tmp_path):
    with pytest.raises(ClusterError, match="there is no file"):
        dump(files, "commitlogs")
    with pytest.raises(StoreError, match="neither a file nor a folder"):
        dump(folder_files(tmp_path), "commitlogs")


def test_a_notebook_shows_so_many_rows_and_says_that_there_are_more(tmp_path):
    stop(tmp_path / "store", *letters(bytes(MOST_ROWS + 1)))
    found = dump(folder_files(tmp_path / "store"), "commitlog", rows=True)
    assert (len(found), found.is_all) == (MOST_ROWS, False)
    assert str(found).endswith("… more than 1000: ask for a range")
    last = dump(folder_files(tmp_path / "store"), "commitlog", last=2)
    assert last.is_all
    assert len(last[:]) == 2


def test_a_log_outside_of_the_stores_folder_is_found(tmp_path):
    stop(tmp_path / "store", *letters(b"ab"))
    (tmp_path / "store" / "commitlog").rename(tmp_path / "log")
    files = StoreFiles(HostShelf(tmp_path), StorePaths("/store", "/log"))
    assert len(dump(files, "commitlog", rows=True)) == 2
    assert len(dump(files, "commitlog/" + "0" * 20)) == 2
