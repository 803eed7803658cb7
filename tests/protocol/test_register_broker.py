"""A broker's topics as it tells them: JSON, or a zlib stream of lines."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.errors import WireError
from rmqlab.protocol import bodies, registration
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable
from rmqlab.protocol.frame import Frame
from tests.support import golden_frames

TOPICS = (TopicConfig("orders", 4, 8, 7), TopicConfig("%RETRY%g", 1, 1))
TABLE = TopicTable(DataVersion(3, 17), {one.topic_name: one for one in TOPICS})


def packed(*texts, count=1):
    """Return a compressed body of any texts, the second number of topics in front."""
    first, *rest = (struct.pack(">i", len(one)) + one for one in texts)
    return zlib.compress(first + struct.pack(">i", count) + b"".join(rest))


VERSION = b'{"counter":3,"timestamp":17}'


@pytest.mark.parametrize("compressed", [True, False])
def test_topics_come_back_as_they_were_told(compressed):
    body = registration.encode(TABLE, compressed=compressed)
    assert registration.decode(body, compressed=compressed) == TABLE


def test_a_compressed_body_is_laid_out_as_java_lays_it_out():
    one = TopicTable(DataVersion(3, 17), {"orders": TOPICS[0]})
    data = zlib.decompress(registration.encode(one, compressed=True))
    line = b"orders 4 8 7 SINGLE_TAG"
    assert data == (
        struct.pack(">i", len(VERSION))
        + VERSION
        + struct.pack(">ii", 1, len(line))
        + line
        + struct.pack(">i", 2)
        + b"[]"
    )


def test_a_compressed_body_loses_flags_and_order_as_in_rocketmq():
    topic = TopicConfig("orders", topic_sys_flag=3, order=True)
    body = registration.encode(TopicTable(topics={"orders": topic}), compressed=True)
    (read,) = registration.decode(body, compressed=True).topics.values()
    assert (read.topic_sys_flag, read.order) == (0, False)


def test_every_golden_registration_is_read_and_its_checksum_holds():
    frames = [
        Frame.from_bytes(data[4:])
        for name, data in golden_frames().items()
        if "-103-" in name and name.endswith(".request")
    ]
    assert len(frames) > 10
    for frame in frames:
        table = registration.decode(frame.body)
        assert table.topics
        crc = int(frame.fields.get("bodyCrc32", 0))
        assert crc in (0, registration.checksum(frame.body))


def test_a_broker_older_than_3_0_11_tells_the_bare_table():
    body = bodies.encode(TABLE.to_json())
    assert registration.decode(body, bare=True) == TABLE


@pytest.mark.parametrize("compressed", [True, False])
def test_no_body_tells_of_no_topics(compressed):
    assert registration.decode(b"", compressed=compressed) == TopicTable()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"no zlib", "no compressed registration"),
        (packed(VERSION, b"orders 4 8 7")[:-6], "cut off"),
        (packed(VERSION, b"orders 4 8 7"), "no topic of a registration"),
        (packed(VERSION, b"orders 4 8 x SINGLE_TAG"), "no topic of a registration"),
        (packed(VERSION, b"\xff"), "no compressed registration"),
        (packed(VERSION, count=1), "no compressed registration"),
        (packed(b'{"counter":"x"}', count=0), "counter is 'x'"),
        (zlib.compress(struct.pack(">i", -1)), "length -1 at byte 0"),
        (zlib.compress(struct.pack(">i", 9)), "length 9 at byte 0 of 4"),
    ],
)
def test_a_body_that_tells_of_no_topics_is_refused(body, why):
    with pytest.raises(WireError, match=why):
        registration.decode(body, compressed=True)


def test_a_small_body_that_inflates_to_a_huge_one_takes_no_memory():
    bomb = zlib.compress(bytes(registration.LARGEST_BYTES + 1))
    assert len(bomb) < 20_000
    with pytest.raises(WireError, match="larger than 16777216 bytes"):
        registration.decode(bomb, compressed=True)


@given(st.binary(max_size=200))
def test_any_inflated_body_is_topics_or_refused(data):
    with contextlib.suppress(WireError):
        registration.decode(zlib.compress(data), compressed=True)
