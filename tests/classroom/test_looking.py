"""Looking into a store's files, without its broker."""

from __future__ import annotations

from rmqlab.classroom.looking import StoreFiles, hex_dump
from rmqlab.classroom.runtime import NodeState
from tests.support import golden_facts, golden_store


def files_of(name, host):
    """Unpack a golden store below a host's root and look at it."""
    golden_store(name, host / "data" / "store")
    node = NodeState("broker-a", "host1", "ASYNC_MASTER", folder=str(host))
    node.store, node.commit_log = "/data/store", "/data/store/commitlog"
    return StoreFiles.of(node)


def test_the_messages_of_a_real_brokers_log_are_found_in_order(tmp_path):
    found = list(files_of("4.9.7-clean", tmp_path).messages())
    offsets = [one.physical_offset for one in found]
    known = {offset for *_, offset, _, _ in golden_facts("4.9.7-clean")["messages"]}
    assert offsets == sorted(offsets)
    assert known <= set(offsets)


def test_a_torn_log_ends_before_its_torn_record(tmp_path):
    whole = list(files_of("4.9.7-kill9", tmp_path / "whole").messages())
    torn = list(files_of("4.9.7-torn", tmp_path / "torn").messages())
    assert torn == whole[:-1]


def test_a_queues_entries_point_at_its_messages(tmp_path):
    files = files_of("4.9.7-clean", tmp_path)
    by_place = {one.physical_offset: one for one in files.messages()}
    entries = files.queue("GoldOne", 0)
    assert len(entries) == 350
    for number, entry in enumerate(entries):
        message = by_place[entry.log_offset]
        assert (message.topic, message.queue_offset) == ("GoldOne", number)
        assert message.size == entry.size


def test_the_log_is_read_up_to_the_end_that_one_asks_for(tmp_path):
    files = files_of("4.9.7-clean", tmp_path)
    end = [one.physical_offset for one in files.messages()][100]
    assert len(files.log(end)) == end


def test_every_file_is_listed_with_its_size(tmp_path):
    files = files_of("4.9.7-clean", tmp_path)
    sizes = {one.path: one.size for one in files.files()}
    assert sizes["commitlog/00000000000000000000"] == 1 << 20
    assert "checkpoint" in sizes


def test_a_dump_shows_bytes_as_numbers_and_as_text():
    assert hex_dump(b"\xda\xa3 coffee, 16 bytes.") == (
        "0000  da a3 20 63 6f 66 66 65 65 2c 20 31 36 20 62 79  ·· coffee, 16 by\n"
        "0010  74 65 73 2e                                      tes."
    )
