"""Properties, ids, tag hashes and names, as Java has them."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.errors import CorruptRecord, Refused
from rmqlab.protocol import message as messages
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.record import decode, to_message
from tests.support import golden_archive, golden_facts

VERSIONS = pytest.mark.parametrize("version", ["4.4.0", "4.9.7"])
parts = some.text(
    some.characters(exclude_categories=["Cs"], exclude_characters="\x01\x02"),
    max_size=10,
)


def golden_messages(version):
    """Yield what a real client read, and the same message read here."""
    name = f"{version}-clean"
    for fact in golden_facts(name)["whole"]:
        file, at = divmod(fact["physicalOffset"], 1 << 20)
        path = f"store-{name}/commitlog/{file << 20:020d}"
        record = decode(golden_archive("stores")[path], at)
        yield fact, to_message(record)


@given(some.dictionaries(parts.filter(bool), parts, max_size=6))
def test_properties_joined_and_split_are_the_same(properties):
    assert messages.split_properties(messages.join_properties(properties)) == properties


@pytest.mark.parametrize("end", ["", "\x02"], ids=["4.9", "4.4"])
def test_the_separator_that_4_4_writes_at_the_end_adds_nothing(end):
    found = messages.split_properties(f"KEYS\x01a\x02TAGS\x01b{end}")
    assert found == {"KEYS": "a", "TAGS": "b"}


def test_a_part_that_is_no_pair_is_passed_over_as_in_rocketmq():
    assert messages.split_properties("a\x011\x02loose\x02x\x01y\x01z") == {"a": "1"}


def test_the_last_mention_of_a_property_wins():
    assert messages.split_properties("a\x011\x02a\x012") == {"a": "2"}


@VERSIONS
def test_the_ids_of_golden_messages_are_javas(version):
    for fact, message in golden_messages(version):
        assert message.offset_msg_id == fact["offsetMsgId"]
        assert message.msg_id == fact["uniqKey"] or fact["offsetMsgId"]


@VERSIONS
def test_the_tag_hashes_of_golden_messages_are_javas(version):
    for fact, message in golden_messages(version):
        assert messages.tags_code(message.properties) == (fact["tagsHash"] or 0)


@VERSIONS
def test_the_properties_of_golden_messages_are_javas(version):
    for fact, message in golden_messages(version):
        assert message.properties == fact["properties"]
        assert (message.tags, message.keys) == (fact["tags"], fact["keys"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("TagA", 2598919),
        ("hello", 99162322),
        ("polygenelubricants", -(2**31)),
        ("中文", 646394),
        ("😀", 1772899),
    ],
)
def test_a_hash_is_that_of_javas_string(text, value):
    assert messages.java_hash(text) == value


def test_an_offset_id_is_address_port_and_offset():
    id_v4 = messages.offset_msg_id(("127.0.0.1", 10911), 18)
    assert id_v4 == "7F000001" + "00002A9F" + "0000000000000012"
    id_v6 = messages.offset_msg_id(("::1", 10911), 18)
    assert id_v6 == "0" * 31 + "1" + "00002A9F" + "0000000000000012"


@given(
    some.tuples(some.ip_addresses(v=4).map(str), some.integers(0, 65_535)),
    some.integers(0, 2**63 - 1),
)
def test_an_offset_id_tells_host_and_offset_again(host, offset):
    text = messages.offset_msg_id(host, offset)
    address = ".".join(str(int(text[at : at + 2], 16)) for at in range(0, 8, 2))
    found = (address, int(text[8:16], 16)), int(text[16:], 16)
    assert found == (host, offset)


def test_a_messages_tag_and_keys_travel_among_its_properties():
    message = Message("T0", b"", "paid", "order-7 eu", properties={"a": "1"})
    assert message.all_properties() == {
        "a": "1",
        "KEYS": "order-7 eu",
        "TAGS": "paid",
        "WAIT": "true",
    }


def test_a_message_without_tag_or_keys_says_nothing_of_them():
    properties = Message("T0", b"", wait_store_ok=False).all_properties()
    assert properties == {"WAIT": "false"}


@pytest.mark.parametrize("topic", ["T0", "%RETRY%g", "a-b_c|d%e", "x" * 127])
def test_a_legal_topic_passes(topic):
    messages.check_topic(topic)


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "blank"),
        (" \t", "blank"),
        ("a b", "illegal characters"),
        ("a/b", "illegal characters"),
        ("..", "illegal characters"),
        ("../../etc", "illegal characters"),
        ("a\n", "illegal characters"),
        ("中文", "illegal characters"),
        ("x" * 128, "longer than topic max length"),
    ],
)
def test_an_illegal_topic_is_refused_with_rocketmqs_words(topic, why):
    with pytest.raises(Refused, match=why):
        messages.check_topic(topic)


def test_a_compressed_body_is_unpacked():
    packed = zlib.compress(b"coffee" * 100)
    assert messages.plain_body(packed, SysFlag.COMPRESSED) == b"coffee" * 100
    assert messages.plain_body(packed, 0) == packed


@pytest.mark.parametrize("body", [b"", b"no zlib", zlib.compress(b"cut" * 50)[:-9]])
def test_a_body_that_only_says_it_is_compressed_is_reported(body):
    with pytest.raises(CorruptRecord, match="compressed"):
        messages.plain_body(body, SysFlag.COMPRESSED)


def test_queues_sort_by_topic_then_broker_then_number():
    queues = [("b", "x", 0), ("a", "y", 1), ("a", "x", 10), ("a", "x", 9)]
    found = [str(queue) for queue in sorted(MessageQueue(*one) for one in queues)]
    assert found == ["a@x:9", "a@x:10", "a@y:1", "b@x:0"]
