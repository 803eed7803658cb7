"""The words of a filter, and the error that names the place of a wrong one.

Keywords are written in any case, the names of properties in theirs.  A text stands
between quotes, ``'it''s'``; a number has no sign of its own; remarks are ``-- to the
end of the line`` and ``/* such */``.

Source: SelectorParser.jj, release 4.9.7.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rmqlab.errors import RmqError

MAX_CHARACTERS = 16_384
"""Of a filter.  RocketMQ has no limit."""

KEYWORDS = {"NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS"}

_TOKEN = re.compile(
    r"""
      (?P<gap>     [ \t\n\r\f]+ | --[^\n\r]*[\n\r] | /\*.*?\*/ )
    | (?P<decimal> [0-9]+\.[0-9]*(?:E[+-]?[0-9]+)? | \.[0-9]+(?:E[+-]?[0-9]+)?
                 | [0-9]+E[+-]?[0-9]+ )
    | (?P<whole>   0 | [1-9][0-9]*L? )
    | (?P<text>    '(?:''|[^'])*' )
    | (?P<name>    [A-Z_$][A-Z0-9_$]* )
    | (?P<sign>    <> | >= | <= | [=<>()+,-] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)


class SqlError(RmqError):
    """A filter that is none; the text says what is wrong and at which character."""


class Token(NamedTuple):
    """One word: its kind, itself, and where it starts, counted from 1.

    Of a sign and a keyword the kind is the word, of the end it is ``end``.
    """

    kind: str
    word: str
    at: int

    def __str__(self) -> str:
        """As an error shows it."""
        shown = "the end" if self.kind == "end" else repr(self.word)
        return f"{shown} at character {self.at}"


def tokens(text: str) -> list[Token]:
    """Return the words of a filter, the end as the last one.

    Raises:
        SqlError: the filter is too long, or something in it is no word.
    """
    if len(text) > MAX_CHARACTERS:
        raise SqlError(f"{len(text)} characters, allowed {MAX_CHARACTERS}")
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise SqlError(f"{text[at]!r} at character {at + 1} begins no word")
        kind, word = str(match.lastgroup), match.group()
        if kind == "sign" or (kind == "name" and word.upper() in KEYWORDS):
            kind = word.upper()
        if kind != "gap":
            found.append(Token(kind, word, at + 1))
        at = match.end()
    return [*found, Token("end", "", at + 1)]
