"""Records against Java's, and against damage at every place."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.record import (
    BLANK_MAGIC,
    FIXED_BYTES,
    MAGIC,
    SIZE_AND_MAGIC,
    Blank,
    Record,
    decode,
    decode_all,
    encode,
    size_of,
    to_message,
)
from tests.support import golden_archive, golden_facts, golden_frames

VERSIONS = pytest.mark.parametrize("version", ["4.4.0", "4.9.7"])
FILE_BYTES = 1 << 20

COFFEE = Record(
    topic="orders",
    queue_id=3,
    body=b"coffee",
    properties=b"TAGS\x01paid",
    flag=7,
    sys_flag=0,
    born_timestamp=1_700_000_000_000,
    born_host=("10.0.0.9", 50_001),
    store_timestamp=1_700_000_000_005,
    store_host=("10.0.0.1", 10_911),
    reconsume_times=2,
    prepared_offset=99,
    queue_offset=42,
    physical_offset=4096,
)

i32 = some.integers(-(2**31), 2**31 - 1)
i64 = some.integers(-(2**63), 2**63 - 1)


def hosts(version):
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    length = 16 if version == 6 else 4
    packed = some.binary(min_size=length, max_size=length)
    texts = packed.map(lambda one: socket.inet_ntop(family, one))
    return some.tuples(texts, some.integers(0, 65_535))


@some.composite
def records(draw):
    is_v6 = draw(some.booleans()), draw(some.booleans())
    flags = SysFlag.BORNHOST_V6 * is_v6[0] | SysFlag.STOREHOST_V6 * is_v6[1]
    topic = some.text(some.characters(exclude_categories=["Cs"]), max_size=60)
    return Record(
        draw(topic),
        draw(i32),
        draw(some.binary(max_size=60)),
        draw(some.binary(max_size=60)),
        draw(i32),
        int(flags) | draw(some.sampled_from([0, 1, 4, 8, 12, 0x300])),
        draw(i64),
        draw(hosts(6 if is_v6[0] else 4)),
        draw(i64),
        draw(hosts(6 if is_v6[1] else 4)),
        draw(i32),
        draw(i64),
        draw(i64),
        draw(i64),
    )


def golden_records(name):
    """Yield each message of a golden log: the fact, the log file, its place there."""
    for fact in golden_facts(name)["messages"]:
        file, at = divmod(fact[3], FILE_BYTES)
        path = f"store-{name}/commitlog/{file * FILE_BYTES:020d}"
        yield fact, golden_archive("stores")[path], at


@VERSIONS
def test_a_golden_record_read_and_written_again_is_the_same_bytes(version):
    for fact, file, at in golden_records(f"{version}-clean"):
        record = decode(file, at)
        assert encode(record) == file[at : at + record.size], fact


@VERSIONS
def test_a_golden_record_says_where_it_is(version):
    for fact, file, at in golden_records(f"{version}-clean"):
        record = decode(file, at)
        where = [record.topic, record.queue_id, record.queue_offset]
        digest = hashlib.sha256(file[at : at + record.size]).hexdigest()[:16]
        assert [*where, record.physical_offset, record.size, digest] == fact


@VERSIONS
def test_a_golden_message_has_javas_fields(version):
    for fact in golden_facts(f"{version}-clean")["whole"]:
        file, at = divmod(fact["physicalOffset"], FILE_BYTES)
        path = f"store-{version}-clean/commitlog/{file * FILE_BYTES:020d}"
        record = decode(golden_archive("stores")[path], at)
        message = to_message(record, "broker-a")
        found = {
            "flag": message.flag,
            "sysFlag": message.sys_flag,
            "bornTimestamp": message.born_timestamp,
            "storeTimestamp": message.store_timestamp,
            "bornHost": "{}:{}".format(*message.born_host),
            "storeHost": "{}:{}".format(*message.store_host),
            "reconsumeTimes": message.reconsume_times,
            "preparedTransactionOffset": record.prepared_offset,
            "storedBodyLength": len(record.body),
            "storedBodySha256": hashlib.sha256(record.body).hexdigest(),
            "bodyLength": len(message.body),
            "bodySha256": hashlib.sha256(message.body).hexdigest(),
            "properties": message.properties,
            "storeSize": message.size,
        }
        assert found == {key: fact[key] for key in found}
        assert message.broker_name == "broker-a"


@VERSIONS
def test_what_a_real_broker_answers_to_a_pull_is_a_run_of_records(version):
    answers = [
        data
        for name, data in golden_frames().items()
        if f"-java-{version}" in name and "PULL_MESSAGE" in name
        if name.endswith(".response") and b'"remark":"FOUND"' in data
    ]
    assert answers
    for data in answers:
        body = data[8 + int.from_bytes(data[5:8]) :]
        assert b"".join(encode(record) for record in decode_all(body)) == body


@given(records())
def test_any_record_written_and_read_is_the_same(record):
    data = encode(record)
    assert len(data) == record.size == size_of(record)
    assert decode(data) == record


def test_a_record_is_read_from_any_place():
    data = b"before" + encode(COFFEE) + b"after"
    assert decode(data, 6) == COFFEE


def test_records_lie_back_to_back():
    others = [replace(COFFEE, queue_offset=n, body=bytes(n)) for n in range(5)]
    assert list(decode_all(b"".join(map(encode, others)))) == others


def test_a_record_measures_91_bytes_and_its_parts():
    assert FIXED_BYTES == 91
    assert size_of(COFFEE) == 91 + len("orders") + len(b"coffee") + 9


def test_a_blank_is_no_message():
    data = SIZE_AND_MAGIC.pack(500, BLANK_MAGIC)
    assert decode(data) == Blank(500)
    with pytest.raises(CorruptRecord, match="a blank at byte"):
        list(decode_all(encode(COFFEE) + data))


@pytest.mark.parametrize("cut", range(len(encode(COFFEE))))
def test_a_record_cut_anywhere_is_found_out(cut):
    with pytest.raises(CorruptRecord):
        decode(encode(COFFEE)[:cut])


def test_a_body_flipped_anywhere_is_found_by_its_crc():
    data = encode(COFFEE)
    start = data.index(b"coffee")
    for at in range(start, start + len(b"coffee")):
        flipped = bytearray(data)
        flipped[at] ^= 0x10
        with pytest.raises(CorruptRecord, match=r"CRC 0x[0-9A-F]{8}, the body's is 0x"):
            decode(bytes(flipped))
        assert decode(bytes(flipped), check_crc=False).body != COFFEE.body


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_record_flipped_anywhere_is_another_record_or_refused(mask):
    data = encode(COFFEE)
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= mask
        try:
            found = decode(bytes(flipped))
        except CorruptRecord:
            continue
        assert found != COFFEE


@given(some.binary(max_size=200))
def test_random_bytes_are_refused(data):
    with pytest.raises(CorruptRecord):
        decode(data)


@given(some.binary(max_size=200))
def test_random_bytes_behind_a_good_head_are_a_record_or_refused(data):
    size = FIXED_BYTES + len(data) % 50
    head = SIZE_AND_MAGIC.pack(size, MAGIC)
    with contextlib.suppress(CorruptRecord):
        assert decode(head + data, check_crc=False).size == size


@pytest.mark.parametrize("size", [-1, 0, FIXED_BYTES - 1, 10_000, 2**31 - 1])
def test_an_impossible_size_is_refused_with_what_is_allowed(size):
    data = SIZE_AND_MAGIC.pack(size, MAGIC) + bytes(200)
    with pytest.raises(CorruptRecord, match=f"size {size}, allowed {FIXED_BYTES} to"):
        decode(data)


def test_another_magic_is_named():
    with pytest.raises(CorruptRecord, match="magic 0x00000000, a message has 0xDAA3"):
        decode(bytes(100))


def test_properties_that_are_no_utf_8_do_not_stop_a_reader():
    record = replace(COFFEE, properties=b"TAGS\x01p\xffd")
    assert to_message(decode(encode(record))).tags == "p\ufffdd"


def test_a_stored_message_prints_itself_as_one_line():
    message = to_message(replace(COFFEE, properties=b"TAGS\x01paid\x02KEYS\x01o-7"))
    assert str(message) == "orders:3#42 tags=paid keys=o-7 body=6B"
