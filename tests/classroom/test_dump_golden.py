"""Dumps of the real RocketMQ's stores say what a real client read from them."""

from __future__ import annotations

import pytest

from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.index_file import key_hash
from tests.classroom.dumps import dumped, of_kind
from tests.support import golden_facts, golden_store

VERSIONS = ("4.4.0", "4.9.7")
EACH = pytest.mark.parametrize(
    "name", [f"{version}-{end}" for version in VERSIONS for end in ("clean", "kill9")]
)


@EACH
def test_every_message_is_dumped_with_its_place(name, tmp_path):
    rows = dumped(golden_store(name, tmp_path) / "commitlog", "--all")
    found = {
        row["physical_offset"]: [
            row["topic"],
            row["queue_id"],
            row["queue_offset"],
            row["physical_offset"],
            row["size"],
        ]
        for row in of_kind(rows, "record")
    }
    for *place, _ in golden_facts(name)["messages"]:
        assert found[place[3]] == place
    assert {row["kind"] for row in rows} == {"record", "blank"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_is_dumped_with_all_the_fields_that_java_reads(version, tmp_path):
    root = golden_store(f"{version}-clean", tmp_path)
    rows = of_kind(dumped(root / "commitlog", "--all"), "record")
    found = {row["physical_offset"]: row for row in rows}
    facts = golden_facts(f"{version}-clean")["whole"]
    assert len(facts) > 10
    for fact in facts:
        row = found[fact["physicalOffset"]]
        assert {
            "topic": row["topic"],
            "queueId": row["queue_id"],
            "queueOffset": row["queue_offset"],
            "physicalOffset": row["physical_offset"],
            "storeSize": row["size"],
            "offsetMsgId": row["offset_msg_id"],
            "tags": row["tags"],
            "keys": row["keys"],
            "flag": row["flag"],
            "sysFlag": row["sys_flag"],
            "bornTimestamp": row["born_timestamp"],
            "storeTimestamp": row["store_timestamp"],
            "bornHost": row["born_host"],
            "storeHost": row["store_host"],
            "reconsumeTimes": row["reconsume_times"],
            "preparedTransactionOffset": row["prepared_offset"],
            "storedBodyLength": row["stored_body_length"],
            "storedBodySha256": row["stored_body_sha256"],
            "bodyLength": row["body_length"],
            "bodySha256": row["body_sha256"],
        }.items() <= {"tags": None, "keys": None, **fact}.items()
        assert fact["properties"].items() <= row["properties"].items()


@EACH
def test_every_queue_entry_is_dumped_with_its_tag_hash(name, tmp_path):
    root = golden_store(name, tmp_path)
    for queue in golden_facts(name)["consumeQueues"]:
        topic, queue_id = queue["topic"], queue["queueId"]
        rows = dumped(root / "consumequeue" / topic / str(queue_id), "--all")
        told = queue["entries_physicalOffset_size_tagsCode"]
        assert [
            [row["physical_offset"], row["size"], row["tags_code"]] for row in rows
        ] == told
        assert {(row["topic"], row["queue_id"]) for row in rows} == {(topic, queue_id)}
        assert [row["queue_offset"] for row in rows] == list(
            range(queue["minOffset"], queue["maxOffset"])
        )


@EACH
def test_a_delayed_messages_entry_says_when_it_is_due(name, tmp_path):
    rows = dumped(golden_store(name, tmp_path), "--all")
    stored = {
        row["physical_offset"]: row["store_timestamp"]
        for row in of_kind(rows, "record")
    }
    due = [row for row in of_kind(rows, "queue_entry") if "deliver_timestamp" in row]
    assert {row["topic"] for row in due} == {SCHEDULE_TOPIC}
    first = [row for row in due if row["queue_id"] == 0]
    assert first
    for row in first:  # level 1: one second
        assert row["deliver_timestamp"] == stored[row["physical_offset"]] + 1000


@EACH
def test_every_key_is_in_the_dumped_index_with_its_hash(name, tmp_path):
    rows = dumped(golden_store(name, tmp_path) / "index", "--all")
    entries = {}
    for row in of_kind(rows, "index_entry"):
        entries.setdefault(row["key_hash"], set()).add(row["physical_offset"])
    queries = golden_facts(name)["keyQueries_physicalOffsets"]
    assert len(queries) > 5
    for query, offsets in queries.items():
        assert set(offsets) <= entries.get(key_hash(*query.split("#")), set())


@EACH
def test_the_dumped_chains_of_an_index_lead_through_all_its_entries(name, tmp_path):
    for path in sorted((golden_store(name, tmp_path) / "index").iterdir()):
        header, *rows = dumped(path)
        entries = {row["index"]: row for row in of_kind(rows, "index_entry")}
        assert (header["slots"], header["entries"]) == (500, 1000)
        assert len(entries) == header["index_count"] - 1
        reached = set()
        for slot in of_kind(rows, "index_slot"):
            number = slot["newest_index"]
            while number:
                assert entries[number]["slot"] == slot["slot"]
                reached.add(number)
                number = entries[number]["previous_index"]
        assert reached == entries.keys()


@EACH
def test_the_checkpoint_is_dumped_with_its_three_times(name, tmp_path):
    root = golden_store(name, tmp_path)
    (row,) = dumped(root / "checkpoint")
    (last,) = dumped(root / "commitlog", "--last", 1)
    times = [row[f"{one}_msg_timestamp"] for one in ("physic", "logics", "index")]
    assert all(0 <= time <= last["store_timestamp"] for time in times)
    if name.endswith("clean"):
        assert times[:2] == [last["store_timestamp"]] * 2


@EACH
def test_the_tables_are_dumped_entry_by_entry(name, tmp_path):
    rows = dumped(golden_store(name, tmp_path) / "config" / "consumerOffset.json")
    found = {row["key"]: row["value"] for row in rows}
    assert {"offsetTable": found} == golden_facts(name)["consumerOffsets"]


@EACH
def test_an_overview_counts_what_is_in_each_file(name, tmp_path):
    root, facts = golden_store(name, tmp_path), golden_facts(name)
    rows = dumped(root)
    assert len(rows) == sum(path.is_file() for path in root.rglob("*"))
    for queue in facts["consumeQueues"]:
        where = f"{root}/consumequeue/{queue['topic']}/{queue['queueId']}/"
        here = [row for row in rows if row["file"].startswith(where)]
        assert sum(row["count"] for row in here) == queue["maxOffset"]
    logs = [row for row in rows if row["what"] == "commit log"]
    ends = [int(row["file"][-20:]) + row["used"] for row in logs if row["count"]]
    assert ends[-1] == facts["commitLogMaxOffset"]
    assert any(row["what"] == "abort" for row in rows) is facts["abortFilePresent"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_torn_record_is_damage_at_its_file_and_offset(version, tmp_path):
    name = f"{version}-torn"
    root, cut = golden_store(name, tmp_path), golden_facts(name)["damage"]["recordCut"]
    *rows, last = dumped(root / "commitlog", "--all", exit_code=1)
    assert {row["kind"] for row in rows} == {"record", "blank"}
    assert last["kind"] == "damage"
    file, position = divmod(cut, 1 << 20)
    assert last["file"].endswith(f"commitlog/{file << 20:020d}")
    assert last["position"] == position
    assert "parts add up" in last["problem"]
    damaged = [row for row in dumped(root, exit_code=1) if row["problem"]]
    assert [row["file"] for row in damaged] == [last["file"]]
