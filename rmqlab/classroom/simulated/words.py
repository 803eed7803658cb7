"""One line of a scenario, taken word by word; whatever is wrong is said by its word."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import NoReturn

from rmqlab.errors import ConfigError

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
LONGEST_S = 1_000_000.0
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|min|m|h)", re.ASCII)
_WORD = re.compile(r"[A-Za-z]\w*=.*\S|[^\s,]+", re.ASCII)
"""Commas part words as blanks do; KEY=VALUE is one, to the end of the line."""
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


class ScenarioError(ConfigError):
    """A scenario that cannot be read; the text names line, word and what would do."""


class Words:
    """What is left of a line."""

    def __init__(self, name: str, number: int, text: str) -> None:
        self._where = f"{name}:{number}"
        self._words: list[str] = _WORD.findall(text)
        self._at = 0

    @property
    def next(self) -> str:
        """The next word, empty at the end."""
        return self._words[self._at] if self._at < len(self._words) else ""

    def fail(self, what: str) -> NoReturn:
        """Refuse the line, at the next word.

        Raises:
            ScenarioError: always.
        """
        raise ScenarioError(f"{self._where}: {what}")

    def expected(self, what: str) -> NoReturn:
        """Refuse the next word; say what would do.

        Raises:
            ScenarioError: always.
        """
        last = f"after {self._words[self._at - 1]!r}" if self._at else "here"
        found = repr(self.next) if self.next else f"the end of the line {last}"
        self.fail(f"{found}: expected {what}")

    def take(self, what: str) -> str:
        """Return the next word, whatever it is.

        Raises:
            ScenarioError: there is none; the text says that `what` was expected.
        """
        if not self.next:
            self.expected(what)
        self._at += 1
        return self._words[self._at - 1]

    def follows(self, *words: str) -> bool:
        """Take these words if they come next; return whether they did."""
        end = self._at + len(words)
        if tuple(self._words[self._at : end]) != words:
            return False
        self._at = end
        return True

    def must(self, *words: str) -> None:
        """Take these words.

        Raises:
            ScenarioError: something else comes.
        """
        for word in words:
            if not self.follows(word):
                self.expected(repr(word))

    def one_of(self, known: Iterable[str], what: str) -> str:
        """Return the next word, one of those that are known.

        Raises:
            ScenarioError: it is another one.
        """
        names = list(known)
        if self.next not in names:
            close = difflib.get_close_matches(self.next, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            self.expected(f"{what}: {', '.join(names)}{hint}")
        return self.take(what)

    def duration_s(self, what: str) -> float:
        """Return a time such as ``60s``, ``500ms``, ``2min`` or ``1h``.

        Raises:
            ScenarioError: it is none, or of more than eleven days.
        """
        match = _DURATION.fullmatch(self.next)
        if match is None:
            self.expected(f"{what}, such as 60s, 500ms, 2min or 1h")
        seconds = float(match[1]) * UNITS_S[match[2]]
        if seconds > LONGEST_S:
            self.expected(f"{what} of at most {LONGEST_S:g}s")
        self.take(what)
        return seconds

    def pause_s(self, what: str) -> float:
        """Return a time that is longer than nothing; see `duration_s`."""
        before = self._at
        seconds = self.duration_s(what)
        if not seconds:
            self._at = before
            self.expected(f"{what} of more than 0s")
        return seconds

    def number(self, what: str, most: float = math.inf) -> float:
        """Return a number from 0 on.

        Raises:
            ScenarioError: it is none, or too large.
        """
        if not _NUMBER.fullmatch(self.next):
            self.expected(f"{what}, a number")
        if float(self.next) > most:
            self.expected(f"{what}, at most {most:g}")
        return float(self.take(what))

    def rate(self, most: float) -> float:
        """Return how many a second, from ``5/s``.

        Raises:
            ScenarioError: it is no rate, or too high.
        """
        number, slash, second = self.next.partition("/")
        if slash + second != "/s" or not _NUMBER.fullmatch(number):
            self.expected("how many a second, such as 5/s")
        if float(number) > most:
            self.expected(f"at most {most:g}/s")
        self.take("a rate")
        return float(number)

    def pair(self) -> tuple[str, str]:
        """Return key and value of ``KEY=VALUE``.

        Raises:
            ScenarioError: it is no pair.
        """
        if "=" not in self.next[1:]:
            self.expected("KEY=VALUE, without a blank before the =")
        key, _, value = self.take("KEY=VALUE").partition("=")
        return key, value.strip()

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            ScenarioError: there is.
        """
        if self.next:
            self.expected("the end of the line")
