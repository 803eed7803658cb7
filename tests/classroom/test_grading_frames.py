"""Grading frames made by hand: known wrong ones are told what is wrong with them."""

from __future__ import annotations

import pytest

from rmqlab.classroom import exercises
from rmqlab.classroom.checks import ex02_frame_by_hand as by_hand
from rmqlab.classroom.checks.framing import Wanted, fault
from rmqlab.classroom.grading import rerun
from rmqlab.classroom.grading.trial import Trial
from rmqlab.protocol.frame import Frame, HeaderFormat
from tests.classroom.graded import found, solution

SEED = 7
ASK, SEND, BINARY = by_hand.EXERCISE.checks.values()
WORD = '">iI", length, 0 << 24 | len(header)'
PLAIN = "json.dumps(header).encode()"

COUNTS_CHARACTERS = f"""json.dumps(header, ensure_ascii=False)
    size, header = len(header), header.encode()
    return struct.pack(">iI", 4 + len(header) + len(body), size) + header + body
    {PLAIN}"""

WRONG_FRAMES = {
    "the length counts itself": (
        ASK, "length = 4", "length = 8", "which counts itself",
    ),
    "the length lacks the word after it": (
        ASK, "length = 4 +", "length =", "bytes follow it",
    ),
    "lowest byte first": (
        ASK, WORD, WORD.replace(">", "<"), "whose lowest byte comes first",
    ),
    "the header length stands in the high bits": (
        ASK, "0 << 24 | len(header)", "len(header) << 8", "type byte 0, header length",
    ),
    "the header length counts the body": (
        SEND, "0 << 24 | len(header)", "len(header) + len(body)", "no JSON header",
    ),
    "the header length is one short": (
        ASK, "0 << 24 | len(header)", "len(header) - 1", "no JSON header",
    ),
    "the type byte is wrong": (
        ASK, "0 << 24", "1 << 24", "type byte 1, header length",
    ),
    "two equal words": (
        ASK, "0 << 24 | len(header)", "length", "type byte 0, header length",
    ),
    "an opaque of its own": (
        ASK, '"opaque": opaque', '"opaque": 7', "opaque 7",
    ),
    "an answer": (ASK, '"flag": 0', '"flag": 1', "flag 1, an answer"),
    "one-way": (ASK, '"flag": 0', '"flag": 2', "flag 2, one-way"),
    "another request": (ASK, "frame(30", "frame(31", "code 31"),
    "always the same queue": (
        ASK, 'str(question["queue_id"])', '"0"', "field queueId: '0'",
    ),
    "no extFields": (ASK, '"extFields"', '"fields"', "field topic: None"),
    "bytes, not text": (ASK, 'opaque"]).hex()', 'opaque"])', "b'\\x00"),
    "characters are counted in the body": (
        SEND, "+ len(body)", "+ len(body.decode())", "bytes follow it",
    ),
    "characters are counted in the header": (
        SEND,
        PLAIN,
        COUNTS_CHARACTERS,
        "no JSON header",
    ),
    "a body of another code page": (
        SEND, '["body"].encode()', '["body"].encode("utf-16")', "a body of",
    ),
    "no tag": (SEND, '"TAGS', '"KEYS', "field properties"),
    "a tag that nothing ends from its name": (
        SEND, "TAGS\\x01", "TAGS=", "field properties",
    ),
    "the moment of birth is made up": (
        SEND, 'str(order["born_ms"])', '"0"', "field bornTimestamp: '0'",
    ),
    "a field is missing": (
        SEND, '        "sysFlag": "0",\n', "", "required field sysFlag is missing",
    ),
    "a JSON header where another is wanted": (
        BINARY, "1 << 24", "0 << 24", "type byte 0, header length",
    ),
    "wide key lengths": (
        BINARY, '">h", len(key)', '">i", len(key)', "header part",
    ),
    "no length before the fields": (
        BINARY, '">hBhiiii", 30, 3, 407, question["opaque"], 0, 0, len(fields))',
        '">hBhiii", 30, 3, 407, question["opaque"], 0, 0)', "header part",
    ),
    "a wide language": (BINARY, ">hBh", ">hhh", "opaque"),
}  # fmt: skip


def in_kernel(sources, seed=SEED):
    """Return a trial as a notebook makes it: with functions of this process."""
    names = {}
    exec("\n".join(sources), names)
    functions = {name: names[name] for name in ("ask", "send", "ask_binary")}
    return Trial("02_frame_by_hand", seed, functions)


@pytest.mark.parametrize("check", [ASK, SEND, BINARY], ids=lambda one: one.name)
def test_the_solutions_frames_are_answered_whatever_the_seed(check):
    for seed in (SEED, 100, 10**8):
        assert found(check.run, in_kernel(solution("02_frame"), seed)) == ""


@pytest.mark.parametrize("how", WRONG_FRAMES)
def test_a_wrong_frame_is_told_what_is_wrong_with_it(how):
    check, right, wrong, said = WRONG_FRAMES[how]
    sources = [one.replace(right, wrong) for one in solution("02_frame")]
    assert sources != solution("02_frame")
    assert said in found(check.run, in_kernel(sources))


def test_frames_are_made_in_a_process_of_their_own():
    exercise = exercises.entry("02_frame").exercise
    marks = rerun.judge(exercise, solution("02_frame"), SEED)
    assert {mark.verdict for mark in marks.values()} == {"passed"}
    marks = rerun.judge(exercise, ["def ask(question):\n    ..."], SEED)
    assert marks["a_question_is_answered"].found == "None"
    assert marks["an_order_is_stored"].found == "nothing yet"


def test_no_two_seeds_ask_the_same():
    asked = [list(by_hand._orders(seed)) for seed in range(50)]
    assert len({order["body"] for orders in asked for order in orders}) == 200
    assert any(len(one[0]["body"]) < len(one[0]["body"].encode()) for one in asked)


@pytest.mark.parametrize("format_", HeaderFormat)
def test_any_bytes_have_a_fault_or_are_a_frame(format_):
    frame = Frame(30, {"topic": "orders"}, opaque=7, format=format_)
    data = frame.to_bytes()
    assert fault(data, Wanted(frame)) is None
    for cut in range(len(data)):
        assert fault(data[:cut], Wanted(frame))
        assert fault(data + data[:cut] + b"x", Wanted(frame))
    for at in range(len(data)):
        for byte in (0x00, 0x7F, 0xFF):
            fault(data[:at] + bytes([byte]) + data[at + 1 :], Wanted(frame))


def test_the_broker_can_be_asked_by_hand():
    frame = Frame(30, {"topic": "orders", "queueId": "9"}, opaque=5)
    assert "#5" in by_hand.answer_to(frame.to_bytes().hex())
    assert by_hand.answer_to("00000001") == "the connection is closed"
    assert by_hand.answer_to(None) == "these are no bytes as text: None"
