"""What a producer sends, held against what Java's producers sent."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from rmqlab.client import outgoing
from rmqlab.protocol import batch
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import (
    UNIQ_KEY,
    Message,
    plain_body,
    split_properties,
)
from rmqlab.protocol.messaging import SendBatch, SendMessageV2, SendReplyMessageV2
from rmqlab.settings import ClientConfig
from tests.support import golden_frames, golden_index

CONFIG = ClientConfig()
KINDS = {one.CODE: one for one in (SendMessageV2, SendBatch, SendReplyMessageV2)}


def golden(code, word=""):
    """Return the names of requests that Java's 4.9.7 client sent to its own kind."""
    return [
        one["file"].removesuffix(".bin")
        for one in golden_index()
        if (one["client"], one["code"]) == ("java-4.9.7", code) and word in one["file"]
    ]


def came(name):
    """Return the header and the body of a golden request."""
    frame = Frame.from_bytes(golden_frames()[f"{name}.request"][4:])
    return KINDS[frame.code].parse(frame.fields), frame.body


def message_of(header, body, properties):
    """Return the message that a Java program must have sent."""
    own = split_properties(properties)
    waits = own.pop("WAIT", "true") == "true"
    words = own.pop("TAGS", None), own.pop("KEYS", None), header.flag, waits
    return Message(header.topic, body, *words, own)


def as_sent(sent, header):
    """Return the header that we would send to the queue, its properties as a dict."""
    ours = sent.header(
        header.producer_group, header.queue_id, header.born_timestamp, CONFIG
    )
    return replace(ours, properties=None), split_properties(ours.properties)


def same(ours, header):
    assert ours[0] == replace(header, properties=None)
    theirs = split_properties(header.properties)
    assert ours[1] == {"WAIT": "true"} | theirs


@pytest.mark.parametrize(
    "name",
    [
        *golden(310, "oneway"),
        *golden(310, "delay"),
        *golden(310, "transaction"),
        *golden(325),
    ],
)
def test_a_message_travels_as_java_sends_it(name):
    header, body = came(name)
    sent = outgoing.of_message(message_of(header, body, header.properties), 4096)
    same(as_sent(sent, header), header)
    assert (sent.kind, sent.body) == (type(header), body)


@pytest.mark.parametrize("name", golden(320))
def test_a_batch_travels_as_java_sends_it(name):
    header, body = came(name)
    parts = batch.decode(body)
    messages = [
        replace(message_of(header, part.body, part.properties.decode()), flag=part.flag)
        for part in parts
    ]
    sent = outgoing.of_batch(messages)
    same(as_sent(sent, header), header)
    ours = batch.decode(sent.body)
    assert list(map(comparable, ours)) == list(map(comparable, parts))
    assert len(sent.body) == len(body)
    assert sent.msg_id == ",".join(one.properties[UNIQ_KEY] for one in messages)


def comparable(part):
    """Return a part whose properties are in no order, as Java's are."""
    return part.body, part.flag, split_properties(part.properties.decode())


@pytest.mark.parametrize("name", golden(310, "compressed"))
def test_a_large_body_travels_compressed_as_java_sends_it(name):
    header, body = came(name)
    plain = zlib.decompress(body)
    sent = outgoing.of_message(message_of(header, plain, header.properties), 4096)
    same(as_sent(sent, header), header)
    assert len(sent.body) < len(plain)
    assert plain_body(sent.body, sent.sys_flag) == plain


@pytest.mark.parametrize(("size", "flag"), [(99, 0), (100, SysFlag.COMPRESSED)])
def test_a_body_is_compressed_from_a_size_on(size, flag):
    message = Message("orders", bytes(size), properties={UNIQ_KEY: "1"})
    sent = outgoing.of_message(message, 100)
    assert sent.sys_flag & SysFlag.COMPRESSED == flag
    assert (sent.body == message.body) == (flag == 0)
