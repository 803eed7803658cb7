"""The wire of a simulated lab: frames are overheard, and any bytes can be said."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom.raw import Reply, say
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.trace.draw import sequence
from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.frame import Flag, Frame

UNKNOWN = 4711
MAX_OFFSET = Frame(
    RequestCode.GET_MAX_OFFSET, {"topic": "orders", "queueId": "0"}, opaque=7
)


@pytest.fixture
def lab():
    with SimLab.up("1m", seed=7) as cluster:
        with cluster.admin() as admin:
            admin.create_topic("orders", queues=1)
        yield cluster


def test_the_bytes_of_a_send_and_its_answer_are_kept(lab):
    with lab.producer() as producer, lab.listen() as wire:
        sent = producer.send("orders", "one coffee")
    asked = Frame.from_bytes(wire.request("SEND_MESSAGE_V2")[4:])
    answered = Frame.from_bytes(wire.answer("SEND_MESSAGE_V2", "orders")[4:])
    assert (asked.body, asked.fields["b"]) == (b"one coffee", "orders")
    assert answered.fields["msgId"] == sent.offset_msg_id
    assert answered.opaque == asked.opaque
    sizes = [event["size"] for event in wire if event["kind"] == "frame"]
    assert [len(data) for _, data in wire.frames] == sizes


def test_frames_of_a_connection_that_was_there_before_are_heard_too(lab):
    with lab.producer() as producer:
        producer.send("orders", "unheard")
        with lab.listen() as wire:
            producer.send("orders", "heard")
    assert wire.request("SEND_MESSAGE_V2").endswith(b"heard")


def test_what_is_said_after_the_end_is_not_heard(lab):
    with lab.producer() as producer:
        with lab.listen() as wire:
            pass
        producer.send("orders", "one coffee")
    assert list(wire.frames) == []
    with pytest.raises(ClusterError, match="no answer to SEND_MESSAGE_V2 was"):
        wire.answer("SEND_MESSAGE_V2")


def test_a_request_is_found_by_its_topic(lab):
    with lab.producer() as producer, lab.listen() as wire:
        producer.send("orders", "one coffee")
        producer.send("teas", "one tea")
    assert wire.request("SEND_MESSAGE_V2", "teas").endswith(b"one tea")


def test_a_wire_is_shown_as_lines_and_as_a_diagram(lab):
    with lab.listen() as wire:
        lab.say("broker-a", MAX_OFFSET.to_bytes())
    heads, asked, answered = repr(wire).splitlines()
    assert heads.split() == ["ms", "from", "to", "frame", "bytes"]
    assert asked.split()[1:4] == ["lab", "broker-a", "GET_MAX_OFFSET"]
    assert answered.split()[1:4] == ["broker-a", "lab", "GET_MAX_OFFSET"]
    assert wire._repr_html_().count("<tr>") == 3
    assert "GET_MAX_OFFSET #7 SUCCESS" in sequence(wire).svg


def test_an_answer_silence_and_a_closed_connection_are_told_apart(lab):
    frame, oneway = MAX_OFFSET.to_bytes(), Frame(UNKNOWN, flag=Flag.ONEWAY).to_bytes()
    assert str(lab.say("broker-a", frame)) == "← SUCCESS #7 offset=0"
    assert str(lab.say("broker-a", oneway)) == "silence"
    assert str(lab.say("broker-a", b"\0\0\0\1")) == "the connection is closed"
    closed = Reply(Frame(0, opaque=7, flag=Flag.RESPONSE).to_bytes(), is_closed=True)
    assert str(closed) == "← SUCCESS #7; the connection is closed"


async def test_bytes_are_said_over_real_sockets_too():
    async def talk(reader, writer):
        writer.write(await reader.readexactly(4))
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()
        reply = await say(f"{host}:{port}", b"four", wait_s=30.0)
    assert reply == Reply(b"four", is_closed=True)
