"""`.properties` files, and settings that are declared once by RocketMQ's own keys.

The file format is Java's: `key=value`, `key: value` or `key value`; `#` and `!` start
comments; blanks before a value are dropped and blanks after it are kept; a backslash
escapes and continues lines.  The bytes are ISO-8859-1.

A settings class is a dataclass.  The attribute `flush_disk_type` is read from the key
`flushDiskType`; `setting(default, also=…)` adds an older spelling.  As in RocketMQ the
last mention of a key wins, and a value that does not parse leaves the default in place.
Unlike RocketMQ, `read` reports both that and each key that nothing read.

Not here: which settings there are (`settings`), what a learner is told (`lint`).

Source: java.util.Properties.load, MixAll.properties2Object, release 4.9.7.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, TypeVar, dataclass_transform, get_type_hints

from rmqlab.errors import ConfigError
from rmqlab.names import camel_case

S = TypeVar("S")

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_LINE = re.compile(r"((?:[^\\:= \t\f]|\\.)*)[ \t\f]*[:=]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]+")


class Long(int):
    """A whole number of 64 bits, as a kind of value; Java's int has 32."""


class Property(NamedTuple):
    """One `key=value` and the line where it stands, counted from 1."""

    key: str
    value: str
    line: int


class Problem(NamedTuple):
    """Something in a file that will not have the effect its writer expects."""

    key: str
    value: str
    line: int
    what: str


def parse_properties(data: bytes | str) -> list[Property]:
    """Return each property in the order of the file, repeated keys included.

    Raises:
        ConfigError: half a unicode escape, which Java refuses, too.
    """
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    found = []
    for line, logical in _logical_lines(text):
        if match := _LINE.fullmatch(logical):
            try:
                key, value = map(_unescape, match.groups())
            except ValueError as error:
                raise ConfigError(f"line {line}: {error}") from None
            found.append(Property(key, value, line))
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their continuations joined; no comments, no empty ones."""
    lines = enumerate(re.split(r"\r\n|\r|\n", text), start=1)
    for number, line in lines:
        whole = line.lstrip(" \t\f")
        if not whole or whole[0] in "#!":
            continue
        while _continues(whole):
            whole = whole[:-1] + next(lines, (0, ""))[1].lstrip(" \t\f")
        if whole:
            yield number, whole


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescape(text: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code == "u":
            raise ValueError(f"malformed \\uxxxx in {text!r}")
        return _ESCAPES.get(code, code)

    return _ESCAPED.sub(replaced, text)


def setting(*, default: Any, also: str = "", key: str = "") -> Any:
    """Declare a setting with an older spelling, or with a key that is not camelCase."""
    return field(default=default, metadata={"also": also, "key": key})


@dataclass_transform(kw_only_default=True, field_specifiers=(setting,))
def settings(cls: type[S]) -> type[S]:
    """Declare a settings class."""
    return dataclass(slots=True, kw_only=True)(cls)


def keys_of(cls: type[Any]) -> dict[str, str]:
    """Return the attribute that each key sets, older spellings included."""
    keys = {}
    for one in dataclasses.fields(cls):
        keys[one.metadata.get("key") or camel_case(one.name)] = one.name
        if also := one.metadata.get("also"):
            keys[also] = one.name
    return keys


def read(properties: Iterable[Property], *into: Any) -> list[Problem]:
    """Set what the properties say in each settings object that has such a key.

    Return what had no effect: keys that no object has, values that do not parse.
    """
    problems = []
    tables = [(one, keys_of(type(one)), get_type_hints(type(one))) for one in into]
    for key, value, line in properties:
        homes = [(one, keys[key], hints) for one, keys, hints in tables if key in keys]
        if not homes:
            problems.append(Problem(key, value, line, "no such key"))
        for one, name, hints in homes:
            try:
                setattr(one, name, parse_value(value, hints[name]))
            except ValueError as error:
                problems.append(Problem(key, value, line, str(error)))
    return problems


def parse_value(text: str, kind: Any) -> Any:
    """Return the value that `text` spells, as strictly as Java does.

    Raises:
        ValueError: it spells none of that kind; the text says what would.
    """
    if kind is str:
        return text
    if kind is bool:
        return text.lower() == "true"
    if isinstance(kind, type) and issubclass(kind, Enum):
        if text not in kind.__members__:
            names = ", ".join(kind.__members__)
            raise ValueError(f"{text!r} is none of {names}")
        return kind[text]
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    end = 1 << (63 if kind is Long else 31)
    if not -end <= int(text) < end:
        raise ValueError(f"{text!r} is not in {-end} to {end - 1}")
    return int(text)


def to_properties(*objects: Any) -> str:
    """Return all settings as `key=value` lines, as GET_BROKER_CONFIG answers."""
    lines = []
    for one in objects:
        for key, name in keys_of(type(one)).items():
            value = getattr(one, name)
            lines.append(f"{key}={_as_text(value)}\n")
    return "".join(lines)


def _as_text(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    return str(value).lower() if isinstance(value, bool) else str(value)
