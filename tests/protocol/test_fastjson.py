"""The JSON that Java's fastjson writes and reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.errors import WireError
from rmqlab.protocol.fastjson import MAX_DEPTH, Key, dumps, loads
from tests.support import golden_archive, golden_frames

CONFIG_FILES = {
    path: data for path, data in golden_archive("stores").items() if "/config/" in path
}

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    some.none() | some.booleans() | some.integers() | texts
    | some.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
keys = texts | some.integers() | some.dictionaries(texts, scalars).map(
    lambda pairs: Key(pairs.items())
)  # fmt: skip
values = some.recursive(
    scalars,
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=15,
)


def json_bodies():
    """Yield each golden body that is JSON."""
    for name, data in golden_frames().items():
        at = 8 + int.from_bytes(data[5:8])
        if data[at : at + 1] in (b"{", b"["):
            yield name, data[at:].removesuffix(b"\n")  # C++ ends them so


@pytest.mark.parametrize("path", sorted(CONFIG_FILES))
def test_a_golden_config_file_read_and_written_again_is_the_same_bytes(path):
    text = CONFIG_FILES[path].decode()
    assert dumps(loads(text), pretty=True) == text


def test_a_golden_json_body_read_and_written_again_is_the_same_bytes():
    bodies = dict(json_bodies())
    assert len(bodies) > 100
    changed = {
        name: body
        for name, body in bodies.items()
        if dumps(loads(body)).encode() != body
    }
    assert changed == {}


@given(values)
def test_any_value_written_and_read_is_the_same(value):
    assert loads(dumps(value)) == value


@given(values)
def test_the_pretty_form_means_the_same(value):
    assert loads(dumps(value, pretty=True)) == value


@given(values)
def test_bytes_are_read_like_text(value):
    assert loads(dumps(value).encode()) == value


@given(some.text(alphabet='{}[]":,0123 \\u\t\nabtrufalsn.e-', max_size=25))
def test_random_text_is_a_value_or_refused(text):
    try:
        value = loads(text)
    except WireError:
        return
    assert loads(dumps(value)) == value


def test_a_number_that_is_a_key_needs_no_quotes():
    assert loads('{0:"a:1",1:"b:2"}') == {0: "a:1", 1: "b:2"}
    assert dumps({0: "a:1", 1: "b:2"}) == '{0:"a:1",1:"b:2"}'


def test_a_number_in_quotes_that_is_a_key_stays_text():
    assert loads('{"0":1}') == {"0": 1}
    assert dumps({"0": 1}) == '{"0":1}'


def test_a_key_that_is_an_object_keeps_the_order_of_its_pairs():
    text = '{{"queueId":0,"topic":"T0","brokerName":"b"}:{"offset":7}}'
    ((key, value),) = loads(text).items()
    assert key.as_dict() == {"queueId": 0, "topic": "T0", "brokerName": "b"}
    assert list(key.as_dict()) == ["queueId", "topic", "brokerName"]
    assert value == {"offset": 7}
    assert dumps({key: value}) == text


def test_blanks_between_the_parts_do_not_matter():
    assert loads(' {\t1 : [ 2 ,\n3 ] ,\r\n"a" : { } } ') == {1: [2, 3], "a": {}}


def test_the_pretty_form_starts_a_line_before_members_and_keys_that_are_text():
    """As `mqadmin topicRoute` of 4.9.7 prints a route."""
    pretty = dumps({"a": {0: 1, 1: 2}, "b": {}, "c": [{"d": 1}]}, pretty=True)
    assert pretty == (
        '{\n\t"a":{0:1,1:2\n\t},\n\t"b":{},\n\t"c":[\n\t\t{\n\t\t\t"d":1\n\t\t}\n\t]\n}'
    )


def test_characters_beyond_ascii_are_written_as_they_are():
    assert dumps({"text": "中文 ü 😀"}) == '{"text":"中文 ü 😀"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[",
        "{1",
        "{1:",
        "{1:2",
        "{1:2,",
        "{1 2}",
        "{1:2 3:4}",
        "[1 2]",
        "[1",
        '{0:"a',
        "{0:1}x",
        "{0:1}{0:1}",
        "{a:1}",
        "{0:undefined}",
        "{[1]:2}",
        '{0:"\\x"}',
        "{0:'a'}",
        b"\xff\xfe",
        '"half a pair: \\ud83d"',
        '{0:"half a pair: \\uDE00"}',
        "9" * 5000,
        "{0:" + "9" * 5000 + "}",
        "1e999",
        "{0:1e999}",
        "NaN",
        "{0:-Infinity}",
    ],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(WireError, match="no JSON: "):
        loads(text)


@pytest.mark.parametrize("part", ["[", '{"a":', "{0:", "{{"])
def test_depth_without_an_end_is_refused(part):
    with pytest.raises(WireError, match="no JSON"):
        loads(part * 100_000)


def test_depth_is_bounded_where_fastjsons_keys_are_read():
    deepest = "{0:" + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}"
    assert dumps(loads(deepest)) == deepest
    with pytest.raises(WireError, match=f"more than {MAX_DEPTH} levels"):
        loads(f"[{deepest}]")


def test_standard_json_is_read_as_the_standard_library_does():
    text = json.dumps({"a": [1, 2.5, None, True, "x\n\u2028"], "b": {"c": {}}})
    assert loads(text) == json.loads(text)
