"""From the words of a filter to its terms.

    or          and { OR and }
    and         equality { AND equality }
    equality    comparison { (= | <>) comparison | IS [NOT] NULL }
    comparison  unary { (> | >= | < | <=) unary | [NOT] BETWEEN unary AND unary
                      | [NOT] IN ( text {, text} ) }
    unary       (+ | - | NOT) unary | primary
    primary     text | number | TRUE | FALSE | NULL | property | ( or )

NOT binds tighter than a comparison: ``NOT a = 'x'`` is ``(NOT a) = 'x'``, which
matches nothing.  By order only numbers may be compared, never texts.  There is no
arithmetic and no LIKE.

On purpose clearer than RocketMQ, which ignores what follows a complete filter: here it
is refused.

Source: SelectorParser.jj and the create… methods of ComparisonExpression.java, 4.9.7.
"""

from __future__ import annotations

from functools import lru_cache

from rmqlab.protocol.sql92.terms import (
    LONG,
    Alone,
    Compared,
    Condition,
    Constant,
    In,
    Incomparable,
    IsNull,
    Joined,
    Negative,
    Not,
    Property,
    Term,
    Value,
    compare,
    is_number,
)
from rmqlab.protocol.sql92.tokens import SqlError, Token, tokens

MAX_DEPTH = 64
"""Of parts within parts.  RocketMQ has no limit but Java's stack."""

_WORDS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}


@lru_cache(100)
def parse(text: str) -> Condition:
    """Return the condition that a filter spells.

    Raises:
        SqlError: it spells none.
    """
    return _Parser(text).whole()


class _Parser:
    """Reads word by word; a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = self._depth = 0

    def whole(self) -> Condition:
        found = self._condition(self._or())
        if self._next.kind != "end":
            raise SqlError(f"expected AND, OR or the end, found {self._next}")
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *kinds: str) -> Token | None:
        """Return the next word and go on, if it is of one of these kinds."""
        found = self._next
        if found.kind not in kinds:
            return None
        self._at += found.kind != "end"
        return found

    def _expect(self, kind: str) -> Token:
        found = self._take(kind)
        if found is None:
            raise SqlError(f"expected {kind}, found {self._next}")
        return found

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SqlError(f"more than {MAX_DEPTH} parts within parts at {self._next}")

    def _or(self) -> Term:
        parts = [self._and()]
        while self._take("OR"):
            parts.append(self._and())
        return self._joined(parts, decides=True)

    def _and(self) -> Term:
        parts = [self._equality()]
        while self._take("AND"):
            parts.append(self._equality())
        return self._joined(parts, decides=False)

    def _joined(self, parts: list[Term], *, decides: bool) -> Term:
        if len(parts) == 1:
            return parts[0]
        return Joined(tuple(map(self._condition, parts)), decides)

    def _condition(self, term: Term) -> Condition:
        if isinstance(term, Condition):
            return term
        is_bool = isinstance(term, Constant) and _is_bool(term.constant)
        if isinstance(term, Property) or is_bool:
            return Alone(term)
        before = self._tokens[max(self._at - 1, 0)]
        raise SqlError(f"no condition ends with {before}")

    def _equality(self) -> Term:
        left, depth = self._comparison(), self._depth
        while sign := self._take("=", "<>", "IS"):
            self._deeper()
            if sign.kind == "IS":
                is_not = self._take("NOT")
                self._expect("NULL")
                left = Not(IsNull(left)) if is_not else IsNull(left)
            else:
                right = self._comparison()
                _check_equal(left, right, sign)
                same = Compared(left, "=", right)
                left = Not(same) if sign.kind == "<>" else same
        self._depth = depth
        return left

    def _comparison(self) -> Term:
        left, depth = self._unary(), self._depth
        while found := self._take(">", ">=", "<", "<=", "NOT", "BETWEEN", "IN"):
            self._deeper()
            is_not = found.kind == "NOT"
            if is_not:
                found = self._take("BETWEEN", "IN") or self._expect("BETWEEN or IN")
            if found.kind == "BETWEEN":
                left = self._between(left, found, is_not=is_not)
            elif found.kind == "IN":
                left = self._in(left, found, is_not=is_not)
            else:
                left = _ordered(left, found.kind, self._unary(), found)
        self._depth = depth
        return left

    def _between(self, term: Term, at: Token, *, is_not: bool) -> Condition:
        low = self._unary()
        self._expect("AND")
        high = self._unary()
        if is_not:
            ends = _ordered(term, "<", low, at), _ordered(term, ">", high, at)
            return Joined(ends, decides=True)
        _check_range(low, high, at)
        ends = _ordered(term, ">=", low, at), _ordered(term, "<=", high, at)
        return Joined(ends, decides=False)

    def _in(self, term: Term, at: Token, *, is_not: bool) -> Condition:
        if not isinstance(term, Property):
            raise SqlError(f"what stands before {at} is no property")
        self._expect("(")
        texts = [_text(self._expect("text"))]
        while self._take(","):
            texts.append(_text(self._expect("text")))
        self._expect(")")
        found = In(term.name, frozenset(texts))
        return Not(found) if is_not else found

    def _unary(self) -> Term:
        if not (sign := self._take("+", "-", "NOT")):
            return self._primary()
        self._deeper()
        term = self._unary()
        self._depth -= 1
        if sign.kind == "NOT":
            return Not(self._condition(term))
        return Negative(term) if sign.kind == "-" else term

    def _primary(self) -> Term:
        if self._take("("):
            self._deeper()
            found = self._or()
            self._expect(")")
            self._depth -= 1
            return found
        if word := self._take("text", "whole", "decimal", *_WORDS):
            return Constant(_constant(word))
        if word := self._take("name"):
            return Property(word.word)
        raise SqlError(f"expected a property, a text or a number, found {self._next}")


def _text(token: Token) -> str:
    return token.word[1:-1].replace("''", "'")


def _constant(token: Token) -> Value:
    if token.kind in _WORDS:
        return _WORDS[token.kind]
    if token.kind == "text":
        return _text(token)
    if token.kind == "decimal":
        found = float(token.word)
        if not 0 < found < float("inf"):
            raise SqlError(f"{token} is no double above 0")
        return found
    digits = token.word.rstrip("lL")
    if len(digits) > len(str(LONG)) or int(digits) >= LONG:
        raise SqlError(f"{token} is above {LONG - 1}")
    return int(digits)


def _ordered(left: Term, sign: str, right: Term, at: Token) -> Condition:
    for one in (left, right):
        is_wrong = isinstance(one, Constant) and not is_number(one.constant)
        if is_wrong or isinstance(one, Condition):
            raise SqlError(f"only numbers and properties have an order, see {at}")
    return Compared(left, sign, right)


def _is_bool(value: Value) -> bool:
    return value is None or isinstance(value, bool)


def _check_equal(left: Term, right: Term, at: Token) -> None:
    both = [one.constant for one in (left, right) if isinstance(one, Constant)]
    if None in both:
        raise SqlError(f"NULL equals nothing, write IS NULL: see {at}")
    if len(both) == 2 and isinstance(both[0], bool) and not isinstance(both[1], bool):
        raise SqlError(f"TRUE and FALSE equal no other constant, see {at}")


def _check_range(low: Term, high: Term, at: Token) -> None:
    if not (isinstance(low, Constant) and isinstance(high, Constant)):
        return
    try:
        is_empty = None in (low.constant, high.constant) or (
            compare(high.constant, low.constant) < 0
        )
    except Incomparable:
        is_empty = True
    if is_empty:
        raise SqlError(f"nothing lies {at}: {low.constant} is above {high.constant}")
