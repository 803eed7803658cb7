"""Frames against the bytes of Java, Go, C++ and JavaScript, and against garbage."""

from __future__ import annotations

import hashlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.errors import WireError
from rmqlab.protocol.codes import Language, RequestCode, ResponseCode
from rmqlab.protocol.frame import (
    MAX_FRAME_BYTES,
    MAX_HEADER_BYTES,
    Flag,
    Frame,
    HeaderFormat,
)
from rmqlab.protocol.stream import FrameDecoder
from tests.support import golden_frames, golden_headers, golden_index

NOT_JAVA = ("cpp-0.4.4", "go-v2", "js-ali-ons-3.12.0")
CLIENTS = sorted({pair["client"] for pair in golden_index()})
BOTH_FORMATS = pytest.mark.parametrize("form", HeaderFormat)

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
frames = some.builds(
    Frame,
    code=some.integers(0, 2**15 - 1),
    fields=some.none() | some.dictionaries(texts, texts, min_size=1, max_size=5),
    body=some.binary(max_size=50),
    remark=some.none() | texts.filter(bool),
    opaque=some.integers(-(2**31), 2**31 - 1),
    flag=some.integers(0, 3),
    language=some.sampled_from(Language).map(lambda one: one.name),
    version=some.integers(0, 2**15 - 1),
    format=some.sampled_from(HeaderFormat),
)


def frames_of(client):
    """Return the golden frames of what one client said and was answered."""
    stems = {one["file"].removesuffix(".bin") for one in golden_index()
             if one["client"] == client}  # fmt: skip
    return {
        name: data
        for name, data in golden_frames().items()
        if name.rpartition(".")[0] in stems
    }


def is_javas(name, client):
    return client not in NOT_JAVA or name.endswith(".response")


def framed(header: bytes, body: bytes = b"", kind: int = 0) -> bytes:
    """Return a frame with this header, whatever it is."""
    length = 4 + len(header) + len(body)
    return struct.pack(">iI", length, kind << 24 | len(header)) + header + body


def decoded(*pieces: bytes) -> list[Frame]:
    """Return the frames that a decoder gives which is fed these pieces."""
    decoder = FrameDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)]


def test_the_golden_frames_are_all_there():
    assert len(golden_frames()) == 1231
    assert golden_frames().keys() == golden_headers().keys()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_java_frame_read_and_written_again_is_the_same_bytes(client):
    java = {k: v for k, v in frames_of(client).items() if is_javas(k, client)}
    written = {k: Frame.from_bytes(v[4:]).to_bytes() for k, v in java.items()}
    assert java
    assert written == java


@pytest.mark.parametrize("client", CLIENTS)
def test_a_golden_frame_says_what_the_real_decoder_sees_in_it(client):
    for name, data in frames_of(client).items():
        frame, header = Frame.from_bytes(data[4:]), dict(golden_headers()[name])
        seen = {
            "code": frame.code,
            "language": frame.language,
            "version": frame.version,
            "opaque": frame.opaque,
            "flag": frame.flag,
            "remark": frame.remark,
            "serializeType": frame.format.name,
            "fields": frame.fields,
            "bodyLength": len(frame.body),
            "bodySha256": hashlib.sha256(frame.body).hexdigest(),
        }
        del header["headerLength"]
        assert seen == header, name


@pytest.mark.parametrize("client", NOT_JAVA)
def test_a_frame_of_another_language_written_again_means_the_same(client):
    read = [Frame.from_bytes(data[4:]) for data in frames_of(client).values()]
    assert [Frame.from_bytes(one.to_bytes()[4:]) for one in read] == read


def test_the_golden_stream_gives_the_same_frames_however_it_is_cut():
    data = b"".join(golden_frames().values())
    at_once = decoded(data)
    for size in (1, 7, 1024, 65_536):
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        assert decoded(*pieces) == at_once
    assert len(at_once) == len(golden_frames())


@given(some.lists(frames, max_size=4), some.data())
def test_a_stream_cut_at_any_place_gives_the_same_frames(sent, data):
    stream = b"".join(frame.to_bytes() for frame in sent)
    cut = data.draw(some.integers(0, len(stream)))
    assert decoded(stream[:cut], stream[cut:]) == sent


def test_frames_that_are_whole_come_at_once_and_the_rest_later():
    decoder = FrameDecoder()
    first, second = Frame(10, body=b"1"), Frame(11, body=b"2")
    stream = first.to_bytes() + second.to_bytes()
    assert list(decoder.feed(stream[:-1])) == [first]
    assert list(decoder.feed(stream[-1:])) == [second]


@given(frames)
def test_any_frame_written_and_read_is_the_same(frame):
    assert Frame.from_bytes(frame.to_bytes()[4:]) == frame


@BOTH_FORMATS
def test_an_answer_repeats_number_and_format_of_its_request(form):
    asked = Frame(RequestCode.PULL_MESSAGE, opaque=77, format=form)
    answer = asked.answer(ResponseCode.SYSTEM_ERROR, {"a": "b"}, b"body", "why")
    assert answer.opaque == 77
    assert answer.format is form
    assert answer.flag == Flag.RESPONSE
    assert (answer.code, answer.fields) == (ResponseCode.SYSTEM_ERROR, {"a": "b"})
    assert (answer.body, answer.remark) == (b"body", "why")


@pytest.mark.parametrize(
    ("flag", "is_response", "is_oneway"),
    [(0, False, False), (1, True, False), (2, False, True), (3, True, True)],
)
def test_two_bits_tell_requests_from_answers(flag, is_response, is_oneway):
    frame = Frame(10, flag=flag)
    assert (frame.is_response, frame.is_oneway) == (is_response, is_oneway)


@pytest.mark.parametrize(
    "length", [-(2**31), -1, 0, 3, MAX_FRAME_BYTES + 1, 2**31 - 1, 0x47455420]
)
def test_an_impossible_length_is_refused_before_anything_is_kept(length):
    with pytest.raises(
        WireError, match=f"frame length {length}, allowed 4 to {MAX_FRAME_BYTES}"
    ):
        decoded(length.to_bytes(4, signed=True))


def test_frames_before_an_impossible_length_are_still_given():
    stream = FrameDecoder().feed(Frame(10).to_bytes() + b"\xff\xff\xff\xff")
    assert next(stream) == Frame(10)
    with pytest.raises(WireError, match="frame length -1"):
        next(stream)


def test_the_longest_frame_passes_and_a_longer_one_is_refused_by_its_sender():
    small = len(Frame(10).to_bytes()) - 4
    longest = Frame(10, body=bytes(MAX_FRAME_BYTES - small))
    assert decoded(longest.to_bytes()) == [longest]
    longer = Frame(10, body=bytes(MAX_FRAME_BYTES - small + 1))
    limit = f"frame length {MAX_FRAME_BYTES + 1}, allowed 4 to {MAX_FRAME_BYTES}"
    with pytest.raises(WireError, match=limit):
        longer.to_bytes()


def test_a_header_too_long_for_any_reader_is_refused_before_it_has_come():
    prefix = struct.pack(">iI", MAX_FRAME_BYTES, MAX_HEADER_BYTES + 1)
    limit = f"header length {MAX_HEADER_BYTES + 1}, allowed 0 to {MAX_HEADER_BYTES}"
    with pytest.raises(WireError, match=limit):
        decoded(prefix)
    assert decoded(struct.pack(">iI", MAX_FRAME_BYTES, MAX_HEADER_BYTES)) == []


@pytest.mark.parametrize("size", range(1, 9))
def test_what_cannot_be_a_frame_is_refused_after_eight_bytes(size):
    data = struct.pack(">iI", 1000, 9 << 24)
    with pytest.raises(WireError, match="header type 9"):
        decoded(*(data[at : at + size] for at in range(0, 8, size)))


def test_a_header_longer_than_its_frame_is_refused():
    data = struct.pack(">iI", 10, 7) + b"123456"
    with pytest.raises(WireError, match="header length 7 in a frame of 10"):
        decoded(data)


@pytest.mark.parametrize("kind", [2, 3, 127, 255])
def test_an_unknown_header_type_is_refused(kind):
    with pytest.raises(WireError, match=rf"header type {kind}, known are 0 .* and 1"):
        decoded(framed(b"{}", kind=kind))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b'{"code":null}',
        b'{"code":"ten"}',
        b'{"code":1e999}',
        b'{"code":10,"opaque":-1e999}',
        b'{"code":10,"opaque":NaN}',
        b'{"code":10,"extFields":[1]}',
        b'{"code":10,"extFields":"text"}',
        b'{"code":10,"version":{}}',
        b'{"code":' + b"9" * 5000 + b"}",
        b'{"code":10,"remark":"\xff\xfe"}',
        rb'{"code":10,"remark":"half a pair: \ud83d"}',
        rb'{"code":10,"extFields":{"topic":"\uDE00"}}',
        b'{"code":' + b"[" * 100_000,
    ],
    ids=lambda header: repr(header[:30]),
)
def test_a_json_header_that_is_none_is_refused_and_shown(header):
    with pytest.raises(WireError, match="no JSON header: ") as refused:
        decoded(framed(header))
    assert repr(header[:80]) in str(refused.value)


def test_absent_parts_of_a_json_header_have_javas_defaults():
    (frame,) = decoded(framed(b'{"code":10}'))
    assert frame == Frame(10, language="JAVA", version=0)


def test_numbers_and_booleans_among_the_fields_become_text_as_in_java():
    fields = b'{"a":1,"b":true,"c":null,"d":"text","e":false}'
    (frame,) = decoded(framed(b'{"code":10,"extFields":' + fields + b"}"))
    assert frame.fields == {"a": "1", "b": "true", "d": "text", "e": "false"}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        bytes(12),
        struct.pack(">hBhiii", 10, 0, 0, 0, 0, -1),
        struct.pack(">hBhiii", 10, 0, 0, 0, 0, 1),
        struct.pack(">hBhiiii", 10, 0, 0, 0, 0, 0, 99),
        struct.pack(">hBhiiiih", 10, 0, 0, 0, 0, 0, 2, 7),
        struct.pack(">hBhiiiihi", 10, 0, 0, 0, 0, 0, 6, 0, 2**31 - 1),
        struct.pack(">hBhiiii", 10, 0, 0, 0, 0, 1, 0)[:-4] + b"\xff" + bytes(4),
    ],
)
def test_a_binary_header_that_is_none_is_refused(header):
    with pytest.raises(WireError):
        decoded(framed(header, kind=1))


def test_a_language_without_a_name_is_no_reason_to_refuse_a_frame():
    header = struct.pack(">hBhiiii", 10, 99, 0, 0, 0, 0, 0)
    (frame,) = decoded(framed(header, kind=1))
    assert frame.language is None


@given(some.binary(max_size=60))
def test_random_bytes_are_frames_or_refused(data):
    try:
        found = decoded(data)
    except WireError:
        return
    assert all(isinstance(frame, Frame) for frame in found)


@pytest.mark.parametrize(
    "name",
    [
        "114-java-4.9.7-011-PULL_MESSAGE-s2.request",
        "214-java-4.9.7-binary-011-PULL_MESSAGE-s2.request",
    ],
)
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_frame_flipped_at_any_place_is_another_frame_or_refused(name, mask):
    golden = golden_frames()[name]
    refused = 0
    for at in range(4, len(golden)):
        data = bytearray(golden)
        data[at] ^= mask
        try:
            assert len(decoded(bytes(data))) == 1
        except WireError:
            refused += 1
    assert 0 < refused < len(golden)


def test_a_frame_prints_itself_as_one_line():
    asked = Frame(RequestCode.SEND_MESSAGE_V2, {"topic": "T0"}, bytes(128), opaque=7)
    assert str(asked) == "→ SEND_MESSAGE_V2 #7 topic=T0 body=128B"
    assert str(asked.answer()) == "← SUCCESS #7"
    assert str(Frame(9999, remark="what?")) == "→ 9999 #0 'what?'"


def test_a_json_header_has_its_members_in_the_order_in_which_java_writes_them():
    frame = Frame(10, {"z": "1", "a": "2"}, remark="why", language="JAVA", version=407)
    header = frame.to_bytes()[8:].decode()
    assert list(json.loads(header)) == [
        "code",
        "extFields",
        "flag",
        "language",
        "opaque",
        "remark",
        "serializeTypeCurrentRPC",
        "version",
    ]
