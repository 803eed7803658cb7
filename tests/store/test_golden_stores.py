"""Stores that the real RocketMQ wrote are opened here, and written again."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest

from rmqlab.protocol.record import decode_all
from tests.store.shelf import entries, log_files, opened, stop
from tests.support import golden_facts, golden_store

VERSIONS = ("4.4.0", "4.9.7")
STORES = [f"{version}-{end}" for version in VERSIONS for end in ("clean", "kill9")]
TORN = [f"{version}-torn" for version in VERSIONS]
EACH = pytest.mark.parametrize("name", STORES)
EACH_AND_TORN = pytest.mark.parametrize("name", STORES + TORN)


def queues_of(facts, end):
    """Return the entries of each queue as Java told them, of records before `end`."""
    return {
        (queue["topic"], queue["queueId"]): rows
        for queue in facts["consumeQueues"]
        if (rows := [tuple(one) for one in _entries(queue) if one[0] < end])
    }


def _entries(queue):
    return queue["entries_physicalOffset_size_tagsCode"]


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


@EACH_AND_TORN
def test_a_real_stores_log_ends_where_the_real_broker_found_its_end(name, tmp_path):
    facts = golden_facts(name)
    with opened(golden_store(name, tmp_path)) as store:
        assert store.log.end == facts["reopened"]["commitLogMaxOffset"]
        assert store.found.was_crash is facts["abortFilePresent"]
        assert store.dispatched == store.log.end


@EACH_AND_TORN
def test_every_message_of_a_real_store_is_read_where_it_is(name, tmp_path):
    facts = golden_facts(name)
    end = facts["reopened"]["commitLogMaxOffset"]
    with opened(golden_store(name, tmp_path)) as store:
        for topic, queue_id, queue_offset, at, size, sha in facts["messages"]:
            if at >= end:
                assert store.reading.record_at(at) is None
                continue
            assert digest(store.log.read(at, size)) == sha
            found = store.reading.record_at(at)
            assert (found.topic, found.queue_id) == (topic, queue_id)
            assert (found.queue_offset, found.size) == (queue_offset, size)


@EACH_AND_TORN
def test_the_queues_of_a_real_store_have_javas_entries(name, tmp_path):
    facts = golden_facts(name)
    wanted = queues_of(facts, facts["reopened"]["commitLogMaxOffset"])
    with opened(golden_store(name, tmp_path)) as store:
        assert entries(store) == wanted


@EACH_AND_TORN
def test_the_queues_of_a_real_store_are_made_anew_from_its_log(name, tmp_path):
    facts = golden_facts(name)
    wanted = queues_of(facts, facts["reopened"]["commitLogMaxOffset"])
    root = golden_store(name, tmp_path)
    shutil.rmtree(root / "consumequeue")
    with opened(root) as store:
        assert entries(store) == wanted


@EACH
def test_a_real_stores_queues_begin_and_end_where_java_says(name, tmp_path):
    with opened(golden_store(name, tmp_path)) as store:
        for queue in golden_facts(name)["consumeQueues"]:
            where = queue["topic"], queue["queueId"]
            found = store.queues.min_offset(*where), store.queues.max_offset(*where)
            assert found == (queue["minOffset"], queue["maxOffset"])


@EACH
def test_a_consumer_reads_every_message_of_a_real_store(name, tmp_path):
    with opened(golden_store(name, tmp_path)) as store:
        for (topic, queue_id), rows in queues_of(golden_facts(name), 1 << 40).items():
            read = b""
            offset = 0
            while offset < len(rows):
                got = store.reading.get(topic, queue_id, offset, 32, lambda _: True)
                read += b"".join(got.records)
                offset = got.next_offset
            found = [(one.physical_offset, one.size) for one in decode_all(read)]
            assert found == [row[:2] for row in rows]


@pytest.mark.parametrize("name", TORN)
def test_a_torn_record_is_lost_as_the_real_broker_lost_it(name, tmp_path):
    facts = golden_facts(name)
    ((topic, queue_id, queue_offset, at, _),) = facts["reopened"]["lost"]
    with opened(golden_store(name, tmp_path)) as store:
        assert store.log.end == at == facts["damage"]["recordCut"]
        assert store.queues.max_offset(topic, queue_id) == queue_offset


@pytest.mark.parametrize("name", TORN)
def test_what_was_behind_a_torn_record_is_zeroes_on_the_disk_too(name, tmp_path):
    root = golden_store(name, tmp_path)
    with opened(root) as store:
        place = store.log.end % (1 << 20)
    *_, last = log_files(root)
    assert not any(last.read_bytes()[place:])


@EACH
def test_the_same_messages_put_here_become_the_same_files(name, tmp_path):
    """But for the blanks, whose bytes after the first eight mean nothing."""
    real, own = tmp_path / "real", tmp_path / "own"
    with opened(golden_store(name, real)) as store:
        messages = [
            replace(one, queue_offset=0, physical_offset=0, size=0)
            for one in store.log.scan(0)
        ]
        places = [(one.physical_offset, one.size) for one in store.log.scan(0)]
        wanted = [store.log.read(at, size) for at, size in places]
    with opened(own) as store:
        for one in messages:
            store.put_batch([one])  # as it is: `put` would postpone what is delayed
    stop(own)
    with opened(own) as store:
        assert [store.log.read(at, size) for at, size in places] == wanted
    queues = [path for path in real.glob("consumequeue/*/*/0*") if path.is_file()]
    assert len(queues) == len(list(own.glob("consumequeue/*/*/0*"))) > 20
    for path in queues:
        assert (own / path.relative_to(real)).read_bytes() == path.read_bytes()


def test_a_real_blank_and_ours_say_the_same(tmp_path):
    real, own = tmp_path / "real", tmp_path / "own"
    with opened(golden_store("4.9.7-clean", real)) as store:
        messages = list(store.log.scan(0))
    last = [one for one in messages if one.physical_offset < 1 << 20][-1]
    stop(own, *messages)
    blank_at = last.physical_offset + last.size
    theirs, ours = (log_files(root)[0].read_bytes() for root in (real, own))
    assert ours[blank_at : blank_at + 8] == theirs[blank_at : blank_at + 8]
