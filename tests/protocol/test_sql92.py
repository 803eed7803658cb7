"""SQL92 filters: what they mean, which texts are none, and what bounds them.

The tables are what the real filter of 4.9.7 says; `tests/interop` asks it for more.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.protocol.sql92 import SqlError, parse
from rmqlab.protocol.sql92.grammar import MAX_DEPTH
from rmqlab.protocol.sql92.terms import Incomparable
from rmqlab.protocol.sql92.tokens import MAX_CHARACTERS

UNKNOWN, SENSELESS = None, "senseless"


def value(text, **properties):
    """Return what a filter is worth for a message with these properties."""
    try:
        return parse(text).value(properties)
    except Incomparable:
        assert not parse(text).matches(properties)
        return SENSELESS


@pytest.mark.parametrize(
    ("text", "a", "expected"),
    [
        ("a > 5", "7", True),
        ("a > 5", "5", False),
        ("a >= 5", "5", True),
        ("a < 5", "-7", True),
        ("a <= 4.5", "4.5", True),
        ("a = 5", "5", True),
        ("a = 5", "+5", True),
        ("a = 5L", "5", True),
        ("a <> 5", "5", False),
        ("a = -5", "-5", True),
        ("a = +5", "5", True),
        ("5 < a", "6", True),
        ("a = 1.5", "1.5", True),
        ("a = 1.5", " 1.5d ", True),
        ("a = 1e3", "1000", True),
        ("a > 3000000000", "3000000001", True),
        ("a = 'x'", "x", True),
        ("a = 'x'", "X", False),
        ("a <> 'x'", "y", True),
        ("a = 'it''s'", "it's", True),
        ("a = '5'", "5.0", False),
        ("a = TRUE", "True", True),
        ("a = true", "x", False),
        ("a = FALSE", "x", True),
        ("a BETWEEN 1 AND 5", "5", True),
        ("a BETWEEN 1 AND 5", "6", False),
        ("a NOT BETWEEN 1 AND 5", "6", True),
        ("a NOT BETWEEN 5 AND 1", "3", True),
        ("a IN ('x', 'y')", "y", True),
        ("a IN ('x', 'y')", "z", False),
        ("a NOT IN ('x')", "z", True),
        ("a IS NULL", "x", False),
        ("a IS NOT NULL", "x", True),
        ("(a)", "true", False),
        ("NOT a", "x", True),
        ("a = 1 OR a = 2 AND FALSE", "1", True),
        ("(a = 1 OR a = 2) AND FALSE", "1", False),
        ("a /* remark */ > -- another\n 5", "6", True),
    ],
)
def test_a_filter_is_worth_what_the_real_one_says(text, a, expected):
    assert value(text, a=a) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 5", UNKNOWN),
        ("a = 'x'", UNKNOWN),
        ("a <> 'x'", UNKNOWN),
        ("NOT (a = 'x')", UNKNOWN),
        ("a IN ('x')", UNKNOWN),
        ("a NOT IN ('x')", UNKNOWN),
        ("a BETWEEN 1 AND 5", UNKNOWN),
        ("-a > 5", UNKNOWN),
        ("a", UNKNOWN),
        ("a IS NULL", True),
        ("a IS NOT NULL", False),
        ("a = b", True),
        ("a > 5 OR TRUE", True),
        ("a > 5 AND FALSE", False),
    ],
)
def test_a_property_that_is_not_there_is_unknown_and_so_is_what_is_said_of_it(
    text, expected
):
    assert value(text) is expected


@pytest.mark.parametrize(
    ("text", "a"),
    [
        ("a > 5", "x"),
        ("a > 5", "5.5"),
        ("a > 5", " 6"),
        ("a > 5", ""),
        ("a > 5", "3000000000"),  # 5 is an int in Java, and this is none
        ("a > 5000000000", "1" * 40),
        ("a < 1.5", "x"),
        ("a < b", "x"),
        ("a = TRUE OR a = 1", "x"),
        ("NOT a = 'x'", "y"),
        ("TRUE = a", "true"),
    ],
)
def test_a_comparison_without_sense_makes_no_match_whatever_else_is_said(text, a):
    assert value(text, a=a, b="1") is SENSELESS
    assert value(f"({text}) OR a IS NULL", a=a, b="1") is SENSELESS


def test_two_properties_are_compared_by_order_as_numbers_and_else_as_texts():
    assert value("a < b", a="7", b="10") is True
    assert value("a = b", a="7", b="7.0") is False


def test_names_of_properties_are_taken_as_they_are_written():
    assert value("Price > 1 and PRICE IS NULL", Price="2") is True


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "found the end at character 1"),
        ("a >", "found the end at character 4"),
        ("a > > 5", "found '>' at character 5"),
        ("(a > 5", "expected ), found the end at character 7"),
        ("a > 5 b", "expected AND, OR or the end, found 'b' at character 7"),
        ("a LIKE 'x%'", "found 'LIKE' at character 3"),
        ("a + 1 > 5", "found '+' at character 3"),
        ('"a" = 1', "'\"' at character 1 begins no word"),
        ("a = 'x", '"\'" at character 5 begins no word'),
        ("a != 5", "'!' at character 3"),
        ("a > 'x'", "see '>' at character 3"),
        ("a > TRUE", "see '>' at character 3"),
        ("(a > 1) > 2", "see '>' at character 9"),
        ("a = NULL", "write IS NULL: see '=' at character 3"),
        ("TRUE = 'a'", "see '=' at character 6"),
        ("a BETWEEN 5 AND 1", "'BETWEEN' at character 3"),
        ("a BETWEEN 'x' AND 'y'", "'BETWEEN' at character 3"),
        ("a NOT 5", "found '5' at character 7"),
        ("a IN (5)", "expected text, found '5' at character 7"),
        ("a IN ()", "expected text, found ')' at character 7"),
        ("5 IN ('x')", "'IN' at character 3 is no property"),
        ("a IS 5", "expected NULL, found '5' at character 6"),
        ("5", "no condition ends with '5' at character 1"),
        ("a = 1 AND 'x'", "no condition ends with \"'x'\" at character 11"),
        ("a > 0.0", "'0.0' at character 5 is no double above 0"),
        ("a > 9223372036854775808", "is above 9223372036854775807"),
        ("a > 1e999", "'1e999' at character 5 is no double"),
    ],
)
def test_a_text_that_is_no_filter_is_refused_at_its_place(text, place):
    with pytest.raises(SqlError) as error:
        parse(text)
    assert place in str(error.value)


@pytest.mark.parametrize(
    "nested",
    [
        lambda n: "(" * n + "a IS NULL" + ")" * n,
        lambda n: "NOT " * n + "a",
        lambda n: "- " * n + "a = 1",
        lambda n: "a IS NULL" + " IS NULL" * n,
        lambda n: "a = b" + " = b" * n,
        lambda n: "a IN ('x')" + " <> TRUE" * n,
    ],
)
def test_parts_within_parts_are_bounded(nested):
    parse(nested(MAX_DEPTH - 2)).matches({"a": "1"})
    with pytest.raises(SqlError, match=f"more than {MAX_DEPTH} parts within parts"):
        parse(nested(MAX_DEPTH + 1))


def test_parts_beside_parts_are_bounded_by_the_length_alone():
    most = MAX_CHARACTERS // len("a = 1 OR ")
    assert value("a = 1 OR " * (most - 1) + "a = 2", a="2") is True
    with pytest.raises(SqlError, match=f"allowed {MAX_CHARACTERS}"):
        parse("a = 1 OR " * (most + 1) + "a = 2")


@given(st.text("ab5'.=<>()-+ NOTANDRBEWISUL,/*\n", max_size=40))
def test_any_text_is_a_filter_or_is_refused(text):
    with suppress(SqlError):
        assert parse(text).matches({"a": "5", "b": "x"}) in (True, False)


LEAVES = [("TRUE", 1.0), ("FALSE", 0.0), ("a > 1", 0.5), ("b = 'x'", 1.0)]


def join(parts):
    """Join two conditions, each a text and its worth: 1 true, 0 false, 0.5 unknown."""
    (left, first), (right, second) = parts
    return st.sampled_from(
        [
            (f"({left}) AND ({right})", min(first, second)),
            (f"({left}) OR ({right})", max(first, second)),
            (f"NOT ({left})", 1 - first),
        ]
    )


CONDITIONS = st.recursive(
    st.sampled_from(LEAVES), lambda part: st.tuples(part, part).flatmap(join)
)


@given(CONDITIONS)
def test_and_or_and_not_go_by_three_values(condition):
    text, worth = condition
    assert value(text, b="x") is {1.0: True, 0.0: False, 0.5: UNKNOWN}[worth]


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**31 - 1))
def test_whole_numbers_are_ordered_as_numbers(a, limit):
    assert value(f"a > {limit}", a=str(a)) is (a > limit)
    assert value(f"a = -{limit}", a=str(a)) is (a == -limit)
