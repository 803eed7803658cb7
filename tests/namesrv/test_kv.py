"""Key-value settings: the table, its file, and a disk that fails."""

from __future__ import annotations

import pytest

from rmqlab.errors import Refused, StoreError
from rmqlab.namesrv import kv as kv_module
from rmqlab.namesrv.kv import KvTable
from rmqlab.store.real_disk import RealDisk


@pytest.fixture
def disk():
    disk = RealDisk()
    yield disk
    disk.close()


def test_what_was_put_is_there_after_a_restart(tmp_path, disk):
    path = str(tmp_path / "namesrv" / "kvConfig.json")
    table = KvTable(path, disk)
    table.load()
    table.put("n", "k", "wert ä")
    table.put("n", "other", "1")
    table.delete("n", "other")
    again = KvTable(path, disk)
    again.load()
    assert again.get("n", "k") == "wert ä"
    assert again.namespace("n") == {"k": "wert ä"}


def test_the_file_is_rocketmqs(tmp_path, disk):
    path = tmp_path / "kvConfig.json"
    KvTable(str(path), disk).put("ORDER_TOPIC_CONFIG", "orders", "a:4;b:4")
    assert path.read_text() == (
        '{"configTable":{"ORDER_TOPIC_CONFIG":{"orders":"a:4;b:4"}}}'
    )


def test_a_namespace_that_became_empty_stays_and_an_unknown_one_is_none():
    table = KvTable("nowhere")
    table.put("n", "k", "v")
    table.delete("n", "k")
    table.delete("m", "k")
    assert table.namespace("n") == {}
    assert table.namespace("m") is None
    assert table.get("n", "k") is None


def test_a_torn_file_gives_way_to_its_backup(tmp_path, disk):
    path = tmp_path / "kvConfig.json"
    path.write_text('{"configTable":{"n":{"k"')
    (tmp_path / "kvConfig.json.bak").write_text('{"configTable":{"n":{"k":"v"}}}')
    table = KvTable(str(path), disk)
    table.load()
    assert table.get("n", "k") == "v"


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", "{}", '{"configTable":{"n":{"k":1}}}']
)
def test_a_file_that_is_no_table_ends_the_start(tmp_path, disk, text):
    path = tmp_path / "kvConfig.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=f"cannot use {path}: no"):
        KvTable(str(path), disk).load()


def test_a_disk_that_refuses_costs_the_file_and_not_the_value(tmp_path, disk, caplog):
    (tmp_path / "file").write_text("")
    table = KvTable(str(tmp_path / "file" / "kvConfig.json"), disk)
    table.put("n", "k", "v")
    assert table.get("n", "k") == "v"
    assert "key-value settings not saved" in caplog.text


def test_more_than_fits_into_a_frame_is_not_kept(monkeypatch):
    monkeypatch.setattr(kv_module, "LARGEST_CHARS", 100)
    table = KvTable("nowhere")
    table.put("n", "k", "v")
    with pytest.raises(Refused, match=r"no room for big in n: .* allowed 100"):
        table.put("n", "big", "x" * 100)
    assert table.namespace("n") == {"k": "v"}
