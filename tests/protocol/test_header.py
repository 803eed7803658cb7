"""Typed headers: what they read from a frame's fields and write into them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rmqlab.errors import Refused
from rmqlab.names import camel_case
from rmqlab.protocol import admin, messaging, routing
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header, header, request, wire
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    PullMessage,
    PullReply,
    SendMessage,
    SendMessageV2,
    SendReply,
    UnregisterClient,
)
from rmqlab.protocol.routing import RegisterBroker
from tests.support import golden_frames, golden_index

REQUESTS = {
    kind.CODE: kind
    for module in (messaging, routing, admin)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Header) and hasattr(kind, "CODE")
}
KNOWN = sorted({one["code"] for one in golden_index()} & REQUESTS.keys())


def asked_with(code):
    """Yield each golden request with this code and who made it."""
    for pair in golden_index():
        if pair["code"] == code:
            name = pair["file"].removesuffix(".bin")
            yield pair, Frame.from_bytes(golden_frames()[f"{name}.request"][4:])


@pytest.mark.parametrize("code", KNOWN, ids=lambda code: RequestCode(code).name)
def test_every_golden_request_spells_its_header(code):
    for pair, frame in asked_with(code):
        parsed = REQUESTS[code].parse(frame.fields)
        assert REQUESTS[code].parse(parsed.to_wire()) == parsed, pair["file"]


@pytest.mark.parametrize("code", KNOWN, ids=lambda code: RequestCode(code).name)
def test_what_a_header_writes_is_what_java_wrote(code):
    java = [one for one in asked_with(code) if not one[0]["client"].startswith("cpp")]
    for pair, frame in java:  # C++ writes 0 and 1 for booleans
        written = REQUESTS[code].parse(frame.fields).to_wire()
        came = frame.fields or {}
        assert {k: came[k] for k in written if k in came} == {
            k: v for k, v in written.items() if k in came
        }, pair["file"]


@pytest.mark.parametrize("code", KNOWN, ids=lambda code: RequestCode(code).name)
def test_a_golden_request_without_a_required_field_is_refused_by_its_name(code):
    kind = REQUESTS[code]
    complete = next(frame.fields or {} for _, frame in asked_with(code))
    for field in kind.FIELDS:
        if field.required:
            left = {k: v for k, v in complete.items() if k != field.wire}
            with pytest.raises(Refused, match=field.wire) as refused:
                kind.parse(left)
            assert refused.value.code == ResponseCode.SYSTEM_ERROR
            assert refused.value.remark == (
                f"{kind.__name__}: required field {field.wire} is missing"
            )


def test_there_is_one_header_for_each_request_code():
    declared = [
        kind.CODE
        for module in (messaging, routing, admin)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Header)
        and "CODE" in vars(kind)
        and kind.__module__ == module.__name__
    ]
    assert len(declared) == len(set(declared))


def test_an_attribute_travels_in_javas_spelling():
    assert GetMaxOffset("T0", 3).to_wire() == {"topic": "T0", "queueId": "3"}


def test_a_field_that_rocketmq_spells_otherwise_travels_so():
    assert UnregisterClient("c1").to_wire() == {"clientID": "c1"}


def test_the_short_send_header_is_the_long_one_with_letters():
    said = ("group", "T0", "TBW102", 4, 2, 0, 17, 0, "a\x01b")
    short, long = SendMessageV2(*said), SendMessage(*said)
    assert "".join(short.to_wire()) == "abcdefghi"
    assert list(short.to_wire().values()) == list(long.to_wire().values())
    names = [one.name for one in fields(SendMessage)]
    assert [one.name for one in fields(SendMessageV2)] == names


def test_booleans_are_words_and_none_does_not_travel():
    header = RegisterBroker("b", "h:1", "c", "h:2", 0, compressed=True)
    assert header.to_wire()["compressed"] == "true"
    assert SendReply("id", 0, 1).to_wire().keys() == {"msgId", "queueId", "queueOffset"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("TRUE", True), ("false", False), ("1", False), ("", False)],
)
def test_a_boolean_is_true_only_where_it_says_so_as_in_java(text, value):
    fields = RegisterBroker("b", "h:1", "c", "h:2", 0).to_wire()
    assert RegisterBroker.parse(fields | {"compressed": text}).compressed is value


@pytest.mark.parametrize(
    "text", ["", "three", "3.5", "0x10", "1e3", "none", "9" * 5000]
)
def test_a_number_that_is_none_is_refused_with_field_and_value(text):
    with pytest.raises(Refused) as refused:
        GetMaxOffset.parse({"topic": "T0", "queueId": text})
    assert refused.value.code == ResponseCode.SYSTEM_ERROR
    wanted = f"GetMaxOffset: field queueId={text!r} does not parse"
    assert refused.value.remark == wanted


def test_a_field_that_nobody_knows_is_ignored():
    fields = GetMaxOffset("T0", 3).to_wire() | {"bname": "broker-a", "ns": "x"}
    assert GetMaxOffset.parse(fields) == GetMaxOffset("T0", 3)


def test_no_fields_at_all_lack_the_first_required_one():
    with pytest.raises(Refused, match="required field topic is missing"):
        GetMaxOffset.parse(None)


def test_what_may_be_absent_has_its_default():
    fields = PullMessage("g", "T0", 0, 5, 32, 2, 0, 15_000, 1).to_wire()
    parsed = PullMessage.parse(fields)
    assert (parsed.subscription, parsed.expression_type) == (None, None)


@pytest.mark.parametrize("value", [0, -1, 2**31 - 1, -(2**63), 2**63 - 1])
def test_numbers_of_any_size_come_back(value):
    reply = PullReply(0, value, 0, value)
    assert PullReply.parse(reply.to_wire()) == reply


def test_a_header_is_declared_by_its_attributes_alone():
    @header
    class Weather(Header):
        """Says how it is."""

        cloud_cover: int
        town_name: str = wire("TOWN")
        is_raining: bool = False

    assert Weather(3, "Ulm").to_wire() == {
        "cloudCover": "3",
        "TOWN": "Ulm",
        "isRaining": "false",
    }
    assert Weather.parse({"cloudCover": "3", "TOWN": "Ulm"}) == Weather(3, "Ulm")


def test_a_request_knows_its_code_and_an_answer_has_none():
    assert GetMaxOffset.CODE is RequestCode.GET_MAX_OFFSET
    assert not hasattr(PullReply, "CODE")


def test_a_declaration_with_too_few_wire_names_fails_at_once():
    with pytest.raises(ValueError, match="shorter"):

        @request(RequestCode.GET_MAX_OFFSET, wire_names="a")
        class Two(Header):
            """Has two fields."""

            topic: str
            queue_id: int


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("topic", "topic"),
        ("queue_id", "queueId"),
        ("suspend_timeout_millis", "suspendTimeoutMillis"),
        ("body_crc32", "bodyCrc32"),
    ],
)
def test_words_are_joined_as_java_joins_them(name, spelt):
    assert camel_case(name) == spelt
