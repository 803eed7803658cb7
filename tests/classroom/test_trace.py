"""A tap makes events of what it is told; they are written, read and kept."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.classroom.trace import BadTrace, header
from rmqlab.classroom.trace.quiet import Murmur
from rmqlab.classroom.trace.reader import Trace, events
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.classroom.trace.tap import Tap
from rmqlab.classroom.trace.wire import MAX_PENDING
from rmqlab.classroom.trace.writer import Writer, to_text
from rmqlab.ha.session import REPORT, Piece
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Flag, Frame

MASTER = {
    "name": "broker-a",
    "host": "host1",
    "role": "SYNC_MASTER",
    "address": "10.0.0.1:10911",
    "store": "/store",
    "commit_log": "/store/commitlog",
}
NODES = [{"name": "namesrv1", "host": "host1", "address": "10.0.0.1:9876"}, MASTER]
LOG = "/store/commitlog/00000000000000001024"
GOLDEN = """\
{"at":0.000000,"kind":"trace","schema":"rmqlab.trace","version":1,"runtime":"sim",\
"topology":"1m","seed":7,"scenario":null,"nodes":[{"name":"broker-a"}]}
{"at":1.500000,"kind":"node","node":"broker-a","state":"usable","why":""}
{"at":2.000001,"kind":"told","client":"lab","outcome":"SEND_OK","took_s":0.001}
"""
SEND = {"a": "shop", "b": "orders", "e": "2"}
SENT = {"msgId": "x", "queueId": "2", "queueOffset": "26"}


class Heard:
    """A tap, and what it made of what it was told."""

    def __init__(self) -> None:
        self.events = []
        self.tap = Tap(NODES)
        self.tap.add(self.events.append)

    def tell(self, kind, at_s=1.0, **facts):
        self.tap(at_s, kind, facts)

    def connect(self, number=1, node="lab", port=10911):
        self.tell("connected", connection=number, node=node, peer="broker-a", port=port)
        self.events.clear()

    def send(self, node, data, number=1):
        self.tell("sent", connection=number, node=node, data=data)

    def facts(self, *names):
        return [tuple(one.get(name) for name in names) for one in self.events]


@pytest.fixture
def heard():
    return Heard()


def answer(opaque, fields, code=ResponseCode.SUCCESS):
    return Frame(code, fields, opaque=opaque, flag=Flag.RESPONSE).to_bytes()


def test_an_answer_has_its_requests_code_topic_and_queue(heard):
    heard.connect()
    request = Frame(RequestCode.SEND_MESSAGE_V2, SEND, b"body", opaque=7).to_bytes()
    heard.send("lab", request)
    heard.send("broker-a", answer(7, SENT))
    assert heard.events == [
        {
            "at": 1.0,
            "kind": "frame",
            "connection": 1,
            "node": "lab",
            "peer": "broker-a",
            "code": "SEND_MESSAGE_V2",
            "opaque": 7,
            "size": len(request),
            "topic": "orders",
            "queue": 2,
            "group": "shop",
        },
        {
            "at": 1.0,
            "kind": "frame",
            "connection": 1,
            "node": "broker-a",
            "peer": "lab",
            "code": "SEND_MESSAGE_V2",
            "opaque": 7,
            "size": len(answer(7, SENT)),
            "topic": "orders",
            "queue": 2,
            "group": "shop",
            "response": "SUCCESS",
            "offset": 26,
        },
    ]


def test_a_pull_that_tells_how_far_its_group_is_says_so(heard):
    heard.connect()
    pull = {"topic": "orders", "queueId": "0", "queueOffset": "5", "commitOffset": "3"}
    for flags in ("3", "2"):
        fields = {**pull, "sysFlag": flags}
        heard.send("lab", Frame(RequestCode.PULL_MESSAGE, fields).to_bytes())
    assert heard.facts("offset", "commit") == [(5, 3), (5, None)]


def test_an_offset_that_is_committed_is_the_frames_offset(heard):
    heard.connect()
    code = RequestCode.UPDATE_CONSUMER_OFFSET
    fields = {"consumerGroup": "g", "topic": "t", "queueId": "1", "commitOffset": "9"}
    heard.send("lab", Frame(code, fields, flag=Flag.ONEWAY).to_bytes())
    found = heard.facts("code", "group", "queue", "offset", "oneway")
    assert found == [(code.name, "g", 1, 9, True)]


def test_frames_are_found_wherever_the_stream_is_cut(heard):
    heard.connect()
    data = b"".join(
        Frame(RequestCode.PULL_MESSAGE, {"topic": "t"}, b"x" * n, opaque=n).to_bytes()
        for n in range(5)
    )
    for at in range(len(data)):
        heard.send("lab", data[at : at + 1])
    assert heard.facts("opaque") == [(n,) for n in range(5)]


def test_reports_and_pieces_go_over_the_port_for_replication(heard):
    heard.connect(node="broker-a-s", port=10912)
    heard.send("broker-a-s", REPORT.pack(100))
    heard.send(
        "broker-a", Piece(100, b"x" * 30).to_bytes() + Piece(130, b"").to_bytes()
    )
    found = heard.facts("kind", "node", "peer", "offset", "size")
    assert found == [
        ("report", "broker-a-s", "broker-a", 100, None),
        ("piece", "broker-a", "broker-a-s", 100, 30),
        ("piece", "broker-a", "broker-a-s", 130, 0),
    ]


@given(st.binary(max_size=300), st.integers(0, 2**32), st.booleans())
def test_no_bytes_make_a_tap_fail_and_the_other_direction_is_still_heard(
    rubbish, seed, is_ha
):
    heard = Heard()
    heard.connect(port=10912 if is_ha else 10911)
    heard.connect(2)
    dice = Random(seed)
    while rubbish:
        cut = dice.randint(1, len(rubbish))
        heard.send("lab", rubbish[:cut])
        rubbish = rubbish[cut:]
    heard.send("broker-a", Frame(RequestCode.HEART_BEAT).to_bytes(), number=2)
    assert heard.events[-1]["code"] == "HEART_BEAT"


@pytest.mark.parametrize("queue", ["", "x", "9" * 5000, "1.5"])
def test_a_field_that_is_no_number_is_left_out(heard, queue):
    heard.connect()
    fields = {"topic": "t", "queueId": queue, "queueOffset": queue}
    heard.send("lab", Frame(RequestCode.PULL_MESSAGE, fields).to_bytes())
    assert heard.facts("topic", "queue", "offset") == [("t", None, None)]


def test_requests_that_are_never_answered_are_forgotten_in_the_end(heard):
    heard.connect()
    for opaque in range(MAX_PENDING + 1):
        heard.send("lab", Frame(RequestCode.HEART_BEAT, opaque=opaque).to_bytes())
    heard.send("broker-a", answer(0, None) + answer(1, None))
    assert heard.facts("code")[-2:] == [("?",), ("HEART_BEAT",)]


def test_a_write_to_a_commit_log_is_an_append_at_its_offset(heard):
    heard.tell("write", host="host1", path=LOG, offset=16, size=100)
    heard.tell("write", host="host2", path=LOG, offset=16, size=100)
    heard.tell("write", host="host1", path="/store/checkpoint", offset=0, size=24)
    assert heard.facts("kind", "node", "offset", "size") == [
        ("append", "broker-a", 1040, 100)
    ]


def test_a_flush_reaches_what_was_written_when_it_began(heard):
    for size in (10, 20):
        heard.tell("write", host="host1", path=LOG, offset=0, size=size)
        heard.tell("flushing", host="host1", path=LOG)
    heard.tell("write", host="host1", path=LOG, offset=20, size=5)
    for _ in range(2):
        heard.tell("flush", host="host1", path=LOG, took_s=0.0010000001)
    found = heard.facts("kind", "what", "end", "took_s")[3:]
    assert found == [("flush", "log", 1034, 0.001), ("flush", "log", 1044, 0.001)]


def test_flushes_that_a_crash_or_a_refusal_ended_are_not_awaited(heard):
    heard.tell("write", host="host1", path=LOG, offset=0, size=10)
    heard.tell("flushing", host="host1", path=LOG)
    heard.tell("fault", host="host1", what="crash")
    heard.tell("flushing", host="host1", path=LOG)
    heard.tell("unflushed", host="host1", path=LOG)
    heard.tell("cut", host="host1", path=LOG, offset=4)
    heard.tell("flushing", host="host1", path=LOG)
    heard.tell("flush", host="host1", path=LOG, took_s=0.0)
    assert heard.events[-1]["end"] == 1028


def test_what_a_crash_took_of_a_log_is_told_by_its_offset(heard):
    heard.tell("lost", host="host1", path=LOG, lost=(4096,), torn=(8192,))
    assert heard.facts("node", "what", "pages", "offset") == [
        ("broker-a", "log", 2, 5120)
    ]


def test_who_begins_to_listen_late_hears_whole_frames_again(heard):
    heard.connect()
    heard.tap.remove(heard.tap._sinks[0])
    data = Frame(RequestCode.HEART_BEAT, opaque=3).to_bytes()
    heard.send("lab", data[:9])
    heard.tap.add(heard.events.append)
    heard.send("lab", data)
    assert heard.facts("opaque") == [(3,)]


def test_the_murmur_is_what_goes_on_without_anybodys_doing():
    murmur = Murmur()
    report = {"kind": "report", "connection": 1, "offset": 10}
    answered = {"kind": "frame", "code": "PULL_MESSAGE", "response": "SUCCESS"}
    told = [
        ({"kind": "frame", "code": "HEART_BEAT"}, True),
        ({"kind": "frame", "code": "PULL_MESSAGE"}, True),
        (answered, False),
        (report, False),
        (report, True),
        ({**report, "offset": 11}, False),
        ({"kind": "piece", "size": 0}, True),
        ({"kind": "fault"}, False),
    ]
    assert [murmur.has(event) for event, _ in told] == [is_so for _, is_so in told]


def test_a_trace_is_written_and_read_as_the_same_text(tmp_path):
    path = tmp_path / "golden.jsonl"
    path.write_text(GOLDEN)
    trace = Trace(path)
    again = [to_text(one) + "\n" for one in (trace.first, *trace)]
    assert "".join(again) == GOLDEN
    assert trace.first == header("sim", "1m", [{"name": "broker-a"}], seed=7)


def test_events_of_some_kinds_can_be_had_alone(tmp_path):
    path = tmp_path / "golden.jsonl"
    path.write_text(GOLDEN)
    assert [one["outcome"] for one in events(path, {"told"})] == ["SEND_OK"]
    assert len(list(events(path))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("nonsense\n", "line 1 of"),
        ('{"at":0,"kind":"node"}\n', "does not say that it is a trace"),
        (GOLDEN.replace('"version":1', '"version":2'), "version 2, this rmqlab reads"),
        (GOLDEN + '{"at":3,"ki', "line 4 of .* which is cut off"),
        (GOLDEN + "[1]\n", "line 4 of .*no JSON object"),
        (GOLDEN + '{"kind":"node"}\n', "line 4 of .*`at` is no number"),
        (GOLDEN + '{"at":1}\n', "line 4 of .*`kind` is no text"),
        (GOLDEN + "[" * 100_000 + "\n", "line 4 of .*no event"),
    ],
)
def test_what_is_no_trace_is_refused_with_what_to_do(tmp_path, text, said):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(BadTrace, match=said):
        list(events(path))


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path):
    with pytest.raises(BadTrace, match=r"cannot read .*nowhere\.jsonl: No such file"):
        Trace(tmp_path / "nowhere.jsonl")


def test_a_recorder_keeps_the_last_events_and_writes_all(tmp_path):
    path, ended = tmp_path / "all.jsonl", []
    with Recorder(path, most=2) as recorder:
        recorder.begin(header("sim", "1m", []), lambda: ended.append(1))
        for at_s in range(5):
            recorder({"at": at_s, "kind": "client", "client": "lab"})
    assert [one["at"] for one in recorder] == [3, 4]
    assert repr(recorder) == "Recorder: 5 events, the last 2 are kept"
    assert [one["at"] for one in Trace(path)] == [0, 1, 2, 3, 4]
    assert ended == [1]


def test_a_prompt_writers_lines_are_there_at_once(tmp_path):
    path = tmp_path / "part.jsonl"
    with Writer(path, header("local", "1m", []), is_prompt=True) as writer:
        writer.write({"at": 1.0, "kind": "client", "client": "lab"})
        assert len(list(Trace(path))) == 1
    writer.write({"at": 2.0, "kind": "client", "client": "late"})
    assert len(list(Trace(path))) == 1
