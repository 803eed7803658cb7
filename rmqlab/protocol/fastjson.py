"""JSON as Java's fastjson writes it, which is not always JSON.

fastjson writes a map's integer keys without quotes, ``{0:"10.0.0.1:10911"}``, and a
key that is an object as the object itself, ``{{"queueId":0,…}:{…}}``.  Real peers
expect the first and accept either; both are read and written here.

Read: an integer key becomes an `int`, an object key a `Key` (an immutable pair list).

Source: bodies in `tests/golden/frames`, fastjson 1.2.69's behaviour.
"""

from __future__ import annotations

import json
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

from rmqlab.errors import WireError

MAX_DEPTH = 64
"""Objects within objects; RocketMQ's deepest body has six."""


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    return value if isfinite(value := float(text)) else _refuse(text)


_standard = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).decode


class Key(tuple[tuple[str, Any], ...]):
    """An object that is a key: its pairs, in the order in which they came."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the object."""
        return dict(self)


def loads(text: str | bytes) -> Any:
    """Return the value that `text` spells.

    Raises:
        WireError: it spells none.
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text
        value = _loads(text)
        if "\\ud" in text or "\\uD" in text:
            dumps(value).encode()  # half a UTF-16 pair could never be written again
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        raise WireError(f"no JSON: {text[:80]!r} ({error})") from error
    return value


def _loads(text: str) -> Any:
    try:
        return _standard(text)
    except ValueError:
        value, end = _value(text, _skip(text, 0), 0)
    if _skip(text, end) != len(text):
        raise ValueError(f"something follows byte {end}")
    return value


def dumps(value: Any, *, pretty: bool = False) -> str:
    """Return `value` as fastjson writes it; `pretty`: as in RocketMQ's config files."""
    return _dump(value, "\n" if pretty else None)


def text_keys(found: Any) -> Any:
    """Return the value with every number that is a key made text: standard JSON."""
    if isinstance(found, dict):
        return {str(key): text_keys(value) for key, value in found.items()}
    return [text_keys(one) for one in found] if isinstance(found, list) else found


def _dump(value: Any, newline: str | None) -> str:
    # The most frequent first: a table of topics is mostly texts and numbers.
    if isinstance(value, str):
        return str(encode_basestring(value))
    if type(value) is int:
        return repr(value)
    if isinstance(value, Key):
        return _dump_object(value.as_dict(), None, None)
    inner = None if newline is None else newline + "\t"
    if isinstance(value, dict):
        return _dump_object(value, newline, inner)
    if isinstance(value, list | tuple):
        start, end = inner or "", (newline or "") if value else ""
        return "[" + ",".join(start + _dump(one, inner) for one in value) + end + "]"
    return json.dumps(value)


def _dump_object(pairs: dict[Any, Any], newline: str | None, inner: str | None) -> str:
    if not pairs:
        return "{}"
    # Pretty, fastjson starts a line only before a key that is text, not before others.
    parts = [
        (inner or "" if isinstance(key, str) else "")
        + f"{_dump(key, None)}:{_dump(one, inner)}"
        for key, one in pairs.items()
    ]
    return "{" + ",".join(parts) + (newline or "") + "}"


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that starts at `at`, and where it ends."""
    if depth > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels at byte {at}")
    if text[at] == "{":
        return _object(text, at, depth)
    if text[at] == "[":
        return _array(text, at, depth)
    if text[at] == '"':
        return scanstring(text, at + 1)  # type: ignore[no-any-return]
    end = at
    while end < len(text) and text[end] not in ",:]} \t\r\n":
        end += 1
    return _standard(text[at:end]), end


def _object(text: str, at: int, depth: int) -> tuple[dict[Any, Any], int]:
    pairs: dict[Any, Any] = {}
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _value(text, at, depth + 1)
        at = _expect(text, _skip(text, at), ":")
        value, at = _value(text, at, depth + 1)
        pairs[Key(key.items()) if isinstance(key, dict) else key] = value
        at = _separator(text, at, "}")
    return pairs, at + 1


def _array(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    values = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        value, at = _value(text, at, depth + 1)
        values.append(value)
        at = _separator(text, at, "]")
    return values, at + 1


def _separator(text: str, at: int, end: str) -> int:
    """Return where the next member starts, or where `end` is."""
    at = _skip(text, at)
    return at if text[at] == end else _expect(text, at, ",")


def _expect(text: str, at: int, what: str) -> int:
    if text[at] != what:
        raise ValueError(f"expected {what!r} at byte {at}, found {text[at]!r}")
    return _skip(text, at + 1)
