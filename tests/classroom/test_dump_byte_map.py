"""Byte maps: every field of everything that a store or a replication link has."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rmqlab.classroom.dump import byte_map
from rmqlab.classroom.dump.layouts import LAYOUTS, fields
from rmqlab.errors import StoreError
from rmqlab.ha.session import PIECE, REPORT, Piece
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.frame import Flag, Frame, HeaderFormat
from rmqlab.protocol.record import BLANK_MAGIC, SIZE_AND_MAGIC, decode, encode
from rmqlab.store.checkpoint import TIMES
from rmqlab.store.index_file import ENTRY, HEADER, SLOT
from rmqlab.store.layout import QUEUE_ENTRY
from tests.ha.streams import STREAMS, Stream
from tests.protocol.test_record import COFFEE, golden_records, records
from tests.support import golden_archive, golden_frames

BOTH_V6 = int(SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6)
OVER_V6 = replace(
    COFFEE, sys_flag=BOTH_V6, born_host=("::1", 50_001), store_host=("fe80::7", 10_911)
)
SEND = Frame(310, {"b": "té", "e": "0"}, b"one coffee", opaque=7)
WHOLE = {
    "record": encode(COFFEE),
    "frame": SEND.to_bytes(),
    "blank": SIZE_AND_MAGIC.pack(100, BLANK_MAGIC) + bytes(92),
    "queue entry": QUEUE_ENTRY.pack(4096, 120, 2598919),
    "index header": HEADER.pack(1_700_000_000_000, 1_700_000_000_001, 7, 9, 1, 2),
    "index slot": SLOT.pack(3),
    "index entry": ENTRY.pack(1234, 4096, 5, 2),
    "checkpoint": TIMES.pack(1_700_000_000_000, 1_700_000_000_001, 0) + bytes(4072),
    "ha report": REPORT.pack(4096),
    "ha piece": Piece(4096, b"log bytes").to_bytes(),
}
EACH = pytest.mark.parametrize("kind", LAYOUTS)
VERSIONS = pytest.mark.parametrize("version", ["4.4.0", "4.9.7"])


def joined(kind, data):
    return b"".join(one.data for one in fields(kind, data))


def values(kind, data):
    return {one.name: one.value for one in fields(kind, data)}


def check_record(data):
    """Compare a record's map with what the decoder reads from it."""
    record, found = decode(data), values("record", data)
    meant = {one.name: one.meaning for one in fields("record", data)}
    assert joined("record", data) == data
    assert "rest" not in found
    assert meant["magic"] == "a message"
    assert meant["body crc"] == "is the body's"
    assert (
        record.size,
        record.queue_id,
        record.flag,
        record.queue_offset,
        record.physical_offset,
        record.sys_flag,
        record.born_timestamp,
        record.born_host,
        record.store_timestamp,
        record.store_host,
        record.reconsume_times,
        record.prepared_offset,
        record.body,
        record.topic,
        record.properties,
    ) == (
        found["size"],
        found["queue id"],
        found["flag"],
        found["queue offset"],
        found["physical offset"],
        found["sys flag"],
        found["born timestamp"],
        (meant["born host address"], found["born host port"]),
        found["store timestamp"],
        (meant["store host address"], found["store host port"]),
        found["reconsume times"],
        found["prepared offset"],
        found["body"],
        found["topic"].decode(),
        found["properties"],
    )


@VERSIONS
def test_the_fields_of_every_golden_record_are_all_of_its_bytes(version):
    for fact, file, at in golden_records(f"{version}-clean"):
        check_record(file[at : at + fact[4]])


def test_a_record_with_ipv6_hosts_is_mapped_whole():
    check_record(encode(OVER_V6))


@given(records())
def test_any_record_is_mapped_as_it_is_decoded(record):
    check_record(encode(record))


@EACH
def test_the_fields_of_every_kind_are_all_of_its_bytes(kind):
    assert joined(kind, WHOLE[kind]) == WHOLE[kind]
    assert "rest" not in values(kind, WHOLE[kind])


@EACH
def test_bytes_cut_anywhere_are_still_all_in_the_map(kind):
    data = WHOLE[kind][:200]
    for cut in range(len(data)):
        assert joined(kind, data[:cut]) == data[:cut]
        assert str(byte_map(kind, data[:cut]))


@EACH
def test_what_is_too_much_is_the_last_field(kind):
    *_, last = fields(kind, WHOLE[kind] + b"more")
    assert last.data.endswith(b"more")


def test_a_length_that_cannot_be_takes_nothing_or_what_is_there():
    data = bytearray(encode(COFFEE))
    for wrong in (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"):
        data[84:88] = wrong  # of the body
        assert joined("record", bytes(data)) == bytes(data)


@pytest.mark.parametrize("name", STREAMS)
def test_the_pieces_of_a_golden_replication_stream_are_mapped(name):
    stream = Stream(name)
    for one in stream.transfers[:50]:
        at = one["streamPosition"]
        data = stream.to_slave[at : at + PIECE.size + one["size"]]
        found = values("ha piece", data)
        assert joined("ha piece", data) == data
        assert found["physical offset"] == one["physicalOffset"]
        assert len(found["log"]) == found["size"] == one["size"]
    for at, offset in enumerate(stream.reports):
        data = stream.to_master[at * REPORT.size : (at + 1) * REPORT.size]
        assert values("ha report", data) == {"max offset": offset}


def test_a_golden_queue_entry_is_mapped():
    path = "store-4.9.7-clean/consumequeue/GoldOne/0/" + "0" * 20
    data = golden_archive("stores")[path][: QUEUE_ENTRY.size]
    offset, size, code = QUEUE_ENTRY.unpack(data)
    assert values("queue entry", data) == {
        "physical offset": offset,
        "size": size,
        "tags code": code,
    }


def test_a_kind_that_has_no_map_is_told_together_with_those_that_have():
    with pytest.raises(StoreError, match=r"no byte map of 'soup': there are record, "):
        byte_map("soup", b"")


def test_a_maps_text_is_the_same_for_the_same_bytes():
    shown = byte_map("queue entry", WHOLE["queue entry"])
    assert repr(shown) == "byte map: queue entry, 3 fields"
    assert str(shown) == (
        "byte  bytes                    field            value    meaning\n"
        "0     00 00 00 00 00 00 10 00  physical offset  4096     "
        "where in the log the record starts\n"
        "8     00 00 00 78              size             120      of the record\n"
        "12    00 00 00 00 00 27 a8 07  tags code        2598919  "
        "hash of the tag, 0 without; of a delayed message: when it is due"
    )


def test_a_wrong_crc_or_magic_is_said():
    data = bytearray(encode(COFFEE))
    data[4] = data[8] = 0
    meant = {one.name: one.meaning for one in fields("record", bytes(data))}
    assert meant["magic"].startswith("neither message nor blank")
    assert meant["body crc"].startswith("is not the body's")


class Cells(HTMLParser):
    """Collects what is in the cells of a table, and which tags are open."""

    def __init__(self):
        super().__init__()
        self.texts, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "td":
            self.texts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open:
            self.texts[-1] += data


@EACH
def test_a_notebook_gets_every_field_and_value_as_a_table(kind):
    shown = byte_map(kind, WHOLE[kind])
    cells = Cells()
    cells.feed(shown._repr_html_())
    assert cells.open == []
    assert cells.texts[2::5] == [one.name for one in shown.fields]


def test_html_of_a_message_cannot_leave_its_cell():
    data = encode(replace(COFFEE, body=b"<script>alert(1)</script>"))
    assert "<script" not in byte_map("record", data)._repr_html_()


def test_a_large_body_makes_no_large_map():
    shown = byte_map("record", encode(replace(COFFEE, body=bytes(4 << 20))))
    assert len(shown._repr_html_()) < 20_000
    assert len(str(shown)) < 5_000


def test_a_terminal_gets_the_same_table_in_colours():
    shown = byte_map("record", encode(COFFEE))
    console = Console(width=200, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        console.print(shown)
    for one in shown.fields:
        assert one.name in capture.get()
    assert "\x1b[38;2;17;17;17;48;2;" in capture.get()


# Frames


def as_it_travels(frame, format_):
    """Return a frame's bytes with the other header."""
    return replace(frame, format=format_).to_bytes()


FORMATS = pytest.mark.parametrize("format_", HeaderFormat)


def test_the_fields_of_every_golden_frame_are_all_of_its_bytes():
    for name, data in golden_frames().items():
        found, frame = values("frame", data), Frame.from_bytes(data[4:])
        assert joined("frame", data) == data, name
        assert {"header", "header's rest", "rest"}.isdisjoint(found), name
        own = {key for key in found if key.startswith("ext ") and key != "ext length"}
        assert own == {f"ext {key}" for key in frame.fields or ()}, name
        assert found.get("body", b"") == frame.body, name


@FORMATS
def test_a_frames_fields_say_what_they_are(format_):
    shown = fields("frame", as_it_travels(SEND, format_))
    meant = {one.name: one.meaning for one in shown}
    assert meant["type"] == f"a {format_.name} header"
    assert meant["code"] == "SEND_MESSAGE_V2"
    assert meant["flag"] == "a request"
    assert (meant["ext b"], meant["ext e"]) == ("topic", "queueId")
    header = sum(len(one.data) for one in shown[3:-1])
    assert f" {header} " in str(byte_map("frame", as_it_travels(SEND, format_)))


@FORMATS
def test_what_a_code_means_depends_on_the_flag(format_):
    answer = as_it_travels(Frame(17, remark="no", flag=Flag.RESPONSE), format_)
    meant = {one.name: one.meaning for one in fields("frame", answer)}
    assert (meant["code"], meant["flag"]) == ("TOPIC_NOT_EXIST", "bit 0: an answer")
    oneway = as_it_travels(Frame(17, flag=Flag.ONEWAY), format_)
    meant = {one.name: one.meaning for one in fields("frame", oneway)}
    assert meant["code"] == "UPDATE_AND_CREATE_TOPIC"
    assert meant["flag"] == "bit 1: a request that wants no answer"


def test_a_frame_whose_length_lies_says_so():
    data = SEND.to_bytes()
    assert fields("frame", data)[0].meaning == "bytes follow it"
    assert (
        fields("frame", data[:-1])[0].meaning == f"but {len(data) - 5} bytes follow it"
    )


def test_a_header_that_is_none_is_one_field_that_says_why():
    data = bytearray(SEND.to_bytes())
    data[8] = ord("[")
    [header] = [one for one in fields("frame", bytes(data)) if one.name == "header"]
    assert header.meaning.startswith("no JSON header")


@given(
    st.binary(max_size=60)
    | st.text(max_size=20).map(lambda text: f'{{"code":1,{text}}}'.encode())
    | st.sampled_from(["utf-16", "utf-32-be"]).map('{"code":1}'.encode),
    st.integers(0, 2),
)
def test_any_header_is_mapped_whole(header, format_):
    data = bytes([0, 0, 0, 9, format_, 0, 0, len(header)]) + header + b"more"
    assert joined("frame", data) == data


@FORMATS
@given(st.integers(8, 80), st.integers(0, 255))
def test_a_frame_with_one_wrong_byte_is_mapped_whole(format_, at, byte):
    data = bytearray(as_it_travels(SEND, format_))
    data[at % len(data)] = byte
    assert joined("frame", bytes(data)) == bytes(data)
