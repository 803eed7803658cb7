"""What the parts of a filter are worth for one message.

A condition is true, false or unknown (None).  Properties are texts: where one meets a
number or TRUE, it is read as such, and a text that is none makes the whole filter
fail for that message (`Incomparable`), not only its part.  Compared by order are
numbers alone; two properties are then read as numbers, too.

    a = 5       with a = "5" true, "6" false, "5.0" or "x" incomparable, absent unknown
    a = 'x'     with a absent unknown, and so is a <> 'x'
    a = FALSE   true for every a but "true"

Source: ComparisonExpression.java, LogicExpression.java, UnaryExpression.java,
UnaryInExpression.java, release 4.9.7.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeGuard

Value = str | int | float | bool | None
Properties = Mapping[str, str]

INT, LONG = 1 << 31, 1 << 63
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?")
_SPACES = "".join(map(chr, range(33)))
"""What Java trims."""
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Incomparable(Exception):
    """Two values of which neither becomes what the other is."""


class Term(Protocol):
    """A part of a filter."""

    def value(self, of: Properties) -> Value:
        """Return what it is worth for a message with these properties.

        Raises:
            Incomparable: the filter as a whole makes no sense for the message.
        """
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, a number, TRUE, FALSE or NULL."""

    constant: Value

    def value(self, of: Properties) -> Value:
        """Return it."""
        return self.constant


@dataclass(frozen=True, slots=True)
class Property:
    """A property by its name: its text, unknown where the message has none."""

    name: str

    def value(self, of: Properties) -> Value:
        """Return its text."""
        return of.get(self.name)


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with the other sign; of all else unknown."""

    term: Term

    def value(self, of: Properties) -> Value:
        """Return the number."""
        found = self.term.value(of)
        return -found if is_number(found) else None


class Condition:
    """Base of the terms that are true, false or unknown."""

    __slots__ = ()

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        raise NotImplementedError

    def matches(self, of: Properties) -> bool:
        """Whether a message with these properties is wanted."""
        try:
            return self.value(of) is True
        except Incomparable:
            return False


@dataclass(frozen=True, slots=True)
class Alone(Condition):
    """TRUE, FALSE or NULL as a condition; a property, which is a text, is no TRUE."""

    term: Term

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        found = self.term.value(of)
        return None if found is None else found is True


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The contrary; of unknown unknown."""

    term: Condition

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        found = self.term.value(of)
        return None if found is None else not found


@dataclass(frozen=True, slots=True)
class Joined(Condition):
    """Conditions joined by AND or by OR.

    The first that is `decides` (false for AND, true for OR) ends it; without one it is
    unknown where any is.
    """

    terms: tuple[Condition, ...]
    decides: bool

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        is_unknown = False
        for term in self.terms:
            found = term.value(of)
            if found is self.decides:
                return found
            is_unknown = is_unknown or found is None
        return None if is_unknown else not self.decides


@dataclass(frozen=True, slots=True)
class IsNull(Condition):
    """Whether something is unknown; this alone is always known."""

    term: Term

    def value(self, of: Properties) -> bool:
        """Return it."""
        return self.term.value(of) is None


@dataclass(frozen=True, slots=True)
class In(Condition):
    """Whether a property is one of several texts."""

    name: str
    texts: frozenset[str]

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        found = of.get(self.name)
        return None if found is None else found in self.texts


@dataclass(frozen=True, slots=True)
class Compared(Condition):
    """Two values and ``=``, ``>``, ``>=``, ``<`` or ``<=`` between them."""

    left: Term
    sign: str
    right: Term

    def value(self, of: Properties) -> bool | None:
        """Return which."""
        left = self.left.value(of)
        if self.sign == "=":
            return _equal(left, self.right.value(of))
        right = None if left is None else self.right.value(of)
        if left is None or right is None:
            return None
        if isinstance(left, str) and isinstance(right, str):
            left, right = _as_number(left, 0.0), _as_number(right, 0.0)
        return bool(_ORDERS[self.sign](compare(left, right), 0))


def _equal(left: Value, right: Value) -> bool | None:
    """As RocketMQ has it: one that is absent on the right makes it false."""
    if left is None:
        return None if right is not None else True
    return right is not None and compare(left, right) == 0


def compare(left: Value, right: Value) -> int:
    """Return less than, equal to or more than 0, as left is to right.

    Raises:
        Incomparable: a text is not read as what the other is.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return _compare_bools(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    first, second = _as_number(left, right), _as_number(right, left)
    if isinstance(first, float) or isinstance(second, float):
        first, second = float(first), float(second)
    return (first > second) - (first < second)


def _compare_bools(left: Value, right: Value) -> int:
    if isinstance(left, str):
        left = left.lower() == "true"
    elif isinstance(right, str):
        raise Incomparable  # only a text on the left is read as TRUE
    if not (isinstance(left, bool) and isinstance(right, bool)):
        return -1
    return left - right


def _as_number(value: Value, like: Value) -> int | float:
    """Return a number as it is; of a text the int, long or double that it spells.

    Which of them is the other value's kind.  Java's NaN and Infinity are none here.
    """
    if not isinstance(value, str):
        return value or 0
    if isinstance(like, float):
        if _DOUBLE.fullmatch(value.strip(_SPACES)):
            return float(value.strip(_SPACES).rstrip("fFdD"))
        raise Incomparable
    most = INT if isinstance(like, int) and -INT <= like < INT else LONG
    found = int(value) if _WHOLE.fullmatch(value) else LONG
    if not -most <= found < most:
        raise Incomparable
    return found


def is_number(value: Value) -> TypeGuard[int | float]:
    """Whether it is one; TRUE is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
